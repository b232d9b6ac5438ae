"""Every list that a run asks for: where its rows are, and how it says that there are none.

One entry for each endpoint, by the path that ccxt signs. If the installed ccxt asks for a list at
an endpoint that has no entry, ``tests/unit/drill/signing/test_shapes.py`` fails and names it: add
the entry to the exchange's file here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from freqtrade_liquidation.exchange.rules.kin import rule_for
from freqtrade_liquidation.exchange.rules.shapes.binance import BINANCE
from freqtrade_liquidation.exchange.rules.shapes.bingx import BINGX
from freqtrade_liquidation.exchange.rules.shapes.bitget import BITGET
from freqtrade_liquidation.exchange.rules.shapes.bitmart import BITMART
from freqtrade_liquidation.exchange.rules.shapes.bybit import BYBIT
from freqtrade_liquidation.exchange.rules.shapes.gate import GATE
from freqtrade_liquidation.exchange.rules.shapes.htx import HTX
from freqtrade_liquidation.exchange.rules.shapes.hyperliquid import HYPERLIQUID
from freqtrade_liquidation.exchange.rules.shapes.kraken import KRAKEN, KRAKENFUTURES
from freqtrade_liquidation.exchange.rules.shapes.okx import OKX
from freqtrade_liquidation.exchange.shape import Shape

SHAPES: Final[Mapping[str, Sequence[Shape]]] = {
    "binance": BINANCE, "bybit": BYBIT, "okx": OKX, "gate": GATE, "bitget": BITGET, "htx": HTX,
    "hyperliquid": HYPERLIQUID, "kraken": KRAKEN, "krakenfutures": KRAKENFUTURES, "bingx": BINGX,
    "bitmart": BITMART,
}  # fmt: skip
"""By ccxt's exchange id; what ccxt derives from one of them answers alike."""


def has_shapes(api: Any) -> bool:
    """Whether the answers of ccxt's exchange *api* have known shapes."""
    return bool(rule_for(SHAPES, api, ()))


def shape_of(api: Any, method: str, url: str, body: Any) -> Shape | None:
    """The shape of the answer to this request; ``None`` = it lists nothing, or none is known."""
    return next((s for s in rule_for(SHAPES, api, ()) if s.fits(method, url, body)), None)
