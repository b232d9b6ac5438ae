"""Kinds of resting orders that an exchange lists apart from the others, and how one is cancelled.

A list that is not asked for hides an order that opens a position a minute after the book was called
flat. Where ccxt lists a kind, its ``fetch_open_orders`` is used; else its implicit method, and the
rows are put into the form of ccxt's orders (:mod:`.raw_lists`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from freqtrade.exchange import Exchange

from freqtrade_liquidation.exchange.rules.kin import rule_for
from freqtrade_liquidation.exchange.rules.raw_lists import (
    GATE_LIST,
    GATE_PAGE,
    Params,
    Row,
    binance_algos,
    cancel_binance,
    cancel_bitget,
    cancel_gate,
    cancel_hyperliquid_twap,
    gate_chases,
    gate_trails,
    hyperliquid_twaps,
    if_okx_has_it,
)

Ask = Callable[[Any, Params], list[Row]]
Cancel = Callable[[Exchange, str, str, str], Any]
"""freqtrade's exchange, the kind, the order's id and its pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One list of resting orders of a kind of their own.

    :param name: as the exchange calls it.
    :param params: ccxt's ``params`` of ``fetch_open_orders``, or of *ask*.
    :param ask: takes ccxt's exchange and *params*; ``None`` = ``fetch_open_orders`` does.
    :param is_raw: ccxt has no unified list of it: *params* are all that is sent.
    :param protects: one that can only reduce waits for a price, as a stop does.
    :param whole_account: one list, whatever the settle currency.
    :param mixed: it lists orders of other markets, too.
    :param own_permission: a key may be refused here that trades elsewhere: says nothing of it.
    :param full: a list of this many may have been cut off.
    """

    name: str
    params: Params = field(default_factory=dict)
    ask: Ask | None = None
    is_raw: bool = False
    protects: bool = True
    whole_account: bool = False
    mixed: bool = False
    own_permission: bool = False
    full: int | None = None


KINDS: Final[Mapping[str, Sequence[Kind]]] = {
    # OKX, Get algo order list: one ordType a request. "conditional" are freqtrade's (source:
    # freqtrade Okx._fetch_stop_order_fallback); ccxt asks for "trigger" alone.
    "okx": (
        Kind(name="conditional", params={"ordType": "conditional"}),
        Kind(name="trigger", params={"ordType": "trigger"}),
        Kind(name="oco", params={"ordType": "oco"}),
        Kind(name="move_order_stop", params={"ordType": "move_order_stop"}, ask=if_okx_has_it),
        *(
            Kind(name=name, params={"ordType": name}, ask=if_okx_has_it, protects=False)
            for name in ("iceberg", "twap", "chase")
        ),
    ),
    # Bitget V2, Get Trigger Order: one planType a request; profit_loss are pos_loss, pos_profit,
    # loss_plan, profit_plan and moving_plan. freqtrade's are in it (source: freqtrade
    # Bitget._fetch_stop_order_fallback); ccxt asks for "normal_plan" alone.
    "bitget": tuple(
        Kind(name=name, params={"planType": name})
        for name in ("profit_loss", "normal_plan", "track_plan")
    ),
    # Gate API v4: price_orders is the list that ccxt asks with "stop".
    "gate": (
        Kind(name="price_orders"),
        Kind(name="trail", params=GATE_LIST, ask=gate_trails, is_raw=True, full=GATE_PAGE),
        Kind(
            name="chase", params=GATE_LIST, ask=gate_chases, is_raw=True, protects=False,
            full=GATE_PAGE,
        ),
    ),
    # Binance USD-M, Current All Algo Open Orders (conditional); Algo Trading (VP, TWAP).
    "binance": (
        Kind(name="openAlgoOrders"),
        Kind(
            name="VP, TWAP", ask=binance_algos, is_raw=True, protects=False,
            whole_account=True, own_permission=True,
        ),
    ),
    # Its list of open orders has the stops in it, but not the TWAPs.
    "hyperliquid": (
        Kind(
            name="twap", ask=hyperliquid_twaps, is_raw=True, protects=False, whole_account=True,
            mixed=True,
        ),
    ),
    # Their lists of open orders have the stops in them. Source: ccxt krakenfutures and bybit
    # fetch_open_orders; Bybit V5, Get Open Orders, orderFilter: all kinds, if it is not sent.
    "krakenfutures": (),
    "bybit": (),
}  # fmt: skip
"""By ccxt's exchange id. Elsewhere stops are one list (or none of their own, as freqtrade's
``stoploss_query_requires_stop_flag`` says)."""

CANCELS: Final[Mapping[str, tuple[frozenset[str], Cancel]]] = {
    "gate": (frozenset({"trail", "chase"}), cancel_gate),
    "binance": (frozenset({"VP, TWAP"}), cancel_binance),
    "hyperliquid": (frozenset({"twap"}), cancel_hyperliquid_twap),
    "bitget": (
        frozenset(
            {"normal_plan", "track_plan", "pos_loss", "pos_profit", "loss_plan", "profit_plan",
             "moving_plan"}
        ),
        cancel_bitget,
    ),
}  # fmt: skip
"""Kinds that are not cancelled as freqtrade cancels its stops. OKX's are, all of them: Cancel algo
order takes every kind since 2025-04-24 (source: OKX's changelog; ccxt ``okx.cancel_orders``)."""

NO_ADDRESS: Final = "VP and TWAP orders: this address of the exchange has no list of them"
UNSEEN: Final[Mapping[str, str | None]] = {
    # Bybit V5 and Bitget V2 document no such order; ccxt has no endpoint of theirs.
    "bybit": "TWAP, iceberg and chase orders of its website, which its API does not list",
    "bitget": "TWAP and iceberg orders of its website, which its API does not list",
}
"""Kinds that may open a position and that nothing lists, by ccxt's exchange id."""


def kinds_of(exchange: Exchange) -> list[Kind]:
    """What *exchange* lists apart from the ordinary orders, of linear swaps."""
    api: Any = exchange._api
    flagged = bool(exchange.get_option("stoploss_query_requires_stop_flag"))
    default = (Kind(name="stop"),) if flagged else ()
    kinds = rule_for(KINDS, api, default)
    return [kind for kind in kinds if kind.ask is not binance_algos or _has_sapi(api)]


def _has_sapi(api: Any) -> bool:
    """Binance's demo and test exchanges have no address for VP and TWAP."""
    return bool(api.urls["api"].get("sapi"))


def unseen(exchange: Exchange) -> str | None:
    """In words: kinds that may open a position and are in no list; ``None`` = none known."""
    api: Any = exchange._api
    if rule_for({"binance": True}, api, False) and not _has_sapi(api):
        return NO_ADDRESS
    return rule_for(UNSEEN, api, None)


def kind_of(api: Any, listed: str | None, row: Mapping[str, Any]) -> str | None:
    """What ccxt's order *row* has to be called to be cancelled, from the list *listed*.

    Source: Bitget V2, Get Trigger Order, ``planType``: in the list ``profit_loss`` are several.
    """
    plan = (row.get("info") or {}).get("planType")
    return str(plan) if plan and rule_for({"bitget": True}, api, False) else listed


def cancel_rule(exchange: Exchange, kind: str | None) -> Cancel | None:
    """How an order of *kind* is cancelled; ``None`` = as freqtrade cancels its own."""
    kinds, cancel = rule_for(CANCELS, exchange._api, (frozenset(), None))
    return cancel if kind in kinds else None


def cancellable_kinds(exchange: Exchange) -> set[str]:
    """All that an order of *exchange* outside its ordinary list may be called (``kind``)."""
    own, _ = rule_for(CANCELS, exchange._api, (frozenset(), None))
    lists = {"profit_loss"} if rule_for({"bitget": True}, exchange._api, False) else set()
    return ({kind.name for kind in kinds_of(exchange)} | own) - lists


def own_stop_lists(exchange: Exchange) -> Iterator[Params]:
    """ccxt's ``params`` of the lists that a stop placed by freqtrade may stand in."""
    yield {}
    if exchange.get_option("stoploss_query_requires_stop_flag"):
        own = {"okx": {"ordType": "conditional"}}
        if exchange.trading_mode == "futures":
            own["bitget"] = {"planType": "profit_loss"}
        yield {"stop": True, **rule_for(own, exchange._api, {})}
