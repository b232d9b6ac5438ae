"""How far from the open a market order fills: a stated model, not a measurement."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from freqtrade_liquidation.analysis.segments import Floats

LARGEST_RATIO: Final = 0.1
"""A model that says more than ten per cent is beyond what it can say."""
DEFAULT_BPS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slippage:
    """Always against us: a long sells lower, a short buys higher.

    ``ratio = (bps + impact_bps × √(order value ÷ value traded in the candle before)) ÷ 10,000``,
    at most 10 %.

    :param bps: of each order, whatever its size (half the spread, and the way to the exchange).
    :param impact_bps: of an order as large as all that was traded in the candle before it.
    """

    bps: float = DEFAULT_BPS
    impact_bps: float = 0.0

    def ratio(self, value: Floats, traded: Floats) -> Floats:
        """Of orders worth *value* (quote currency), where *traded* changed hands before them."""
        if not self.impact_bps:
            return np.full_like(value, min(self.bps / 1e4, LARGEST_RATIO))
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(value > 0, value / traded, 0.0)
        ratio = (self.bps + self.impact_bps * np.sqrt(share)) / 1e4
        return np.minimum(ratio, LARGEST_RATIO)

    def to_dict(self) -> dict[str, Any]:
        """As reports state it."""
        return {"bps": self.bps, "impact_bps": self.impact_bps, "at_most_ratio": LARGEST_RATIO}
