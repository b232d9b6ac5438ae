"""Gate.

Source: API v4 "Label list", ccxt gate.exceptions.
"""

from collections.abc import Mapping
from typing import Final

from freqtrade_liquidation.exchange.codes.verdict import Verdict

_GONE, _BLOCKED, _FOR_NOW = (
    Verdict.NOTHING_TO_REDUCE,
    Verdict.CLOSE_BLOCKED,
    Verdict.REFUSED_FOR_NOW,
)

CODES: Final[Mapping[str, Verdict]] = {
    # "Position is empty": InvalidOrder; "Position not found": —
    "POSITION_EMPTY": _GONE,
    "POSITION_NOT_FOUND": _GONE,
    # "order will increase position": InvalidOrder; "Reduce order would exceed position": —. The
    # words tell where the position is empty (below).
    "INCREASE_POSITION": _BLOCKED,
    "REDUCE_EXCEEDED": _BLOCKED,
    # "Order price deviates too much from mark price": InvalidOrder; its relative: InvalidOrder
    "PRICE_TOO_DEVIATED": _FOR_NOW,
    "PRICE_THRESHOLD_EXCEEDED": _FOR_NOW,
    # "No counter order found": ExchangeError; "Insufficient liquidity", "FOK order cannot be filled
    # completely", "Killed for FOK": —
    "CONTRACT_NO_COUNTER": _FOR_NOW,
    "ORDER_BOOK_NOT_FOUND": _FOR_NOW,
    "FOK_NOT_FILL": _FOR_NOW,
    "ORDER_FOK": _FOR_NOW,
    # "Position is being liquidated", "Position is closing": ExchangeError
    "POSITION_IN_LIQUIDATION": _FOR_NOW,
    "POSITION_IN_CLOSE": _FOR_NOW,
    # "Order cancel failed": —. Nothing says why.
    "CANCEL_FAIL": Verdict.UNANSWERED,
    # the request's timestamp is too old: AuthenticationError
    "REQUEST_EXPIRED": Verdict.CLOCK_SKEWED,
    # "Abnormal account": ExchangeError
    "ACCOUNT_EXCEPTION": Verdict.ACCOUNT_REFUSED,
}

PHRASES: Final[Mapping[str, Verdict]] = {
    # REDUCE_EXCEEDED, as a reduce-only order without a position is answered
    "empty position": _GONE,
}
