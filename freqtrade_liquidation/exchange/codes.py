"""Where ccxt's classes mislead, the exchange's own code decides: the tables.

Checked against the exceptions of ccxt 4.5.90 for the exchanges that freqtrade supports officially.
What is not in here, ccxt's class tells rightly: orders that are gone (``OrderNotFound``), coins
that a stop locks (``InsufficientFunds``), limits, maintenance. Comments: the exchange's words, then
the class that ccxt makes of them; "—" = ccxt does not know the code (``ExchangeError``).
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final


class Verdict(Enum):
    """What an error means for the request that got it."""

    REFUSED = auto()
    ACCOUNT_REFUSED = auto()
    NOTHING_TO_REDUCE = auto()
    NOT_ACTED = auto()
    CLOCK_SKEWED = auto()
    UNANSWERED = auto()
    """A read may be repeated; a write may have acted."""


_GONE, _OPEN, _LATER = Verdict.NOTHING_TO_REDUCE, Verdict.UNANSWERED, Verdict.NOT_ACTED

CODES: Final[Mapping[str, Mapping[str, Verdict]]] = {
    # Source: binance, "Error Codes" (spot; USDⓈ-M futures); ccxt binance.exceptions.
    "binance": {
        # "Invalid API-key, IP, or permissions": DDoSProtection once a call has succeeded (ccxt
        # binance.handle_errors). A key revoked in the middle of a run is no 429.
        "-2015": Verdict.ACCOUNT_REFUSED,
        # "ReduceOnly Order is rejected": InvalidOrder. Nothing is left, or another order does it.
        "-2022": _GONE,
        # "ReduceOnly Order Failed. Please check your existing position and open orders":
        # OperationRejected
        "-4118": _GONE,
        "-4112": _GONE,
        # "Timestamp for this request is outside of the recvWindow": BadRequest in portfolio margin
        "-1021": Verdict.CLOCK_SKEWED,
        # "Internal error; unable to process your request": ExchangeError in portfolio margin.
        # "An unexpected response was received from the message bus. Execution status unknown."
        # "Timeout waiting for response from backend server. Send status unknown; execution status
        # unknown."
        "-1001": _OPEN,
        "-1006": _OPEN,
        "-1007": _OPEN,
        # "Server is currently overloaded": OperationFailed, yet the page says that it is a failure
        "-1008": _LATER,
        # ME_RECVWINDOW_REJECT: OperationFailed, yet the matching engine has rejected it
        "-5028": _LATER,
    },
    # Source: Bybit, V5 "Error Codes"; ccxt bybit.exceptions.
    "bybit": {
        # "Server Timeout", "System error", "Internal error", "Network error", "Server error":
        # ExchangeError; "Order creation timeout", "Order cancellation timeout": InvalidOrder.
        # Nothing says that nothing was done.
        "5004": _OPEN,
        "10016": _OPEN,
        "131201": _OPEN,
        "170001": _OPEN,
        "170032": _OPEN,
        "170146": _OPEN,
        "170147": _OPEN,
        "170234": _OPEN,
        "340099": _OPEN,
        # "current position is zero, cannot fix reduce-only order qty", "Reduce-only rule not
        # satisfied": InvalidOrder; "no position found": ExchangeError
        "110017": _GONE,
        "140017": _GONE,
        "30063": _GONE,
        "30009": _GONE,
        "30041": _GONE,
        # "operation not allowed as position is undergoing liquidation", "... ADL", "The requested
        # symbol is invalid, please check symbol whitelist": PermissionDenied, but one pair's
        "30011": Verdict.REFUSED,
        "30012": Verdict.REFUSED,
        "30013": Verdict.REFUSED,
        "10029": Verdict.REFUSED,
    },
    # Source: OKX, V5 "Error Code"; ccxt okx.exceptions.
    "okx": {
        # "you don't have any positions in this direction to reduce or close": —; "Position does
        # not exist": ExchangeError; "Close order size exceeds your available size": InvalidOrder,
        # when the position has got smaller, or another order closes a part of it
        "51169": _GONE,
        "51023": _GONE,
        "51112": _GONE,
        # "You've reached the maximum order rate limit for this account": ExchangeError
        "50061": _LATER,
        # "Invalid OK_ACCESS_TIMESTAMP": AuthenticationError
        "50112": Verdict.CLOCK_SKEWED,
        # "Feature not available in your region": PermissionDenied, but about one pair
        "51773": Verdict.REFUSED,
    },
    # Source: Gate, API v4 "Error Handling" and futures labels; ccxt gate.exceptions.
    "gate": {
        # the position is empty; a reduce-only order would grow it: InvalidOrder
        "POSITION_EMPTY": _GONE,
        "INCREASE_POSITION": _GONE,
        # "empty position", as reduce-only orders without one are answered: —
        "REDUCE_EXCEEDED": _GONE,
        # the request's timestamp is too old: AuthenticationError
        "REQUEST_EXPIRED": Verdict.CLOCK_SKEWED,
    },
    # Source: Bitget, "RestAPI Error Code"; ccxt bitget.exceptions.
    "bitget": {
        # "No position to close": —
        "22002": _GONE,
        # "System error", "System is abnormal, please try again later", "endpoint request failed":
        # ExchangeError
        "1": _OPEN,
        "30009": _OPEN,
        "30030": _OPEN,
        "32047": _OPEN,
        "40015": _OPEN,
        # "timestamp request expired": RequestTimeout
        "30008": Verdict.CLOCK_SKEWED,
    },
    # Source: BingX, "Error Codes"; ccxt bingx.exceptions.
    "bingx": {
        # "Incorrect apiKey": — before ccxt 4.5.90
        "100413": Verdict.ACCOUNT_REFUSED,
        # "No position to close": InvalidOrder
        "101205": _GONE,
        # internal error, gateway timeout, server busy: ExchangeError
        "500": _OPEN,
        "504": _OPEN,
        "100503": _OPEN,
    },
    # Officially supported by freqtrade 2026.4. Source: BitMart, spot "Error Code"; ccxt
    # bitmart.exceptions.
    "bitmart": {
        # "Header X-BM-TIMESTAMP range. Within a minute": AuthenticationError
        "30007": Verdict.CLOCK_SKEWED,
        # "Internal Server Error", "Spot wallet call fail", "Trading order failure": ExchangeError
        "59002": _OPEN,
        "59003": _OPEN,
        "59008": _OPEN,
    },
    # Source: HTX, USDT-margined swaps "Error Codes"; ccxt htx.exceptions.
    "htx": {
        # "Insufficient close amount available": InsufficientFunds
        "1048": _GONE,
    },
}
"""By ccxt's exchange id, for those that ccxt derives from it, too."""

PHRASES: Final[Mapping[str, Mapping[str, Verdict]]] = {
    # Hyperliquid has no codes. Source: its exchange endpoint; ccxt hyperliquid.exceptions.
    "hyperliquid": {
        "Reduce only order would increase position": _GONE,  # InvalidOrder
        "User or API Wallet": Verdict.ACCOUNT_REFUSED,  # "... does not exist": InvalidOrder
    },
    # Source: Kraken, spot REST "Error messages"; ccxt kraken.exceptions.
    "kraken": {
        # the request timed out inside: —. Nothing says that nothing was done.
        "EService:Deadline elapsed": _OPEN,
    },
    # Source: ccxt krakenfutures.exceptions and verify_order_action_success.
    "krakenfutures": {
        "wouldNotReducePosition": _GONE,  # ExchangeError
        "Server Error": _OPEN,  # ExchangeError
        "unknownError": _OPEN,  # ExchangeError
    },
}
"""The same for exchanges that answer in words."""
