"""What became of the book that a cut-off run had seen, pair by pair, as the exchange shows it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from freqtrade.enums import TradingMode

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.digits import sum_of
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.host.sent import Sent, find, sent_by
from freqtrade_liquidation.model import PairOutcome, PairState, Position, Side
from freqtrade_liquidation.orders.amounts import Amounts
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.futures import FuturesOrders
from freqtrade_liquidation.orders.trades import KnownTrade, open_trades, ours
from freqtrade_liquidation.threads import bounded

if TYPE_CHECKING:
    from freqtrade.freqtradebot import FreqtradeBot

ASK_WITHIN_S: Final = 10.0


def outcomes_now(
    bot: "FreqtradeBot", audit: AuditLog, correlation_id: str, *, scope: str
) -> tuple[PairOutcome, ...]:
    """By pair: what the run had seen, and on futures what else is open now.

    Futures: the positions, as a run reads them. Spot: what the run saw, less what the
    exchange says its sells have filled. Dry-run: freqtrade's open trades.

    :param scope: the run's, ``account`` or ``trades``.
    :raises AuditUnreadable: if the audit trail cannot be read.
    """
    seen = _seen(audit, correlation_id)
    if bot.trading_mode == TradingMode.FUTURES or bot.config["dry_run"]:
        return _by_positions(bot, seen, scope)
    return _by_fills(bot, audit, correlation_id, seen)


def _seen(audit: AuditLog, correlation_id: str) -> dict[str, dict[str, Any]]:
    """Positions by pair, each as it was first seen."""
    seen: dict[str, dict[str, Any]] = {}
    kinds = [Event.POSITIONS_QUERIED, Event.VERIFIED, Event.CLOSE_INTENDED]
    for row in audit.events(correlation_id, kinds):
        data = row["additional_data"]
        if row["event_type"] == Event.CLOSE_INTENDED:  # on futures it leaves beside the first look
            side = Side.LONG if data["side"] == Side.LONG.exit_side else Side.SHORT
            known = {"pair": row["pair"], "side": side, "amount": data["amount"]}
            seen.setdefault(row["pair"], {**known, "entry_price": None, "trade_ids": [0]})
            continue
        for position in data.get("positions") or data.get("open_positions") or ():
            seen.setdefault(position["pair"], position)
    return seen


def _by_positions(
    bot: "FreqtradeBot", seen: Mapping[str, dict[str, Any]], scope: str
) -> tuple[PairOutcome, ...]:
    try:
        shown = {position.pair: position for position in _positions_now(bot, scope)}
    except (LiquidationError, TimeoutError) as error:
        return tuple(
            PairOutcome(
                pair=pair,
                side=Side(first["side"]),
                state=PairState.NOT_PROVEN,
                amount=first["amount"],
                residual_amount=None,
                tracked=bool(first["trade_ids"]),
                error=f"the exchange does not show what is open ({error or 'no answer'})",
            )
            for pair, first in sorted(seen.items())
        )
    outcomes = []
    for pair in sorted(seen.keys() | shown.keys()):
        first, now = seen.get(pair), shown.get(pair)
        amount = 0.0 if now is None else now.amount
        outcomes.append(
            PairOutcome(
                pair=pair,
                side=Side((first or {})["side"]) if now is None else now.side,
                state=PairState.CLOSED if now is None else PairState.OPEN,
                amount=first["amount"] if first else amount,
                residual_amount=amount,
                tracked=bool(first and first["trade_ids"]),
                error=None if now is None else now.obstacle or "open after the run was cut off",
            )
        )
    return tuple(outcomes)


def _positions_now(bot: "FreqtradeBot", scope: str) -> Sequence[Position]:
    """As a run reads them. freqtrade's wallets lack what it does not trade: other settle
    currencies, further pages, markets and sides that it does not know.

    :raises LiquidationError: or TimeoutError, if the exchange does not answer.
    """

    async def ask(trades: Sequence[KnownTrade]) -> Sequence[Position]:
        wire = ExchangeClient(bot.exchange)
        try:
            venue = FuturesOrders(
                bot.exchange,
                wire,
                trades,
                gate=EntryGate(),
                account_scope=scope == "account",
            )
            return await venue.get_all_positions(timeout_s=ASK_WITHIN_S / 2)
        finally:
            wire.close()

    trades = ours(open_trades(bot.config))
    if bot.config["dry_run"]:
        return [
            Position(pair=trade.pair, side=trade.side, amount=trade.amount)
            for trade in trades
            if trade.amount > 0
        ]
    return bounded(lambda: asyncio.run(ask(trades)), timeout_s=ASK_WITHIN_S, name="cut-off")


def _by_fills(
    bot: "FreqtradeBot", audit: AuditLog, correlation_id: str, seen: Mapping[str, dict[str, Any]]
) -> tuple[PairOutcome, ...]:
    if not seen:
        return _not_looked_at(bot)
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


def _not_looked_at(bot: "FreqtradeBot") -> tuple[PairOutcome, ...]:
    """Cut off before its first look: nothing was sent, and no balance tells whose coins it is."""
    return tuple(
        PairOutcome(
            pair=trade.pair,
            side=trade.side,
            state=PairState.NOT_PROVEN,
            amount=trade.amount,
            residual_amount=None,
            error="cut off before it had looked; open, as freqtrade's database has it",
        )
        for trade in ours(open_trades(bot.config))
        if trade.amount > 0
    )


async def _ask(bot: "FreqtradeBot", sent: Mapping[str, Sent]) -> dict[str, str]:
    """Why the end of a pair's orders is not known, by pair."""
    wire = ExchangeClient(bot.exchange)
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
    sold = (-close.filled for close in sent.closes) if sent else ()
    left = max(0.0, sum_of(float(first["amount"]), *sold))
    smallest = amounts.minimum(first["pair"], price=first["entry_price"])
    state = PairState.OPEN if left >= smallest else PairState.DUST if left else PairState.CLOSED
    if doubt:
        state = PairState.NOT_PROVEN
    return PairOutcome(
        pair=first["pair"],
        side=Side(first["side"]),
        state=state,
        amount=first["amount"],
        residual_amount=None if doubt else left,
        tracked=bool(first["trade_ids"]),
        error=doubt or ("open after the run was cut off" if state is PairState.OPEN else None),
    )
