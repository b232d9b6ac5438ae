"""Exchanges that answer in words."""

from collections.abc import Mapping
from typing import Final

from freqtrade_liquidation.exchange.codes.verdict import Verdict

_OPEN, _LATER = Verdict.UNANSWERED, Verdict.NOT_ACTED
_BLOCKED, _FOR_NOW = Verdict.CLOSE_BLOCKED, Verdict.REFUSED_FOR_NOW

HYPERLIQUID: Final[Mapping[str, Verdict]] = {
    # Source: Hyperliquid, "Error responses"; ccxt hyperliquid.exceptions.
    # The position is zero or on the other side: InvalidOrder
    "Reduce only order would increase position": _BLOCKED,
    # InvalidOrder: nobody to match
    "Order could not immediately match": _FOR_NOW,
    "No liquidity available for market order": _FOR_NOW,
    # price bands: InvalidOrder or —
    "away from the reference price": _FOR_NOW,
    "price too far from oracle": _FOR_NOW,
    "price more aggressive than oracle": _FOR_NOW,
    "User or API Wallet": Verdict.ACCOUNT_REFUSED,  # "... does not exist": InvalidOrder
}

KRAKEN: Final[Mapping[str, Verdict]] = {
    # Source: Kraken, spot REST "Error messages"; ccxt kraken.exceptions.
    # the request timed out inside: —. Nothing says that nothing was done.
    "EService:Deadline elapsed": _OPEN,
    # "EService:Throttled: [UNIX timestamp]": —
    "EService:Throttled": _LATER,
    # "EService:Market in cancel_only mode", "... post_only mode", "... limit_only mode":
    # OnMaintenance
    "EService:Market in": _FOR_NOW,
    # the key lacks this endpoint's permission: PermissionDenied
    "EGeneral:Permission denied": Verdict.REFUSED,
}

KRAKENFUTURES: Final[Mapping[str, Verdict]] = {
    # Source: ccxt krakenfutures.exceptions and verify_order_action_success.
    # the position is zero, smaller or on the other side: ExchangeError
    "wouldNotReducePosition": _BLOCKED,
    # "outside of the price collar", "IOC order would not execute": InvalidOrder, OrderNotFillable
    "outsidePriceCollar": _FOR_NOW,
    "iocWouldNotExecute": _FOR_NOW,
    # ExchangeNotAvailable, yet the order was rejected; ContractUnavailable
    "marketSuspended": _FOR_NOW,
    "marketInactive": _FOR_NOW,
    "marketUnavailable": _FOR_NOW,
    "Server Error": _OPEN,  # ExchangeError
    "unknownError": _OPEN,  # ExchangeError
}
