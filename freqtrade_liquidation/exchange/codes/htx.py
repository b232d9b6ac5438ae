"""HTX.

Source: USDT-margined contracts, "Details of Each Error Code"; ccxt htx.exceptions.
"""

from collections.abc import Mapping
from typing import Final

from freqtrade_liquidation.exchange.codes.verdict import Verdict

_OPEN, _LATER = Verdict.UNANSWERED, Verdict.NOT_ACTED
_BLOCKED, _FOR_NOW = Verdict.CLOSE_BLOCKED, Verdict.REFUSED_FOR_NOW

CODES: Final[Mapping[str, Verdict]] = {
    # "Insufficient close amount available": InsufficientFunds. The page: resting close orders claim
    # it, or the position is gone.
    "1048": _BLOCKED,
    # "For {0} contracts, the number of the position-closing orders which are not fully filled
    # cannot exceed {1}": —
    "1235": _BLOCKED,
    # "System error", "System is unprepared", "Query error", "System busy", "Abnormal service": —
    "1000": _OPEN,
    "1001": _OPEN,
    "1002": _OPEN,
    "1004": _OPEN,
    "1046": _OPEN,
    "1108": _OPEN,
    # "The number of access exceeded the limit": —
    "1032": _LATER,
    # "Buy price must be lower than {0}. Sell price must exceed {2}": InvalidOrder. "The bid offer
    # does not exist", "Unable to get the latest price range", "... the latest price", "The price is
    # not reasonable", "Sell price must be lower than": —. On spot by name: InvalidOrder
    "1039": _FOR_NOW,
    "1016": _FOR_NOW,
    "1053": _FOR_NOW,
    "1054": _FOR_NOW,
    "1069": _FOR_NOW,
    "1072": _FOR_NOW,
    "order-limitorder-price-min-error": _FOR_NOW,
    "order-limitorder-price-max-error": _FOR_NOW,
    "order-limitorder-price-buy-min-error": _FOR_NOW,
    "order-limitorder-price-buy-max-error": _FOR_NOW,
    "order-limitorder-price-sell-min-error": _FOR_NOW,
    "order-limitorder-price-sell-max-error": _FOR_NOW,
    "order-etp-nav-price-max-error": _FOR_NOW,
    # "In settlement", "trading halt", "trade suspension", "In delivery", "abnormal contracts
    # status", "forced liquidation. Unable to place order temporarily", "adl freeze status": —;
    # "symbol trade not open now": BadSymbol
    "1056": _FOR_NOW,
    "1057": _FOR_NOW,
    "1058": _FOR_NOW,
    "1059": _FOR_NOW,
    "1060": _FOR_NOW,
    "1083": _FOR_NOW,
    "1097": _FOR_NOW,
}

PHRASES: Final[Mapping[str, Verdict]] = {
    # err_code 1003 on contracts; the code 1003 elsewhere is a bad signature: AuthenticationError
    "Abnormal redis operation": _OPEN,
    "symbol trade not open now": _FOR_NOW,
    # "Signature not valid: API key has no permission": PermissionDenied, but one endpoint's
    "API key has no permission": Verdict.REFUSED,
}
