"""Bybit.

Source: V5 "Error Codes", ccxt bybit.exceptions.
"""

from collections.abc import Mapping
from typing import Final

from freqtrade_liquidation.exchange.codes.verdict import Verdict

_GONE, _BLOCKED = Verdict.NOTHING_TO_REDUCE, Verdict.CLOSE_BLOCKED
_OPEN, _LATER, _FOR_NOW = Verdict.UNANSWERED, Verdict.NOT_ACTED, Verdict.REFUSED_FOR_NOW

CODES: Final[Mapping[str, Verdict]] = {
    # "Server Timeout", "System error", "Internal error", "Network error", "Server error":
    # ExchangeError; "Order creation timeout", "Order cancellation timeout", "Order modification
    # timeout": InvalidOrder; "Submitted to the system for processing!": BadRequest; "Create order
    # failed", "Cancel order failed": ExchangeError; "Cancel order request processing": —;
    # "The trading service is experiencing a high server load": —. None says that nothing was done.
    "429": _OPEN,
    "5004": _OPEN,
    "10000": _OPEN,
    "10016": _OPEN,
    "131003": _OPEN,
    "131200": _OPEN,
    "131201": _OPEN,
    "170001": _OPEN,
    "170032": _OPEN,
    "170035": _OPEN,
    "170146": _OPEN,
    "170147": _OPEN,
    "170149": _OPEN,
    "170150": _OPEN,
    "170212": _OPEN,
    "170234": _OPEN,
    "170310": _OPEN,
    "340099": _OPEN,
    "3400214": _OPEN,
    # "Too many new orders; current limit is %s orders per %s", "Too many requests in this time
    # frame": InvalidOrder, RateLimitExceeded
    "170005": _LATER,
    "170222": _LATER,
    # "Reduce-only rule not satisfied", "orderQty will be truncated to zero": InvalidOrder. The
    # words tell where the position is zero (below); without them a resting order may do it.
    "110017": _BLOCKED,
    "140017": _BLOCKED,
    "30063": _BLOCKED,
    # "TS and SL must be cancelled first while closing position": ExchangeError
    "30016": _BLOCKED,
    # "no position found": ExchangeError; "There is no net position": InvalidOrder
    "30009": _GONE,
    "30041": _GONE,
    "110034": _GONE,
    "140034": _GONE,
    # "Order price exceeds the allowable range", "... higher than the maximum buying price",
    # "... lower than the minimum selling price", "Order price cannot be higher than %s", "The
    # filled price may deviate significantly", "... the price limitation": InvalidOrder or —
    "-1197": _FOR_NOW,
    "30208": _FOR_NOW,
    "30209": _FOR_NOW,
    "110003": _FOR_NOW,
    "140003": _FOR_NOW,
    "110120": _FOR_NOW,
    "110121": _FOR_NOW,
    "170192": _FOR_NOW,
    "170193": _FOR_NOW,
    "170194": _FOR_NOW,
    "170197": _FOR_NOW,
    "170198": _FOR_NOW,
    "170371": _FOR_NOW,
    "170372": _FOR_NOW,
    # "Unable to retrieve a price of the market order due to low liquidity": —; "symbol related
    # quote price is null": InvalidOrder
    "110118": _FOR_NOW,
    "182000": _FOR_NOW,
    # "Settlement in progress", "Trading is currently not allowed": ExchangeError; "The order is
    # processing and can not be operated, please try again later": —; "Can not cancel order, please
    # try again later": InvalidOrder
    "110063": _FOR_NOW,
    "140063": _FOR_NOW,
    "110066": _FOR_NOW,
    "140066": _FOR_NOW,
    "110079": _FOR_NOW,
    "170191": _FOR_NOW,
    # "operation not allowed as position is undergoing liquidation", "... ADL", "position is in liq
    # or adl status": PermissionDenied, InvalidOrder, but one pair's, and it passes
    "30011": _FOR_NOW,
    "30012": _FOR_NOW,
    "30013": _FOR_NOW,
    "30043": _FOR_NOW,
    "30044": _FOR_NOW,
    "30045": _FOR_NOW,
    # "The requested symbol is invalid, please check symbol whitelist": PermissionDenied, but one
    # pair's
    "10029": Verdict.REFUSED,
}

PHRASES: Final[Mapping[str, Verdict]] = {
    # 110017, 130125: "current position is zero, cannot fix reduce-only order qty"
    "current position is zero": _GONE,
    # HTTP 403, "access too frequent": ExchangeNotAvailable. The address is banned for ten minutes.
    "access too frequent": _LATER,
}
