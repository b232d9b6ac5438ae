"""What the database says of trades and orders, held against the exchange's fills."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange

CENT: Final = 0.01
DUST: Final = 2.0
"""USDT: what spot leaves, fees in coins and less than a step of the amount."""
SAME: Final = 1e-9
Row = Mapping[str, Any]


class Truth:
    """Round by round: each looks only at the trades and fills since the one before."""

    def __init__(self, exchange: PracticeExchange, bot: BotProcess, *, futures: bool) -> None:
        self._exchange = exchange
        self._bot = bot
        self._futures = futures
        self._trade = 0
        self._fill = 0
        self.untracked_fills: list[Row] = []

    def disagreements(self, outcome: Sequence[Row]) -> list[str]:
        """In words: everything in which this round's trades differ from the exchange.

        Every order that filled is in one trade, or the run has told what became of it; a closed
        trade has bought what it has sold, and its profit is what its fills come to.

        :param outcome: of the run, by pair.
        """
        trades = self._bot.query("SELECT * FROM trades WHERE id > ?", [self._trade])
        rows = self._bot.query("SELECT * FROM orders WHERE ft_trade_id > ?", [self._trade])
        fresh = [f for f in self._exchange.fills(self._futures) if int(f["id"]) > self._fill]
        fills = _by(fresh, "orderId")
        words = [f"open: {trade['pair']} {trade['amount']}" for trade in trades if trade["is_open"]]
        words += [f"open order: {_name(row)}" for row in rows if row["ft_is_open"]]
        words += self._strangers(fills, {row["order_id"] for row in rows}, outcome)
        for trade in trades:
            mine = [row for row in rows if row["ft_trade_id"] == trade["id"]]
            words += self._of_trade(trade, mine, fills)
        self._trade = max([self._trade, *(trade["id"] for trade in trades)])
        self._fill = max([self._fill, *(int(fill["id"]) for fill in fresh)])
        return words

    def total(self) -> tuple[float, float]:
        """Profit of all trades and untracked positions, and what all fills come to."""
        told = self._bot.query("SELECT SUM(close_profit_abs) AS total FROM trades")[0]["total"]
        fills = self._exchange.fills(self._futures)
        pairs = _by(fills, "pair").values()
        untracked = _by(self.untracked_fills, "pair").values()
        return float(told) + sum(map(profit, untracked)), sum(map(profit, pairs))

    def _strangers(
        self, fills: Mapping[str, Sequence[Row]], known: set[str], outcome: Sequence[Row]
    ) -> Iterable[str]:
        """Fills in no trade: an entry whose answer was lost, and what closed it.

        freqtrade has no trade for it (or has deleted it, when the lost one was to replace the only
        one): the run must have told its profit, as from the closing fills.
        """
        unknown = [fill for order, of in fills.items() if order not in known for fill in of]
        self.untracked_fills += unknown
        told = {line["pair"]: line["realized_pnl"] for line in outcome}
        for pair, strange in _by(unknown, "pair").items():
            closing = sum(float(f.get("realizedPnl", 0)) for f in strange)
            fees = sum(float(f["commission"]) for f in strange if float(f.get("realizedPnl", 0)))
            shown = told.get(pair)
            in_words = f"{pair}: in no trade: {[_short(fill) for fill in strange]}"
            left = balance(strange) * float(strange[-1]["price"])
            if pair not in told:
                yield f"{in_words}; not told"
            elif self._futures and (shown is None or abs(shown - closing + fees) > CENT):
                yield f"{in_words}; told as {shown}"
            elif not -CENT < left < (CENT if self._futures else DUST):
                yield f"{in_words}; worth {left} more bought than sold"

    def _of_trade(
        self, trade: Row, rows: Sequence[Row], fills: Mapping[str, Sequence[Row]]
    ) -> Iterable[str]:
        name = f"trade {trade['id']} {trade['pair']}"
        mine = [fill for row in rows for fill in fills.get(row["order_id"], [])]
        for row in rows:
            filled = sum(float(fill["qty"]) for fill in fills.get(row["order_id"], []))
            if abs(filled - (row["filled"] or 0.0)) > SAME:
                yield f"{name}: {_name(row)} filled {row['filled']}, on the exchange {filled}"
        if trade["is_open"]:
            return
        ours = [row for row in rows if row["ft_order_tag"] == "emergency_liquidation"]
        if ours and trade["exit_reason"] != "emergency_liquidation":
            yield f"{name}: closed by us, and its exit reason is {trade['exit_reason']}"
        left = balance(mine) * float(mine[-1]["price"]) if mine else 0.0
        if not -CENT < left < (CENT if self._futures else DUST):
            yield f"{name}: worth {left} more bought than sold"
        told = trade["close_profit_abs"]
        if told is None or abs(told - profit(mine)) > CENT:
            yield f"{name}: profit {told}, on the exchange {profit(mine)}"


def profit(fills: Iterable[Row]) -> float:
    """USDT, of one pair: sold less bought less commission.

    On spot with what was not sold, and commissions in coins, at the last price: freqtrade counts
    neither as lost.
    """
    fills = list(fills)
    price = float(fills[-1]["price"]) if fills else 0.0
    total = balance(fills) * price
    for fill in fills:
        total -= _sign(fill) * float(fill["price"]) * float(fill["qty"])
        in_quote = fill["commissionAsset"] == "USDT"
        total -= float(fill["commission"]) * (1.0 if in_quote else price)
    return total


def balance(fills: Iterable[Row]) -> float:
    """Base currency: bought less sold."""
    return sum(_sign(fill) * float(fill["qty"]) for fill in fills)


def _sign(fill: Row) -> int:
    """1 = bought. Futures tell the side, spot whether it was the buyer's."""
    bought = fill["side"] == "BUY" if "side" in fill else fill["isBuyer"]
    return 1 if bought else -1


def _by(fills: Iterable[Row], key: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for fill in fills:
        found.setdefault(str(fill[key]), []).append(fill)
    return found


def _name(row: Row) -> str:
    return f"{row['ft_pair']} {row['ft_order_side']} {row['order_id']} ({row['status']})"


def _short(fill: Row) -> str:
    return f"{'bought' if _sign(fill) > 0 else 'sold'} {fill['qty']} by order {fill['orderId']}"
