"""Every mark by which an exchange says that an order can only close a position.

An order that can only reduce is harmless and often protects; one that can open is not. So a mark
counts only as the exchange writes it: Bybit's ``tpslMode: Full`` also stands on an entry that
carries its own stop, Gate's sale in dual mode opens a short, and ccxt reads Bitget's ``"no"`` as
reduce-only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from freqtrade_liquidation.exchange.rules.kin import rule_for

Row = Mapping[str, Any]

YES: Final = frozenset({"true", "yes", "1"})
"""JSON's true, and what exchanges send in its place. Booleans arrive as text on some test nets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Fields of the exchange's own order (ccxt's ``info``).

    :param yes: each says so where it is true.
    :param words: each says so with one of these values (lower case).
    :param present: each says so by not being empty.
    :param inside: objects within the order that carry such fields, too.
    :param hedge: the field that names the position's side in hedge mode, its value for a long and
        for a short: there a sale of the long, and a purchase of the short, can only reduce.
    :param unified: ccxt's own ``reduceOnly`` can be believed.
    """

    yes: tuple[str, ...] = ("reduceOnly",)
    words: Mapping[str, frozenset[str]] = field(default_factory=dict)
    present: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    hedge: tuple[str, str, str] | None = None
    unified: bool = True


def _any(*values: str) -> frozenset[str]:
    return frozenset(values)


MARKS: Final[Mapping[str, Marks]] = {
    # Binance USD-M, New Order and New Algo Order: closePosition "Close-All"; positionSide
    "binance": Marks(
        yes=("reduceOnly", "closePosition"), hedge=("positionSide", "long", "short")
    ),
    # Bybit V5, Place Order: closeOnTrigger "can only reduce your position"; enum stopOrderType:
    # those that belong to a position; positionIdx 1 and 2: hedge mode
    "bybit": Marks(
        yes=("reduceOnly", "closeOnTrigger"),
        words={
            "stopOrderType": _any(
                "takeprofit", "stoploss", "trailingstop", "partialtakeprofit", "partialstoploss",
                "mmrateclose",
            )
        },
        hedge=("positionIdx", "1", "2"),
    ),
    # OKX, Place algo order: closeFraction, "only if reduceOnly is true in net mode"; posSide
    "okx": Marks(present=("closeFraction",), hedge=("posSide", "long", "short")),
    # Gate API v4, FuturesOrder, FuturesInitialOrder, FuturesPriceTriggeredOrder.order_type,
    # TrailOrder and ChaseOrder. No hedge rule: a sale without a mark opens a short there.
    "gate": Marks(
        yes=("is_reduce_only", "is_close", "reduce_only", "close"),
        words={
            "auto_size": _any("close_long", "close_short"),
            "order_type": _any(
                "close-long-order", "close-short-order", "close-long-position",
                "close-short-position", "plan-close-long-position", "plan-close-short-position",
            ),
        },
        inside=("initial",),
    ),
    # Bitget V2, Get Pending Orders and Get Trigger Order: reduceOnly YES or NO, tradeSide, and the
    # plan types that belong to a position and end with it (Place TPSL order; ccxt sends pos_loss
    # for freqtrade's stops, without a reduce-only mark that could be read back). ccxt takes
    # whatever is not "NO" for reduce-only.
    "bitget": Marks(
        words={
            "planType": _any("pos_loss", "pos_profit", "loss_plan", "profit_plan", "moving_plan"),
            "tradeSide": _any("close", "reduce_close_long", "reduce_close_short"),
        },
        unified=False,
    ),
    # Hyperliquid, info endpoint, frontendOpenOrders
    "hyperliquid": Marks(yes=("reduceOnly", "isPositionTpsl"), inside=("order",)),
    # Kraken Futures, Get open orders
    "krakenfutures": Marks(),
    # Not traded in futures by freqtrade's classes of today: KuCoin futures, Get Order List
    "kucoin": Marks(yes=("reduceOnly", "closeOrder"), hedge=("positionSide", "long", "short")),
    # HTX USDT-M, Query Open Orders: offset of hedge mode, reduce_only of one-way mode
    "htx": Marks(yes=("reduce_only",), words={"offset": _any("close")}),
    # BingX perpetual, Query all open orders
    "bingx": Marks(
        yes=("reduceOnly", "closePosition"), hedge=("positionSide", "long", "short")
    ),
    # BitMart futures, Get All Open Orders: side 2 buys to close a short, 3 sells to close a long
    "bitmart": Marks(words={"side": _any("2", "3")}),
}  # fmt: skip
"""By ccxt's exchange id."""


def can_only_reduce(api: Any, row: Row) -> bool:
    """Whether the exchange says so of ccxt's order *row*. That no position is left to reduce does
    not change it.

    :param api: ccxt's exchange.
    """
    marks = rule_for(MARKS, api, Marks())
    if marks.unified and _is_yes(row.get("reduceOnly")):
        return True
    return any(_is_marked(marks, part, row.get("side")) for part in _parts(marks, row))


def _parts(marks: Marks, row: Row) -> Iterator[Row]:
    info = row.get("info")
    if isinstance(info, Mapping):
        yield info
        yield from (part for name in marks.inside if isinstance(part := info.get(name), Mapping))


def _is_marked(marks: Marks, info: Row, side: Any) -> bool:
    return (
        any(_is_yes(info.get(name)) for name in marks.yes)
        or any(str(info.get(name)).lower() in words for name, words in marks.words.items())
        or any(info.get(name) not in (None, "") for name in marks.present)
        or _closes_in_hedge_mode(marks, info, side)
    )


def _closes_in_hedge_mode(marks: Marks, info: Row, side: Any) -> bool:
    if marks.hedge is None:
        return False
    name, long, short = marks.hedge
    return (str(info.get(name)).lower(), side) in ((long, "sell"), (short, "buy"))


def _is_yes(value: Any) -> bool:
    return str(value).lower() in YES
