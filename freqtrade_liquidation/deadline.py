"""One deadline a run, absolute, on the event loop's monotonic clock."""

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the running loop's clock. Made once, handed down, never restarted."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """*seconds* from now, on the running event loop's clock."""
        return cls(asyncio.get_running_loop().time() + seconds)

    @property
    def left_s(self) -> float:
        """Seconds left; 0.0 when it has passed."""
        return max(0.0, self.at - asyncio.get_running_loop().time())

    @property
    def passed(self) -> bool:
        """No time is left."""
        return self.left_s <= 0.0
