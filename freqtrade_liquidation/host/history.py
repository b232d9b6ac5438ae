"""What the last process left: its configuration, and runs that were cut off."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from freqtrade_liquidation import config as configuration
from freqtrade_liquidation.audit.checks import moment
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.rows import run_record
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.digits import digits
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.host.cut_off import outcomes_now
from freqtrade_liquidation.model import (
    PairOutcome,
    PairState,
    Position,
    Request,
    remainder,
    still_open,
)
from freqtrade_liquidation.state import LiquidationState

if TYPE_CHECKING:
    from freqtrade.freqtradebot import FreqtradeBot

logger = logging.getLogger(__name__)

OPERATORS: Final = frozenset({"telegram", "rest", "cli"})
FINISHED_WITHIN_S: Final = 15 * 60.0
"""An operator's run that was cut off longer ago than this is told, and not finished."""
RUNS_LOOKED_AT: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """A run that was found cut off.

    :param words: what the exchange shows now, for the operator.
    :param pairs: its scope; ``None`` = the whole book.
    :param open_before: what it left open, or not proven.
    :param age_s: seconds since it began.
    """

    words: str
    correlation_id: str
    trigger: str
    actor: str | None
    reason: str | None
    pairs: frozenset[str] | None
    open_before: tuple[Position, ...]
    age_s: float

    @property
    def to_finish(self) -> bool:
        """Somebody asked for it, and not long ago: do what is left of it."""
        return self.trigger in OPERATORS and self.age_s < FINISHED_WITHIN_S


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOpen:
    """The newest run for the whole book, if it did not end flat.

    :param pairs: what it left open, or could not show closed.
    :param repeats: how often it has been repeated.
    :param age_s: seconds since it ended, by the wall clock.
    """

    correlation_id: str
    request: Request
    pairs: frozenset[str]
    repeats: int
    age_s: float

    @property
    def to_repeat(self) -> bool:
        """Not long ago: what was repeated then is repeated now."""
        return abs(self.age_s) < FINISHED_WITHIN_S


def left_open(audit: AuditLog) -> LeftOpen | None:
    """What the newest run for the whole book has left open; ``None`` = it ended flat, or none ran.

    :raises AuditUnreadable: if the audit trail cannot be read.
    """
    for run in audit.runs(limit=RUNS_LOOKED_AT):
        state = run["state"]
        if run["pairs"] is not None or state == LiquidationState.SKIPPED:
            continue
        if state not in (LiquidationState.PARTIAL, LiquidationState.FAILED):
            return None
        begun = audit.events(run["correlation_id"], [AuditEventType.STARTED])
        ended_at = moment(run["finished_at"] or run["started_at"])
        return LeftOpen(
            correlation_id=run["correlation_id"],
            request=Request(
                trigger=run["trigger"],
                actor=run["actor"],
                reason=run["reason"],
                open_before=still_open(run["outcome"] or ()),
            ),
            pairs=frozenset(
                outcome["pair"]
                for outcome in run["outcome"] or ()
                if outcome["state"] in (PairState.OPEN, PairState.NOT_PROVEN)
            ),
            repeats=max((_repeat(event) for event in begun), default=0),
            age_s=(datetime.now(UTC) - ended_at).total_seconds(),
        )
    return None


def _repeat(event: dict[str, Any]) -> int:
    number = (event["additional_data"] or {}).get("repeat", 0)
    return number if isinstance(number, int) else 0


def note_config(audit: AuditLog, config: LiquidationConfig) -> None:
    """A change against the last start is an audit event with old and new values."""
    last = audit.last_event([AuditEventType.CONFIG_CHANGED])
    changes = configuration.changes((last or {}).get("config"), config)
    if not changes and last is not None:
        return
    audit.record(
        [
            AuditEvent(
                event_type=AuditEventType.CONFIG_CHANGED,
                operation="control",
                config=config.to_dict(),
                additional_data={"changes": changes},
            )
        ]
    )


def close_interrupted_runs(
    bot: "FreqtradeBot", audit: AuditLog, *, except_for: str | None = None
) -> list[Interrupted]:
    """Closes in the audit what a killed process left in progress, with what the exchange shows.

    Call it before the process's first run, when *bot* has just read its balance.

    :param except_for: the run of another process that is under way, by its id.
    """
    cut_off = [run for run in audit.unfinished_runs() if run["correlation_id"] != except_for]
    found = (_closed(bot, audit, run) for run in cut_off)
    return [cut for cut in found if cut is not None]


def _closed(bot: "FreqtradeBot", audit: AuditLog, run: dict[str, Any]) -> Interrupted | None:
    """One run of the past; ``None`` = its trail makes no sense, and it stays as it is."""
    try:
        return _close(bot, audit, run)
    except LiquidationError:
        raise  # the database does not answer: asked again
    except Exception:
        logger.exception("What became of run %s cannot be told.", run["correlation_id"])
        return None


def _close(bot: "FreqtradeBot", audit: AuditLog, run: dict[str, Any]) -> Interrupted:
    started_at = moment(run["started_at"])
    now = datetime.now(UTC)
    outcomes = outcomes_now(bot, audit, run["correlation_id"], scope=run["scope"])
    cut = Interrupted(
        words=_words(run, outcomes),
        correlation_id=run["correlation_id"],
        trigger=run["trigger"],
        actor=run["actor"],
        reason=run["reason"],
        pairs=None if run["pairs"] is None else frozenset(run["pairs"]),
        open_before=still_open(outcome.to_dict() for outcome in outcomes),
        age_s=(now - started_at).total_seconds(),
    )
    closed = sum(o.state in (PairState.CLOSED, PairState.DUST) for o in outcomes)
    event = AuditEvent(
        event_type=AuditEventType.INTERRUPTED,
        operation="run",
        correlation_id=cut.correlation_id,
        trigger=cut.trigger,
        error=cut.words,
        additional_data={
            "positions": [o.to_dict() for o in outcomes],
            "remainder": remainder(outcomes),
            "to_finish": cut.to_finish,
        },
    )
    record = replace(
        run_record(run),
        # Never completed: that nothing else is open was not looked for.
        state=str(LiquidationState.PARTIAL if closed else LiquidationState.FAILED),
        finished_at=now,
        errors=[cut.words],
        positions_closed=closed,
        positions_failed=len(outcomes) - closed,
        orders_cancelled=_cancelled(audit, cut.correlation_id),
        outcome=[outcome.to_dict() for outcome in outcomes],
    )
    audit.record([event], record)
    return cut


def _words(run: dict[str, Any], outcomes: Sequence[PairOutcome]) -> str:
    told = {
        PairState.CLOSED: "closed",
        PairState.DUST: "closed but for dust",
        PairState.OPEN: "OPEN",
        PairState.NOT_PROVEN: "NOT KNOWN",
    }
    shown = "; ".join(
        f"{o.pair} {o.side}: {told[o.state]}"
        + (f", {digits(o.residual_amount)} left" if o.residual_amount else "")
        + (f" ({o.error})" if o.state is PairState.NOT_PROVEN else "")
        for o in outcomes
    )
    text = (
        f"Liquidation {run['correlation_id']} ({run['trigger']}) was cut off. "
        f"The exchange shows now: {shown or 'no position'}."
    )
    if any(o.state is PairState.NOT_PROVEN for o in outcomes):
        text += " To look again, and close what is open: freqtrade-liquidation liquidate"
    return text


def _cancelled(audit: AuditLog, correlation_id: str) -> int:
    rows = audit.events(correlation_id, [AuditEventType.ORDERS_CANCELLED])
    return sum(int(row["additional_data"]["cancelled_count"]) for row in rows)
