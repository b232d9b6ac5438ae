"""Booking after the run: closing does not wait for the bot that booking needs."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from freqtrade.constants import Config

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.rows import run_record
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.host.history import close_interrupted_runs
from freqtrade_liquidation.host.outside.parts import build_bot
from freqtrade_liquidation.host.repair import repair
from freqtrade_liquidation.host.sent import INTENTS
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import BookedPair, PairState
from freqtrade_liquidation.threads import bounded

logger = logging.getLogger(__name__)

BOOKED_WITHIN_S: Final = 30.0
BY_THE_BOT: Final = "not booked here: the bot books it when it answers again, or at its next start"
AT_THE_NEXT_START: Final = "not booked; the bot's next start does it"


class BookLater:
    """A run's booking where no bot runs.

    :param by_us: after the run, so nothing is to be said yet; else the bot does it.
    """

    def __init__(self, *, by_us: bool) -> None:
        self._by_us = by_us

    async def book(
        self, pairs: Sequence[str], *, timeout_s: float, while_closing: bool = False
    ) -> Sequence[BookedPair]:
        """See :class:`~freqtrade_liquidation.ports.OrderManager`."""
        return [] if self._by_us else [BookedPair(pair=pair, error=BY_THE_BOT) for pair in pairs]


def book(
    config: Config, audit: AuditLog, result: LiquidationResult, *, say: Callable[[str], None]
) -> tuple[LiquidationResult, bool]:
    """Books what *result*'s run closed, as the bot's next start would. Raises nothing.

    Runs of other processes that were cut off are closed in the record first, so that what they
    sent is booked, too: it is this process's turn, so none of them is under way.

    :returns: *result* with the profits, what is still not booked among its errors; and whether
        all is booked.
    """
    pairs = _unbooked(audit, result)
    cut_off = _any_cut_off(audit, result.correlation_id)
    if not pairs and not cut_off:
        return result, True
    say("Booking…")
    whitelist = pairs or [outcome.pair for outcome in result.outcomes] or _configured(config)
    try:
        bounded(
            lambda: _book(config, audit, result.correlation_id, whitelist, say),
            timeout_s=BOOKED_WITHIN_S,
            name="booking",
        )
    except Exception as error:
        logger.exception("Booking failed.")
        say(f"Not booked here, the bot's next start does it: {error}")
    booked = _with_profits(result, _booked(audit, result.correlation_id))
    try:
        _update_run(audit, booked)
    except LiquidationError as error:
        logger.warning("The run's row was not updated: %s", error)
    return booked, booked.errors == result.errors


def _any_cut_off(audit: AuditLog, ours: str) -> bool:
    try:
        return any(run["correlation_id"] != ours for run in audit.unfinished_runs())
    except LiquidationError as error:
        logger.warning("Whether a run was cut off cannot be read: %s", error)
        return False


def _configured(config: Config) -> Sequence[str]:
    return list(config["exchange"].get("pair_whitelist") or ())


def _book(
    config: Config,
    audit: AuditLog,
    ours: str,
    whitelist: Sequence[str],
    say: Callable[[str], None],
) -> None:
    bot = build_bot(config, whitelist)
    try:
        for cut in close_interrupted_runs(bot, audit, except_for=ours):
            say(cut.words)
        repair(bot, audit)
    finally:
        bot.cleanup()


def _unbooked(audit: AuditLog, result: LiquidationResult) -> list[str]:
    """Pairs for which the run has sent something. In doubt, all that it saw."""
    try:
        sent = audit.unsettled(INTENTS, AuditEventType.BOOKED)
    except LiquidationError as error:
        logger.warning("What is to be booked cannot be read: %s", error)
        return [outcome.pair for outcome in result.outcomes]
    return [pair for correlation_id, pair in sent if correlation_id == result.correlation_id]


def _booked(audit: AuditLog, correlation_id: str) -> Mapping[str, float | None]:
    """Profit by pair, of what is booked."""
    try:
        rows = audit.events(correlation_id, [AuditEventType.BOOKED])
        return {str(row["pair"]): row["additional_data"].get("realized_pnl") for row in rows}
    except LiquidationError as error:
        logger.warning("What was booked cannot be read: %s", error)
        return {}


def _with_profits(
    result: LiquidationResult, profits: Mapping[str, float | None]
) -> LiquidationResult:
    outcomes = tuple(
        replace(outcome, realized_pnl=profits.get(outcome.pair)) for outcome in result.outcomes
    )
    gone = [o for o in outcomes if o.state in (PairState.CLOSED, PairState.DUST)]
    known = [o.realized_pnl for o in gone if o.realized_pnl is not None]
    unbooked = [o.pair for o in gone if o.tracked and o.pair not in profits]
    return replace(
        result,
        outcomes=outcomes,
        total_realized_pnl=sum(known) if len(known) == len(gone) else None,
        errors=(*result.errors, *(f"{pair}: {AT_THE_NEXT_START}" for pair in unbooked)),
    )


def _update_run(audit: AuditLog, result: LiquidationResult) -> None:
    """The run's row, with its profits."""
    row = audit.run(result.correlation_id)
    if row is None:
        return
    record = replace(
        run_record(row),
        total_realized_pnl=result.total_realized_pnl,
        errors=list(result.errors),
        outcome=[outcome.to_dict() for outcome in result.outcomes],
    )
    event = AuditEvent(
        event_type=AuditEventType.PROFITS_ADDED,
        operation="book",
        correlation_id=record.correlation_id,
        trigger=record.trigger,
        additional_data={"total_realized_pnl": record.total_realized_pnl},
    )
    audit.record([event], record)
