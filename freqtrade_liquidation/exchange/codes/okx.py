"""OKX.

Source: V5 "Error Code", ccxt okx.exceptions. A row's ``sCode`` comes inside of code 1 or 2.
"""

from collections.abc import Mapping
from typing import Final

from freqtrade_liquidation.exchange.codes.verdict import Verdict

_GONE, _BLOCKED = Verdict.NOTHING_TO_REDUCE, Verdict.CLOSE_BLOCKED
_OPEN, _LATER, _FOR_NOW = Verdict.UNANSWERED, Verdict.NOT_ACTED, Verdict.REFUSED_FOR_NOW

CODES: Final[Mapping[str, Verdict]] = {
    # "you don't have any positions in this direction for this contract to reduce or close": —;
    # "Position doesn't exist": ExchangeError; "This isolated position doesn't exist": —. They hold
    # for the margin mode and the side that the order named.
    "51169": _GONE,
    "51023": _GONE,
    "51043": _GONE,
    # "Close order size exceeds available size for this position": InvalidOrder
    "51112": _BLOCKED,
    # "Cancel all pending close-orders before liquidation", "Pending close-orders count exceeds
    # limit", "... pending reduce + reverse position orders", "... pending reduce only orders":
    # InvalidOrder
    "51115": _BLOCKED,
    "51117": _BLOCKED,
    "51125": _BLOCKED,
    "51126": _BLOCKED,
    # "Closing failed. Please check your margin holdings and pending orders": InvalidOrder
    "51134": _BLOCKED,
    # "The number of reduce-only orders reached the upper limit. Cancel some", "You have reduce-only
    # type of open order(s)", "A reduce-only order can't be the same trading direction as your
    # existing positions", "Please cancel the Reduce Only order before ...", "Closing order already
    # exists": —
    "51165": _BLOCKED,
    "51168": _BLOCKED,
    "51170": _BLOCKED,
    "51206": _BLOCKED,
    "51342": _BLOCKED,
    # "Order price is not within the price limit", "... the closing price range", "Order price or
    # trigger price exceeds {0}", "The highest price limit for buy orders is {0}" and its relatives:
    # InvalidOrder
    "51006": _FOR_NOW,
    "51031": _FOR_NOW,
    "51116": _FOR_NOW,
    "51122": _FOR_NOW,
    "51135": _FOR_NOW,
    "51136": _FOR_NOW,
    "51137": _FOR_NOW,
    "51138": _FOR_NOW,
    # "No available offers": InvalidOrder; "There is no valid quotation in the market",
    # "insufficient order book depth": —
    "51109": _FOR_NOW,
    "51142": _FOR_NOW,
    "54012": _FOR_NOW,
    # "You can only place a limit order after Call Auction has started", "... limit orders during
    # call auction", "Order cancellation unavailable during the second phase of call auction", "...
    # cool-off period is active": InvalidOrder
    "51110": _FOR_NOW,
    "51124": _FOR_NOW,
    "51404": _FOR_NOW,
    "54094": _FOR_NOW,
    # "Contract suspended", "Contract is being settled", "Funding fee is being settled":
    # ContractUnavailable
    "51022": _FOR_NOW,
    "51029": _FOR_NOW,
    "51030": _FOR_NOW,
    # Position, currency or account "frozen due to auto-deleveraging (ADL)", "... forced
    # liquidation", "Funding fees frozen": ExchangeError, "Please try again later". "Account is
    # frozen due to stop-out": AccountSuspended, and it passes, too
    "50009": _FOR_NOW,
    "50017": _FOR_NOW,
    "50018": _FOR_NOW,
    "50019": _FOR_NOW,
    "50020": _FOR_NOW,
    "50021": _FOR_NOW,
    "50022": _FOR_NOW,
    "50023": _FOR_NOW,
    # "Request timed out. Please try again", "Order timed out. ... does not mean that the request
    # was successful or failed", "Cancellation timed out": —; "Internal system error": ExchangeError
    "51054": _OPEN,
    "51149": _OPEN,
    "51412": _OPEN,
    "63999": _OPEN,
    # "You've reached the maximum order rate limit for this account": ExchangeError; "Too frequent
    # operations": —
    "50061": _LATER,
    "50040": _LATER,
    # "Invalid OK_ACCESS_TIMESTAMP": AuthenticationError
    "50112": Verdict.CLOCK_SKEWED,
    # "Account status invalid", "API frozen": ExchangeError; "APIKey must be bound to IP", "API key
    # doesn't exist", "You can't access our services through the IP address": —
    "50012": Verdict.ACCOUNT_REFUSED,
    "50035": Verdict.ACCOUNT_REFUSED,
    "50100": Verdict.ACCOUNT_REFUSED,
    "50119": Verdict.ACCOUNT_REFUSED,
    "50121": Verdict.ACCOUNT_REFUSED,
    # "Feature not available in your region", "The current account mode does not support this API
    # interface": PermissionDenied, AccountNotEnabled, but about one pair or one endpoint
    "51773": Verdict.REFUSED,
    "51010": Verdict.REFUSED,
}
