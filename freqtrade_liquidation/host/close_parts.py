"""A closing order shared out among the trades that it closes.

A run closes what the exchange shows of a pair, with one order where it can. That may be more than
freqtrade's trade holds (a position that grew by hand, a trade whose amount is wrong), or several
trades' worth. freqtrade would book the whole order into the first of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from freqtrade.persistence import Trade

from freqtrade_liquidation.digits import sum_of
from freqtrade_liquidation.model import AMOUNT_TOLERANCE
from freqtrade_liquidation.orders.executions import Close

Raw = dict[str, Any]


@dataclass(slots=True)
class ClosePart:
    """What of a closing order no trade has taken yet.

    :param left: base currency; ``None`` = what it has filled is not known.
    :ivar is_taken: nothing is left for a trade to take.
    """

    close: Close
    left: float | None
    is_taken: bool = False

    @property
    def is_over(self) -> bool:
        """It has closed, or may have, what no trade holds."""
        return not self.is_taken and (self.left is None or self.left > 0.0)

    def take(self, trade: Trade, fills: Sequence[Raw]) -> Raw:
        """ccxt's order as *trade* has it: no more than it holds, and of *fills* the same share.

        freqtrade knows an id once in a pair: with a second trade, the order bears that trade's
        number, too.
        """
        order: Raw = {**(self.close.answer or {}), "trades": list(fills)}
        filled = self.close.filled
        if not self.left:
            self.is_taken = True
            return order
        taken = min(self.left, float(trade.amount) or self.left)
        is_first = self.left >= filled
        left = sum_of(self.left, -taken)
        self.left = left if left > AMOUNT_TOLERANCE * filled else 0.0
        self.is_taken = not self.left
        if is_first and self.is_taken:
            return order
        if not is_first:
            order["id"] = f"{order['id']}/{trade.id}"
        return _share_of(order, taken, taken / filled)


def new_parts(closes: Sequence[Close], known: set[str]) -> list[ClosePart]:
    """Those of *closes* that were answered and that no row of freqtrade's has (*known*: ids)."""
    return [
        ClosePart(close, close.filled if close.is_final else None)
        for close in closes
        if close.answer is not None and str(close.answer["id"]) not in known
    ]


def _share_of(order: Raw, amount: float, share: float) -> Raw:
    return {
        **order,
        **_costs(order, share),
        "amount": amount,
        "filled": amount,
        "remaining": 0.0,
        "trades": [
            {**fill, **_costs(fill, share), "amount": fill["amount"] * share}
            for fill in order["trades"]
        ],
    }


def _costs(raw: Mapping[str, Any], share: float) -> Raw:
    """The cost and the fees that *raw* tells, as much as *share* of them."""
    found: Raw = {}
    if raw.get("cost") is not None:
        found["cost"] = raw["cost"] * share
    if raw.get("fee"):
        found["fee"] = _fee(raw["fee"], share)
    if raw.get("fees"):
        found["fees"] = [_fee(fee, share) for fee in raw["fees"]]
    return found


def _fee(fee: Mapping[str, Any], share: float) -> Raw:
    return {**fee, "cost": fee["cost"] * share} if fee.get("cost") is not None else dict(fee)
