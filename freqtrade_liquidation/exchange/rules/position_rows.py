"""A position told from the others of its pair: margin mode and side, as an order names them.

An account may hold a pair isolated and cross (OKX), or long and short at once (hedge mode). A close
that names neither meets another row, or none.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from freqtrade_liquidation.exchange.rules.kin import rule_for

Params = dict[str, Any]
Row = Mapping[str, Any]

MODES: Final = frozenset({"isolated", "cross"})


def margin_mode(raw: Row) -> str | None:
    """Of ccxt's position *raw*: ``isolated`` or ``cross``; ``None`` = not told.

    Source: ccxt's unified ``marginMode``; Gate API v4, Position, ``pos_margin_mode``.
    """
    told = _info(raw).get("pos_margin_mode") or raw.get("marginMode")
    return told if told in MODES else None


def _info(raw: Row) -> Row:
    """The exchange's own row."""
    return raw.get("info") or {}


def closing_params(api: Any, raw: Row) -> Params | None:
    """What makes a reduce-only market order of ours close the row *raw* and no other of its pair.

    :param raw: ccxt's unified position.
    :returns: ccxt's ``params``; ``None`` = the row cannot be told apart safely.
    """
    if raw.get("side") not in ("long", "short"):
        return None
    rule = rule_for(RULES, api, None)
    return None if rule is None else rule(raw)


def _binance(raw: Row) -> Params | None:
    """ccxt turns ``hedged`` and ``reduceOnly`` into ``positionSide``: in hedge mode Binance takes
    no ``reduceOnly``, and a sale of the long side cannot open anything.

    Source: Binance USD-M, New Order; ccxt ``binance.create_order_request``.
    """
    told = {"BOTH": {}, raw["side"].upper(): {"hedged": True}}
    return told.get(str(_info(raw).get("positionSide")))


def _bybit(raw: Row) -> Params | None:
    """Not ccxt's ``hedged``, which would take ``reduceOnly`` off.

    Source: Bybit V5, Place Order, ``positionIdx``: 1 is hedge mode's long side, 2 its short side.
    """
    own = 1 if raw["side"] == "long" else 2
    told: dict[str, Params] = {"0": {}, str(own): {"positionIdx": own}}
    return told.get(str(_info(raw).get("positionIdx")))


def _okx(raw: Row) -> Params | None:
    """Source: OKX, Place order: ``posSide`` is long or short in long/short mode, net in net mode;
    ``tdMode`` is the position's: in another mode, the order is answered with 51169, "no position".
    """
    mode, side = margin_mode(raw), _info(raw).get("posSide")
    if mode is None or side not in ("net", raw["side"]):
        return None
    return {"posSide": side, "tdMode": mode}


def _gate(raw: Row) -> Params | None:
    """Nothing has to be sent: a reduce-only sale closes the long side, a purchase the short one.
    ``auto_size`` would close the whole side, whatever the amount. In ``dual_plus`` mode a side may
    be held isolated and cross at once.

    Source: Gate API v4, Create a futures order; Position, ``mode``.
    """
    return {} if _info(raw).get("mode") in ("single", f"dual_{raw['side']}") else None


def _bitget(raw: Row) -> Params | None:
    """ccxt turns ``hedged`` and ``reduceOnly`` into ``tradeSide: Close`` and the side of the
    position. Source: Bitget V2, Place Order; ccxt ``bitget.create_order_request``."""
    mode = margin_mode(raw)
    told = _info(raw).get("posMode")
    if mode is None or told not in ("one_way_mode", "hedge_mode"):
        return None
    return {"marginMode": mode, **({"hedged": True} if told == "hedge_mode" else {})}


def _one_way(raw: Row) -> Params | None:
    """There is no hedge mode: one row a pair."""
    return {}


RULES: Final[Mapping[str, Callable[[Row], Params | None]]] = {
    "binance": _binance,
    "bybit": _bybit,
    "okx": _okx,
    "gate": _gate,
    "bitget": _bitget,
    "hyperliquid": _one_way,
    "krakenfutures": _one_way,
}
"""By ccxt's exchange id."""
