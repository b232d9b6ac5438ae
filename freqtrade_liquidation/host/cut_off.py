"""What became of the book that a cut-off run had seen, pair by pair, as the exchange shows it."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from freqtrade.enums import TradingMode

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.digits import sum_of
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.host.sent import Sent, TrailMakesNoSense, find, known_closes, sent_by
from freqtrade_liquidation.model import PairOutcome, PairState, Position, Side
from freqtrade_liquidation.orders.amounts import Amounts
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.futures import FuturesOrders
from freqtrade_liquidation.orders.trades import KnownTrade, open_trades, ours
from freqtrade_liquidation.run.history import APART_S, PairHistory, show
from freqtrade_liquidation.run.outcome_judge import WHY, state_of
from freqtrade_liquidation.run.proof import Verdict
from freqtrade_liquidation.run.request_runner import now
from freqtrade_liquidation.threads import bounded

if TYPE_CHECKING:
    from freqtrade.freqtradebot import FreqtradeBot

ASK_WITHIN_S: Final = 10.0
LAST_WORD_S: Final = 0.5
"""Of that, to take in what was answered."""
FURTHER_LOOKS: Final = 2
"""Where the first one leaves a doubt: a list that leaves a position out by mistake does so for some
answers, and nobody waits for a bot at its start as in a run."""


def outcomes_now(
    bot: "FreqtradeBot", audit: AuditLog, correlation_id: str, *, scope: str
) -> tuple[PairOutcome, ...]:
    """By pair: what the run had seen, and on futures what else is open now, or may be.

    Futures: the positions, read and believed as in a run. Spot: what the run saw, less what the
    exchange says its sells have filled. Dry-run: freqtrade's open trades.

    :param scope: the run's, ``account`` or ``trades``.
    :raises AuditUnreadable: if the audit trail cannot be read.
    """
    seen = _seen(audit, correlation_id)
    if bot.trading_mode != TradingMode.FUTURES and not bot.config["dry_run"]:
        return _by_fills(bot, audit, correlation_id, seen)
    try:
        sent = sent_by(audit, correlation_id)
    except TrailMakesNoSense:
        sent = {}  # no fill is known: the exchange has to show it all
    return _by_positions(bot, seen, sent, scope)


def _seen(audit: AuditLog, correlation_id: str) -> dict[str, dict[str, Any]]:
    """Positions by pair, each as it was first seen."""
    seen: dict[str, dict[str, Any]] = {}
    intended: dict[str, dict[str, Any]] = {}
    kinds = [Event.POSITIONS_QUERIED, Event.VERIFIED, Event.CLOSE_INTENDED]
    for row in audit.events(correlation_id, kinds):
        data = row["additional_data"]
        if row["event_type"] == Event.CLOSE_INTENDED:  # on futures it leaves beside the first look
            side = Side.LONG if data["side"] == Side.LONG.exit_side else Side.SHORT
            known = {"pair": row["pair"], "side": side, "amount": data["amount"]}
            intended.setdefault(row["pair"], {**known, "entry_price": None, "trade_ids": [0]})
            continue
        for position in data.get("positions") or data.get("open_positions") or ():
            seen.setdefault(position["pair"], position)
    return intended | seen  # an order may have been for a part


def _by_positions(
    bot: "FreqtradeBot",
    seen: Mapping[str, dict[str, Any]],
    sent: Mapping[str, Sent],
    scope: str,
) -> tuple[PairOutcome, ...]:
    look = _Look(seen, sent)
    trades = ours(open_trades(bot.config))
    if bot.config["dry_run"]:
        look.believe(trades)
        return look.outcomes()
    try:
        bounded(
            lambda: asyncio.run(look.ask(bot, trades, scope)),
            timeout_s=ASK_WITHIN_S,
            name="cut-off",
        )
    except (LiquidationError, TimeoutError) as error:
        look.error = str(error) or "no answer"
    return look.outcomes()


class _Look:
    """What is known of each pair, and what the exchange shows of it now.

    :ivar error: why it shows nothing (more), in words.
    """

    def __init__(self, seen: Mapping[str, Mapping[str, Any]], sent: Mapping[str, Sent]) -> None:
        self._seen = {
            pair: Position(
                pair=pair,
                side=Side(first["side"]),
                amount=float(first["amount"]),
                trade_ids=tuple(first["trade_ids"]),
            )
            for pair, first in seen.items()
        }
        self._sent = sent
        self._histories: defaultdict[str, PairHistory] = defaultdict(PairHistory)
        self._listed: dict[str, Position] = {}
        self.error: str | None = None
        for position in self._seen.values():
            self._histories[position.pair].claim(position, by_trades=False)

    def believe(self, trades: Sequence[KnownTrade]) -> None:
        """In dry-run freqtrade's trades are all there is: what they lack is closed."""
        shown = [
            Position(pair=t.pair, side=t.side, amount=t.amount) for t in trades if t.amount > 0
        ]
        show(self._histories, shown, asked_at=0.0)
        for history in self._histories.values():
            if history.shown is None:
                history.explained(0.0, at=0.0, is_gone=True)

    async def ask(self, bot: "FreqtradeBot", trades: Sequence[KnownTrade], scope: str) -> None:
        """freqtrade's wallets would lack what it does not trade: other settle currencies, further
        pages, markets and sides that it does not know.

        :raises LiquidationError: if the exchange does not answer (any more).
        """
        until = now() + ASK_WITHIN_S - LAST_WORD_S
        await _ask(bot, self._sent)
        wire = ExchangeClient(bot.exchange)
        try:
            venue = FuturesOrders(
                bot.exchange,
                wire,
                trades,
                gate=EntryGate(),
                account_scope=scope == "account",
            )
            venue.executions.closes += known_closes(self._sent.values())
            self._claim(venue.expected_positions())
            doubted = await self._look(venue, (), until)
            for _ in range(FURTHER_LOOKS if doubted else 0):
                await asyncio.sleep(APART_S)
                await self._look(venue, doubted, until)
        finally:
            wire.close()

    def _claim(self, trades: Sequence[Position]) -> None:
        """All that was open, by the bot's trades and by what was seen, and what the run has closed
        of it.

        :param trades: less what it has closed.
        """
        filled = {
            pair: sum_of(*(close.filled for close in one.closes if close.is_final))
            for pair, one in self._sent.items()
        }
        for left in trades:
            amount = sum_of(left.amount, filled.get(left.pair, 0.0))
            history = self._histories[left.pair]
            history.claim(replace(left, amount=amount))
            first = self._seen.get(left.pair)
            if first is not None and first.amount > amount:
                history.claim(first, by_trades=False)
        for pair, amount in filled.items():
            self._histories[pair].closed(amount, at=now())

    async def _look(
        self, venue: FuturesOrders, doubted: Collection[str], until: float
    ) -> Collection[str]:
        """A list, and the question about each pair alone that it lacks.

        :param doubted: pairs to be asked about in any case.
        :returns: those that another look may tell more of.
        """
        asked_at = now()
        rows = await venue.get_all_positions(timeout_s=until - asked_at)
        self._listed = {row.pair: row for row in reversed(rows)}
        for dust in (row for row in rows if row.is_dust):
            self._histories[dust.pair].claim(dust, by_trades=False)
        show(self._histories, rows, asked_at=asked_at)
        pairs = {
            *doubted,
            *(p for p in self._histories if self._verdict(p) is Verdict.CONTRADICTED),
        }
        if pairs:
            asked_at = now()
            found = await venue.explain(sorted(pairs), timeout_s=until - asked_at)
            for pair, explanation in found.items():
                self._histories[pair].take_in(explanation, asked_at=asked_at, at=now())
        return [pair for pair in self._histories if self._verdict(pair).may_change]

    def _verdict(self, pair: str) -> Verdict:
        return self._histories[pair].verdict()

    def outcomes(self) -> tuple[PairOutcome, ...]:
        """Not of a trade whose position was gone before."""
        known = sorted(pair for pair, history in self._histories.items() if history.first)
        verdicts = {pair: self._verdict(pair) for pair in known}
        return tuple(
            self._outcome(pair, verdict)
            for pair, verdict in verdicts.items()
            if pair in self._seen or self._histories[pair].was_open or verdict is not Verdict.FLAT
        )

    def _outcome(self, pair: str, verdict: Verdict) -> PairOutcome:
        history = self._histories[pair]
        shown = self._listed.get(pair, history.shown)
        first = history.first
        assert first is not None, "it was seen, or is a trade's, or is listed"
        state, residual = state_of(history, verdict, shown)
        return PairOutcome(
            pair=pair,
            side=first.side if shown is None else shown.side,
            state=state,
            amount=history.amount,
            residual_amount=residual,
            tracked=bool(first.trade_ids),
            error=self._why(shown, verdict)
            if state in (PairState.OPEN, PairState.NOT_PROVEN)
            else None,
        )

    def _why(self, shown: Position | None, verdict: Verdict) -> str:
        if shown is not None and shown.obstacle is not None:
            return shown.obstacle
        if verdict is Verdict.UNREAD and self.error is not None:
            return f"the exchange does not show what is open ({self.error})"
        return WHY.get(verdict, "open after the run was cut off")


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
