"""The state of the liquidation: a table and a pure function."""

from enum import StrEnum
from typing import Final


class LiquidationState(StrEnum):
    """Where the manager stands. Ends are ``completed``, ``partial``, ``failed``, ``skipped``."""

    IDLE = "idle"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def is_end(self) -> bool:
        """A run is over."""
        return self in ENDS


class LiquidationStep(StrEnum):
    """What moves the state."""

    STARTED = "started"
    VERIFIED_FLAT = "verified_flat"
    SOME_CLOSED = "some_closed"
    NONE_CLOSED = "none_closed"
    LEFT_OPEN_ON_PURPOSE = "left_open_on_purpose"


ENDS: Final = frozenset(
    {
        LiquidationState.COMPLETED,
        LiquidationState.PARTIAL,
        LiquidationState.FAILED,
        LiquidationState.SKIPPED,
    }
)

_FROM_PROGRESS: Final = {
    LiquidationStep.VERIFIED_FLAT: LiquidationState.COMPLETED,
    LiquidationStep.SOME_CLOSED: LiquidationState.PARTIAL,
    LiquidationStep.NONE_CLOSED: LiquidationState.FAILED,
    LiquidationStep.LEFT_OPEN_ON_PURPOSE: LiquidationState.SKIPPED,
}

TABLE: Final[dict[tuple[LiquidationState, LiquidationStep], LiquidationState]] = {
    **{
        (state, LiquidationStep.STARTED): LiquidationState.IN_PROGRESS
        for state in (LiquidationState.IDLE, *sorted(ENDS))
    },
    **{(LiquidationState.IN_PROGRESS, step): end for step, end in _FROM_PROGRESS.items()},
}


def advance(state: LiquidationState, step: LiquidationStep) -> LiquidationState:
    """The state after *step*.

    :raises ValueError: if the table has no such move.
    """
    try:
        return TABLE[state, step]
    except KeyError:
        raise ValueError(f"no move from state {state!s} by {step!s}") from None
