"""Binance, spot and USDⓈ-M futures.

Source: "Error Codes" (USDⓈ-M futures), "Error codes for Binance" (spot), ccxt binance.exceptions.
"""

from collections.abc import Mapping
from typing import Final

from freqtrade_liquidation.exchange.codes.verdict import Verdict

_OPEN, _LATER = Verdict.UNANSWERED, Verdict.NOT_ACTED
_BLOCKED, _FOR_NOW = Verdict.CLOSE_BLOCKED, Verdict.REFUSED_FOR_NOW

CODES: Final[Mapping[str, Verdict]] = {
    # "Invalid API-key, IP, or permissions": DDoSProtection once a call has succeeded (ccxt
    # binance.handle_errors). A key revoked in the middle of a run is no 429.
    "-2015": Verdict.ACCOUNT_REFUSED,
    # "You are not authorized to execute this request": —
    "-1002": Verdict.ACCOUNT_REFUSED,
    # "User can only place reduce only order", "Futures Trading Quantitative Rules violated, only
    # reduceOnly order is allowed": PermissionDenied, but only of what opens; closes are allowed.
    # Portfolio margin has it as -4089.
    "-4087": Verdict.REFUSED,
    "-4089": Verdict.REFUSED,
    "-4400": Verdict.REFUSED,
    # No code of Binance's says that the position is zero and nothing else.
    # "ReduceOnly Order is rejected. ... conflicts with existing open orders": InvalidOrder. It is
    # the answer where there is no position, too.
    "-2022": _BLOCKED,
    # "ReduceOnly Order Failed. Please check your existing position and open orders. ... combined
    # with an existing same-side open order": OperationRejected. COIN-M has it as -4112.
    "-4118": _BLOCKED,
    "-4112": _BLOCKED,
    # "Position is not sufficient": InsufficientFunds
    "-2024": _BLOCKED,
    # "The counterparty's best price does not meet the PERCENT_PRICE filter limit":
    # OperationRejected. COIN-M has it as -4113.
    "-4131": _FOR_NOW,
    "-4113": _FOR_NOW,
    # "Price is higher than mark price multiplier cap", "... lower than ... floor": BadRequest
    "-4016": _FOR_NOW,
    "-4024": _FOR_NOW,
    # "Unable to fill": —
    "-2020": _FOR_NOW,
    # "User in liquidation mode now": OperationFailed
    "-2023": _FOR_NOW,
    # "Timestamp for this request is outside of the recvWindow": BadRequest in portfolio margin
    "-1021": Verdict.CLOCK_SKEWED,
    # "Internal error; unable to process your request": ExchangeError in portfolio margin. "An
    # unexpected response was received from the message bus. Execution status unknown." "Timeout
    # waiting for response from backend server. Send status unknown; execution status unknown."
    "-1001": _OPEN,
    "-1006": _OPEN,
    "-1007": _OPEN,
    # "Server is currently overloaded": OperationFailed, yet the page says that it is a failure
    "-1008": _LATER,
    # "This service is no longer available" (SERVICE_SHUTTING_DOWN): BadRequest. One server of many
    # says so while it is restarted, and the next request meets another one.
    "-1016": _LATER,
    # ME_RECVWINDOW_REJECT: OperationFailed, yet the matching engine has rejected it
    "-5028": _LATER,
}

PHRASES: Final[Mapping[str, Verdict]] = {
    # Spot's -1013 is all filters in one code. ccxt drops the code where it knows the words.
    # "Filter failure: PERCENT_PRICE", "... PERCENT_PRICE_BY_SIDE": InvalidOrder. LOT_SIZE and
    # NOTIONAL never pass by waiting and stay refused.
    "PERCENT_PRICE": _FOR_NOW,
    # "Market is closed. | The symbol is not trading.": MarketClosed
    "Market is closed": _FOR_NOW,
    # "Order book liquidity is less than LOT_SIZE filter minimum quantity": ccxt reads LOT_SIZE
    "Order book liquidity is": _FOR_NOW,
}
