"""What counts as the first, the second and the third signal."""

from typing import Final

ONE_PRESS_S: Final = 0.5
"""The kernel, a shell and a service manager may each send a signal for one and the same event."""
THIRD_AFTER_S: Final = 1.0


class Presses:
    """Counts what a person or a service manager meant; the time is handed in.

    A hangup can only be the first: a closing terminal sends it from the kernel and from the shell.
    What follows within ``ONE_PRESS_S`` belongs to the signal before it. The third needs
    ``THIRD_AFTER_S`` since the second, and a run that has begun.
    """

    def __init__(self) -> None:
        self.count = 0
        self._at_s = 0.0

    def press(self, name: str, now_s: float, *, may_force: bool) -> bool:
        """Whether the signal *name* raised :attr:`count`.

        :param now_s: on the monotonic clock.
        :param may_force: a run has begun.
        """
        waited_s = now_s - self._at_s
        if self.count == 1 and (name == "SIGHUP" or waited_s < ONE_PRESS_S):
            return False
        if self.count >= 2 and (name == "SIGHUP" or waited_s < THIRD_AFTER_S or not may_force):
            return False
        self.count += 1
        self._at_s = now_s
        return True
