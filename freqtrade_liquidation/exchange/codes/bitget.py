"""Bitget.

Source: "RestAPI Error Code" (futures, spot, UTA), ccxt bitget.exceptions.
"""

from collections.abc import Mapping
from typing import Final

from freqtrade_liquidation.exchange.codes.verdict import Verdict

_GONE, _BLOCKED = Verdict.NOTHING_TO_REDUCE, Verdict.CLOSE_BLOCKED
_OPEN, _LATER, _FOR_NOW = Verdict.UNANSWERED, Verdict.NOT_ACTED, Verdict.REFUSED_FOR_NOW

CODES: Final[Mapping[str, Verdict]] = {
    # "No position to close", "No position available to close": —
    "22002": _GONE,
    "25227": _GONE,
    # "Close quantity cannot exceed the held position quantity", "Reduce-only orders will only
    # reduce your position; please cancel or modify existing orders", "The maximum reducible amount
    # is",
    # "Reduce-only order protection", "The number of closed positions cannot exceed ...", "maximum
    # number of positions that can be closed", "This order is being closed and cannot be closed
    # again", "Please close the current position with orders", "This order is being commissioned":
    # —; "Position closing too large": InvalidOrder
    "25231": _BLOCKED,
    "25232": _BLOCKED,
    "25242": _BLOCKED,
    "25574": _BLOCKED,
    "35010": _BLOCKED,
    "40717": _BLOCKED,
    "40746": _BLOCKED,
    "40804": _BLOCKED,
    "40859": _BLOCKED,
    "40864": _BLOCKED,
    "40865": _BLOCKED,
    "40867": _BLOCKED,
    "40939": _BLOCKED,
    "43029": _BLOCKED,
    # "System error", "System is abnormal, please try again later", "endpoint request failed",
    # "order failed, system exception", "Abnormal access to ... data", "Status check abnormal":
    # ExchangeError; "Request timed out": AuthenticationError; "service return an error", "Unknown
    # error", "Operation timed out", "Request failed, please try again",
    # "Concurrent operation": —. "Parameter verification exception" is also what the maintenance of
    # an endpoint answers: InvalidOrder
    "1": _OPEN,
    "01001": _OPEN,
    "25000": _OPEN,
    "25001": _OPEN,
    "25003": _OPEN,
    "30009": _OPEN,
    "30030": _OPEN,
    "32047": _OPEN,
    "40010": _OPEN,
    "40015": _OPEN,
    "40105": _OPEN,
    "40106": _OPEN,
    "40107": _OPEN,
    "40400": _OPEN,
    "40725": _OPEN,
    "40808": _OPEN,
    "40910": _OPEN,
    "43059": _OPEN,
    "45001": _OPEN,
    "49040": _OPEN,
    "50031": _OPEN,
    "80002": _OPEN,
    # "Too many requests", "Operation too frequent", "Cancel order is too frequent": —
    "429": _LATER,
    "25004": _LATER,
    "45129": _LATER,
    # "limit price > risk price" and its relatives, "trading price cannot be below {1}%", "The order
    # price is higher than the highest bid price", "Maximum price limit exceeded": —; "Order price
    # is not within limit", "selling price cannot be lower than": InvalidOrder; "the price is not in
    # the range of the price limit": ExchangeError
    "22006": _FOR_NOW,
    "22007": _FOR_NOW,
    "22008": _FOR_NOW,
    "22009": _FOR_NOW,
    "25205": _FOR_NOW,
    "25206": _FOR_NOW,
    "32019": _FOR_NOW,
    "32020": _FOR_NOW,
    "35014": _FOR_NOW,
    "36222": _FOR_NOW,
    "36223": _FOR_NOW,
    "40748": _FOR_NOW,
    "40815": _FOR_NOW,
    "40816": _FOR_NOW,
    "41117": _FOR_NOW,
    "43008": _FOR_NOW,
    "43009": _FOR_NOW,
    "43039": _FOR_NOW,
    "43040": _FOR_NOW,
    # "Insufficient liquidity in the market", "Large price fluctuation", "Trade or fair mark price
    # does not exist", "Market price list is not allowed at present", "The contract index data is
    # abnormal": —; "No last traded price": ExchangeError
    "22045": _FOR_NOW,
    "25209": _FOR_NOW,
    "25210": _FOR_NOW,
    "25222": _FOR_NOW,
    "35057": _FOR_NOW,
    "40721": _FOR_NOW,
    "40722": _FOR_NOW,
    "40823": _FOR_NOW,
    "40826": _FOR_NOW,
    "40878": _FOR_NOW,
    # "ADL processing", "Closing failed, please try again later", "Position closing, please try
    # again later": —
    "22043": _FOR_NOW,
    "22044": _FOR_NOW,
    "22067": _FOR_NOW,
    "25239": _FOR_NOW,
    "50066": _FOR_NOW,
    # "closed for maintenance", "suspended due to settlement or maintenance": —; "order cannot be
    # placed during settlement", "Contract pending settlement", "you can only place market orders
    # during call auction" and its relatives: ExchangeError
    "25102": _FOR_NOW,
    "25106": _FOR_NOW,
    "32025": _FOR_NOW,
    "33010": _FOR_NOW,
    "33023": _FOR_NOW,
    "33034": _FOR_NOW,
    "35004": _FOR_NOW,
    "40844": _FOR_NOW,
    "45043": _FOR_NOW,
    "50027": _FOR_NOW,
    # "timestamp request expired": RequestTimeout
    "30008": Verdict.CLOCK_SKEWED,
    # "User status is abnormal", "Abnormal account status", "The account is abnormally frozen":
    # ExchangeError; "Account abnormal status", "API service has been restricted": —
    "40013": Verdict.ACCOUNT_REFUSED,
    "40023": Verdict.ACCOUNT_REFUSED,
    "40710": Verdict.ACCOUNT_REFUSED,
    "40760": Verdict.ACCOUNT_REFUSED,
    "50010": Verdict.ACCOUNT_REFUSED,
    # "Incorrect permissions, need {0} permissions", "Permission has not been obtained yet":
    # PermissionDenied, but one endpoint's
    "40014": Verdict.REFUSED,
    "40301": Verdict.REFUSED,
}

PHRASES: Final[Mapping[str, Verdict]] = {
    # 40808 that names what is wrong with the order
    "checkBDScale": Verdict.REFUSED,
    "gateway internal error": _OPEN,  # ExchangeError
    "system exception": _OPEN,  # ExchangeError
}
