"""Whether the requests that would be signed are those that a run must not do without.

The same questions to every exchange; the exact words of each are held in the tests.
"""

import re
from collections.abc import Iterator
from typing import Final

from freqtrade.enums import TradingMode

from freqtrade_liquidation.drill.signing.lab import Lab
from freqtrade_liquidation.drill.signing.probe import AMOUNT, DIGITS, ORDER_ID, Requests
from freqtrade_liquidation.drill.signing.recorder import Signed
from freqtrade_liquidation.exchange.rules.names import client_order_id, is_ours

REDUCE_ONLY: Final = re.compile(r"(^|\.)(reduce_?only|orders\.0\.r)$", re.IGNORECASE)
POSITION_SIDE: Final = re.compile(r"(^|\.)pos(ition)?_?(side|idx)$", re.IGNORECASE)


def faults(lab: Lab, found: Requests) -> list[str]:
    """What is missing, in words; empty = the requests hold."""
    return [
        *(f"{what}: nothing is sent" for what, sent in found.items() if not sent),
        *_wrong(lab, found),
    ]


def order_in(sent: list[Signed]) -> Signed | None:
    """The one that bears our name."""
    return next((s for s in sent if any(is_ours(v) for v in s.values.values())), None)


def reduce_only_in(order: Signed) -> str | None:
    """``name=value`` of what makes *order* reduce-only."""
    marks = {k.split(".")[-1]: v for k, v in order.values.items() if REDUCE_ONLY.search(k)}
    return next((f"{k}={v}" for k, v in marks.items() if v.lower() in ("true", "yes")), None)


def _wrong(lab: Lab, found: Requests) -> Iterator[str]:
    futures = lab.setup.mode == TradingMode.FUTURES
    contracts = lab.exchange._amount_to_contracts(lab.pair, AMOUNT) if futures else AMOUNT
    for what in ("close", "close_short") if futures else ("close",):
        order = order_in(found[what])
        if order is None:
            yield f"{what}: no order with our name"
            continue
        if futures and reduce_only_in(order) is None:
            yield f"{what}: not reduce-only"
        if not any(_is_number(v, contracts) for v in order.values.values()):
            yield f"{what}: not for {contracts:g} contracts"
    name = client_order_id(lab.exchange._api, DIGITS)
    if any("" in s.values.values() for s in found["find"]):
        yield "find: asks with an empty id"
    if not any(_names(s, name) for s in found["find"]) and len(found["find"]) < 2:
        yield "find: neither by name nor in lists"
    for what in ("cancel", "read_back", "cancel_stop"):
        if what in found and not any(_names(s, ORDER_ID) for s in found[what]):
            yield f"{what}: does not name the order"


def _names(signed: Signed, name: str) -> bool:
    return name in signed.values.values() or name in signed.path.split("/")


def _is_number(text: str, number: float) -> bool:
    try:
        return abs(float(text)) == number
    except ValueError:
        return False
