"""BingX and BitMart: few codes that ccxt tells wrongly."""

from collections.abc import Mapping
from typing import Final

from freqtrade_liquidation.exchange.codes.verdict import Verdict

BINGX: Final[Mapping[str, Verdict]] = {
    # Source: BingX, "Error Codes" and the errors of each endpoint; ccxt bingx.exceptions.
    # "Incorrect apiKey": — before ccxt 4.5.90
    "100413": Verdict.ACCOUNT_REFUSED,
    # "Permission denied, the API key was created without the permission": PermissionDenied, but one
    # endpoint's
    "100004": Verdict.REFUSED,
    # "No position to close": InvalidOrder
    "101205": Verdict.NOTHING_TO_REDUCE,
    # "Order price deviates greatly from the market price": ExchangeError
    "100440": Verdict.REFUSED_FOR_NOW,
    # internal error, gateway timeout, server busy: ExchangeError
    "500": Verdict.UNANSWERED,
    "504": Verdict.UNANSWERED,
    "100503": Verdict.UNANSWERED,
}

BINGX_PHRASES: Final[Mapping[str, Verdict]] = {
    # 100410 is "system busy" (OperationFailed), too: only these words say that nothing was done.
    "frequency limit": Verdict.NOT_ACTED,
    "rate limited": Verdict.NOT_ACTED,
    "can retry after time": Verdict.NOT_ACTED,
    # 100421 is a pair that is not for the API (BadSymbol), and this
    "timestamp mismatch": Verdict.CLOCK_SKEWED,
}

BITMART: Final[Mapping[str, Verdict]] = {
    # Officially supported by freqtrade 2026.4. Source: BitMart, spot "Error Code"; ccxt
    # bitmart.exceptions.
    # "Header X-BM-TIMESTAMP range. Within a minute": AuthenticationError
    "30007": Verdict.CLOCK_SKEWED,
    # "Internal Server Error", "Spot wallet call fail", "Trading order failure": ExchangeError
    "59002": Verdict.UNANSWERED,
    "59003": Verdict.UNANSWERED,
    "59008": Verdict.UNANSWERED,
}
