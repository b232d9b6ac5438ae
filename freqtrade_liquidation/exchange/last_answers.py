"""What the exchange last answered to the bot's key: the newest good answer, and refusals.

A key that may read and not trade is refused at orders alone, and the next look is answered well.
So a refusal stands until a request of its own kind, a read or a write, is answered well. Ages are
taken from a clock that never jumps, and are written down as ages: no clock of another process, nor
one that was set anew, has a say in them.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

READ: Final = "read"
WRITE: Final = "write"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRefusal:
    """The exchange refused the key, whatever was asked.

    :param request: ``read``, or ``write``: an order, or another change.
    :param s_ago: whole seconds.
    :param error: the exchange's words, masked, on one line.
    """

    request: str
    s_ago: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAnswers:
    """As of one moment.

    :param answered_s_ago: whole seconds since a signed request was last answered well; ``None`` =
        none was.
    :param refused: refusals that stand, at most one of each kind, the newest first.
    """

    answered_s_ago: int | None = None
    refused: tuple[KeyRefusal, ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any], *, later_s: float) -> Self:
        """From :meth:`to_dict`, checked, *later_s* after it was made."""
        passed_s = max(0, int(later_s))
        answered = row["answered_s_ago"]
        by_kind = {
            raw["request"]: KeyRefusal(
                request=raw["request"], s_ago=raw["s_ago"] + passed_s, error=raw["error"]
            )
            for raw in row["refused"]
        }
        return cls(
            answered_s_ago=None if answered is None else answered + passed_s,
            refused=_newest_first(by_kind.values()),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "refused": [asdict(refusal) for refusal in self.refused]}


def _newest_first(refusals: Any) -> tuple[KeyRefusal, ...]:
    return tuple(sorted(refusals, key=lambda refusal: refusal.s_ago))


class SignedAnswers:
    """Remembers them. Any thread may call it: each step is one of a dictionary's own.

    :param monotonic: seconds; never goes back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._answered_at: float | None = None
        self._refused: dict[str, tuple[float, str]] = {}

    def answered(self, request: str) -> None:
        """A signed *request* (a read or a write) was answered, and the key is good for it."""
        self._answered_at = self._monotonic()
        self._refused.pop(request, None)

    def refuse(self, request: str, error: str) -> None:
        """A signed *request* was refused because of the key.

        :param error: in words, masked, on one line.
        """
        self._refused[request] = (self._monotonic(), error)

    def last(self) -> LastAnswers:
        """As of now."""
        now, at = self._monotonic(), self._answered_at
        return LastAnswers(
            answered_s_ago=None if at is None else int(now - at),
            refused=_newest_first(
                KeyRefusal(request=request, s_ago=int(now - refused_at), error=error)
                for request, (refused_at, error) in self._refused.copy().items()
            ),
        )
