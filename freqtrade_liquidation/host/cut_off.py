"""What became of the book that a cut-off run had seen, pair by pair, as the exchange shows it."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from freqtrade.enums import TradingMode

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.host.amounts import Amounts
from freqtrade_liquidation.host.sent import Sent, find, sent_by
from freqtrade_liquidation.host.snapshot import open_trades
from freqtrade_liquidation.host.threads import bounded
from freqtrade_liquidation.host.wire import Wire
from freqtrade_liquidation.model import PairOutcome, PairState, Side

if TYPE_CHECKING:
    from freqtrade.freqtradebot import FreqtradeBot

ASK_WITHIN_S: Final = 10.0


def outcomes_now(
    bot: "FreqtradeBot", audit: AuditLog, correlation_id: str
) -> tuple[PairOutcome, ...]:
    """By pair: what the run had seen, and on futures what else is open now.

    Futures: the positions that freqtrade has just read. Spot: what the run saw, less what the
    exchange says its sells have filled. Dry-run: freqtrade's open trades.

    :raises AuditUnreadable: if the audit trail cannot be read.
    """
    seen = _seen(audit, correlation_id)
    if bot.trading_mode == TradingMode.FUTURES or bot.config["dry_run"]:
        return _by_positions(bot, seen)
    return _by_fills(bot, audit, correlation_id, seen)


def _seen(audit: AuditLog, correlation_id: str) -> dict[str, dict[str, Any]]:
    """Positions by pair, each as it was first seen."""
    seen: dict[str, dict[str, Any]] = {}
    for row in audit.events(correlation_id, [Event.POSITIONS_QUERIED, Event.VERIFIED]):
        data = row["additional_data"]
        for position in data.get("positions") or data.get("open_positions") or ():
            seen.setdefault(position["pair"], position)
    return seen


def _by_positions(
    bot: "FreqtradeBot", seen: Mapping[str, dict[str, Any]]
) -> tuple[PairOutcome, ...]:
    if bot.config["dry_run"]:
        shown = {t.pair: (t.side, t.amount) for t in open_trades() if t.amount > 0}
    else:
        shown = {
            pair: (Side(position.side), position.position)
            for pair, position in bot.wallets.get_all_positions().items()
        }
    outcomes = []
    for pair in sorted(seen.keys() | shown.keys()):
        first = seen.get(pair)
        side, amount = shown.get(pair, (None, 0.0))
        outcomes.append(
            PairOutcome(
                pair=pair,
                side=side or Side((first or {})["side"]),
                state=PairState.OPEN if amount else PairState.CLOSED,
                amount=first["amount"] if first else amount,
                residual_amount=amount,
                tracked=bool(first and first["trade_ids"]),
                error="open after the run was cut off" if amount else None,
            )
        )
    return tuple(outcomes)


def _by_fills(
    bot: "FreqtradeBot", audit: AuditLog, correlation_id: str, seen: Mapping[str, dict[str, Any]]
) -> tuple[PairOutcome, ...]:
    if not seen:
        return _not_looked_at()
    sent = sent_by(audit, correlation_id)
    try:
        doubts = bounded(
            lambda: asyncio.run(_ask(bot, sent)), timeout_s=ASK_WITHIN_S, name="cut-off"
        )
    except TimeoutError:
        doubts = dict.fromkeys(sent, "the exchange does not answer")
    amounts = Amounts(bot.exchange)
    return tuple(
        _spot_outcome(seen[pair], sent.get(pair), doubts.get(pair), amounts)
        for pair in sorted(seen)
    )


def _not_looked_at() -> tuple[PairOutcome, ...]:
    """Cut off before its first look: nothing was sent, and no balance tells whose coins it is."""
    return tuple(
        PairOutcome(
            pair=trade.pair,
            side=trade.side,
            state=PairState.UNVERIFIED,
            amount=trade.amount,
            residual_amount=None,
            error="cut off before it had looked; open, as freqtrade's database has it",
        )
        for trade in open_trades()
        if trade.amount > 0
    )


async def _ask(bot: "FreqtradeBot", sent: Mapping[str, Sent]) -> dict[str, str]:
    """Why the end of a pair's orders is not known, by pair."""
    wire = Wire(bot.exchange)
    asked = [(one, c) for one in sent.values() for c in one.closes if not c.refused]
    try:
        answers = await asyncio.gather(*(find(wire, one, close) for one, close in asked))
    finally:
        wire.close()
    return {
        one.pair: words for (one, _), words in zip(asked, answers, strict=True) if words is not None
    }


def _spot_outcome(
    first: Mapping[str, Any], sent: Sent | None, doubt: str | None, amounts: Amounts
) -> PairOutcome:
    sold = sum(close.filled for close in sent.closes) if sent else 0.0
    left = max(0.0, float(first["amount"]) - sold)
    smallest = amounts.minimum(first["pair"], price=first["entry_price"])
    state = PairState.OPEN if left >= smallest else PairState.DUST if left else PairState.CLOSED
    if doubt:
        state = PairState.UNVERIFIED
    return PairOutcome(
        pair=first["pair"],
        side=Side(first["side"]),
        state=state,
        amount=first["amount"],
        residual_amount=None if doubt else left,
        tracked=bool(first["trade_ids"]),
        error=doubt or ("open after the run was cut off" if state is PairState.OPEN else None),
    )
