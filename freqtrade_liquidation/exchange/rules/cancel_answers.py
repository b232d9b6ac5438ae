"""Answers to a cancel that carry no status: which exchange means "done" by it, and which only "your
request was taken on".

ccxt makes an order of whatever comes, so an answer about nothing looks like one, too. Each form
below is the exchange's documented one, for the order that was named in the request.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from freqtrade_liquidation.exchange.rules.kin import rule_for

Answer = Mapping[str, Any]


def _kraken(answer: Answer, order_id: str) -> bool:
    """Source: Kraken, Cancel Order: ``count``."""
    return str(_inside(answer, "info", "result").get("count", 0)) not in ("0", "")


def _hyperliquid(answer: Answer, order_id: str) -> bool:
    """Source: Hyperliquid's exchange endpoint, ``cancel``: one status an order; ccxt
    ``hyperliquid.cancel_orders`` and ``cancel_twap_order``."""
    return answer.get("status") == "success" and str(answer.get("id") or order_id) == order_id


def _kucoin(answer: Answer, order_id: str) -> bool:
    """Source: KuCoin futures, Cancel Order By OrderId: ``cancelledOrderIds``."""
    return order_id in (_inside(answer, "info", "data").get("cancelledOrderIds") or ())


def _gate(answer: Answer, order_id: str) -> bool:
    """Source: Gate API v4, Terminate trail order and Stop chase order: ``code``."""
    return str(answer.get("code")) == "0"


def _binance(answer: Answer, order_id: str) -> bool:
    """Source: Binance, Algo Trading, Cancel Algo Order (VP, TWAP): ``algoId``, ``success``."""
    is_done = str(answer.get("success")).lower() == "true"
    return is_done and str(answer.get("algoId")) == order_id


OWN_FORMS: Final[Mapping[str, Callable[[Answer, str], bool]]] = {
    "kraken": _kraken,
    "hyperliquid": _hyperliquid,
    "kucoin": _kucoin,
    "gate": _gate,
    "binance": _binance,
}
"""By ccxt's exchange id. Elsewhere the answer names the order: OKX, Bybit, Bitget and Bitvavo."""


def writes_its_status(api: Any) -> bool:
    """Whether the exchange itself tells a status in its answer to a cancel. ccxt writes "canceled"
    into HTX's, which only says "ok". Source: ccxt ``htx.cancel_order``."""
    return rule_for({"htx": False}, api, True)


def acknowledges(api: Any, answer: Answer, order_id: str) -> bool:
    """Whether *answer*, which no status of the exchange's comes with, says that the cancel of
    *order_id* was taken on at ccxt's exchange *api*."""
    if str(answer.get("id")) == order_id and (
        answer.get("status") is None or not writes_its_status(api)
    ):
        return True
    own_form = rule_for(OWN_FORMS, api, None)
    return own_form is not None and own_form(answer, order_id)


def confirms_algo(api: Any, answer: Answer, order_id: str) -> bool:
    """Whether *answer* says that the conditional order *order_id* is gone.

    Source: Binance USD-M, Cancel Algo Order: ``algoId``, ``code`` "200".
    """
    told = _inside(answer, "info")
    is_done = str(answer.get("id")) == order_id and str(told.get("code")) == "200"
    return is_done and rule_for({"binance": True}, api, False)


def _inside(answer: Answer, *path: str) -> Answer:
    for key in path:
        inside = answer.get(key)
        answer = inside if isinstance(inside, Mapping) else {}
    return answer
