"""What an exchange puts around every good answer, whatever was asked: for endpoints that list
nothing, and so have no entry in :mod:`.shapes`.

It is not for a run's lists: an envelope with nothing in it is no word that there is nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from freqtrade_liquidation.exchange.shape import Holder, Listing, Need, Shape, identity, text

_BARE: Final[dict[str, Any]] = {"lists": Listing.ANYTHING, "path": ".*"}
_WHOLE: Final[dict[str, Any]] = {**_BARE, "holder": Holder.ONE}


def _held(name: str, *kinds: type) -> tuple[Need]:
    return (Need((name,), lambda value: isinstance(value, kinds), "what was asked for"),)


ENVELOPES: Final[Mapping[str, Sequence[Shape]]] = {
    "binance": (
        Shape(**_BARE, source="Binance APIs: lists come bare"),
        Shape(
            **_WHOLE,
            row=(identity("orderId", "algoId", "symbol", "asset", "uid"),),
            source="Binance APIs, New Order, Cancel Order, Query Order, Change Initial Leverage",
        ),
    ),
    "gate": (
        Shape(**_BARE, source="Gate API v4: lists come bare"),
        Shape(
            **_WHOLE,
            row=(identity("id", "contract", "currency_pair", "currency"),),
            source="Gate API v4, Create an order, Cancel a single order, Query futures account",
        ),
    ),
    "bybit": (
        Shape(
            **_WHOLE,
            says={"retCode": "0"},
            row=_held("result", dict),
            source="Bybit V5, Integration Guidance, Common response parameters",
        ),
    ),
    "okx": (
        Shape(**_WHOLE, says={"code": "0"}, row=_held("data", list), source="OKX V5, Overview"),
    ),
    "bitget": (
        Shape(
            **_WHOLE,
            says={"code": "00000"},
            beside=("msg",),
            row=_held("data", dict, list),
            source="Bitget, API introduction",
        ),
    ),
    "bingx": (
        Shape(
            **_WHOLE,
            says={"code": "0"},
            row=_held("data", dict, list),
            source="BingX, Introduction",
        ),
    ),
    "bitmart": (
        Shape(
            **_WHOLE,
            says={"code": "1000"},
            row=_held("data", dict, list, str, int),
            source="BitMart Spot API, Response format",
        ),
    ),
    "htx": (
        Shape(
            **_WHOLE,
            says={"status": "ok"},
            row=_held("data", dict, list, str, int),
            source="HTX, Response format",
        ),
        Shape(
            **_WHOLE,
            says={"code": "200"},
            row=_held("data", dict, list, str, int),
            source="HTX, Response format (v2)",
        ),
    ),
    "hyperliquid": (
        Shape(
            **_WHOLE,
            says={"status": "ok"},
            row=_held("response", dict),
            source="Hyperliquid, Exchange endpoint",
        ),
    ),
    "kraken": (
        Shape(
            **_WHOLE,
            says={"error": "[]"},
            row=_held("result", dict),
            source="Kraken REST API, Introduction",
        ),
    ),
    "krakenfutures": (
        Shape(
            **_WHOLE,
            says={"result": "success"},
            row=(text("serverTime"),),
            source="Kraken Futures REST API, Introduction",
        ),
    ),
}
"""By ccxt's exchange id; what ccxt derives from one of them answers alike."""
