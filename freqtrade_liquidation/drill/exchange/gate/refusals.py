"""How Gate says no: a label and a message, for the engine's codes."""

from collections.abc import Mapping
from typing import Any, Final

from freqtrade_liquidation.drill.exchange.refusals import Refusal

LABELS: Final[Mapping[int, tuple[str, str]]] = {
    -1000: ("SERVER_ERROR", "Internal server error"),
    -1003: ("TOO_MANY_REQUESTS", "Request Rate limit Exceeded"),
    -1015: ("TOO_MANY_REQUESTS", "Request Rate limit Exceeded"),
    -1021: ("REQUEST_EXPIRED", "gap between request Timestamp and server time exceeds 60"),
    -1022: ("INVALID_SIGNATURE", "Signature mismatch"),
    -1102: ("INVALID_PARAM_VALUE", "invalid argument"),
    -1111: ("INVALID_PARAM_VALUE", "invalid argument: size"),
    -1121: ("CONTRACT_NOT_FOUND", ""),
    -2011: ("ORDER_FINISHED", ""),
    -2013: ("ORDER_NOT_FOUND", ""),
    -2014: ("MISSING_REQUIRED_HEADER", "Missing required header: KEY"),
    -2015: ("INVALID_KEY", "Invalid key provided"),
    -2019: ("INSUFFICIENT_AVAILABLE", "balance not enough"),
    -4003: ("INVALID_PARAM_VALUE", "invalid argument: size"),
    -4004: ("SIZE_TOO_SMALL", ""),
    -4005: ("SIZE_TOO_LARGE", ""),
    -4014: ("INVALID_PARAM_VALUE", "invalid argument: price"),
    -4028: ("LEVERAGE_TOO_HIGH", ""),
    -4059: ("NO_CHANGE", ""),
    -4108: ("CONTRACT_IN_DELISTING", ""),
    -4116: ("REPEATED_CREATION", "text already used by an open order"),
    -5022: ("ORDER_POC_IMMEDIATE", ""),
}
"""Label and message, by the engine's code. Source of the labels: Gate API v4, Label list."""


def deny(label: str, message: str = "", status: int = 400) -> Refusal:
    """:return: the refusal with Gate's *label*."""
    return Refusal(-1000, message, status, label)


def refusal_json(refusal: Refusal) -> dict[str, Any]:
    """:return: the body that Gate sends."""
    if refusal.label:
        return {"label": refusal.label, "message": refusal.message}
    if refusal.status == 404:
        return {"label": "NOT_FOUND", "message": refusal.message}
    label, message = LABELS.get(refusal.code, ("INVALID_PARAM_VALUE", refusal.message))
    return {"label": label, "message": message or refusal.message}


def label_of(code: int) -> str:
    """:return: the label that fits the engine's *code*."""
    return LABELS.get(code, LABELS[-1000])[0]
