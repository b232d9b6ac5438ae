"""What the practice exchange answers when it says no: Binance's codes and words.

They are the engine's, too; another façade puts its own exchange's in their place.
"""

from typing import Any, Final


class Refusal(Exception):
    """A request that was refused, and therefore not executed.

    :param code: Binance's error code, negative.
    :param status: the HTTP status it travels with.
    :param label: Gate's error label, where the code alone does not tell it.
    """

    def __init__(self, code: int, message: str, status: int = 400, label: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.label = label
        self.message = message
        self.status = status

    def to_json(self) -> dict[str, Any]:
        """:return: the body that Binance sends."""
        return {"code": self.code, "msg": self.message}


_TEXTS: Final[dict[int, str]] = {
    -1021: "Timestamp for this request is outside of the recvWindow.",
    -1022: "Signature for this request is not valid.",
    -1102: "Mandatory parameter was not sent, was empty/null, or malformed.",
    -1111: "Precision is over the maximum defined for this asset.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1121: "Invalid symbol.",
    -2011: "Unknown order sent.",
    -2013: "Order does not exist.",
    -2014: "API-key format invalid.",
    -2015: "Invalid API-key, IP, or permissions for action.",
    -2019: "Margin is insufficient.",
    -2020: "Unable to fill.",
    -2021: "Order would immediately trigger.",
    -2022: "ReduceOnly Order is rejected.",
    -4003: "Quantity less than or equal to zero.",
    -4004: "Quantity less than min quantity.",
    -4005: "Quantity greater than max quantity.",
    -4014: "Price not increased by tick size.",
    -4016: "Price is higher than mark price multiplier cap.",
    -4024: "Price is lower than mark price multiplier floor.",
    -4028: "Leverage is not valid.",
    -4046: "No need to change margin type.",
    -4047: "Margin type cannot be changed if there exists open orders.",
    -4048: "Margin type cannot be changed if there exists position.",
    -4059: "No need to change position side.",
    -4082: "Invalid number of batch place orders.",
    -4116: "ClientOrderId is duplicated.",
    -4118: "ReduceOnly Order Failed. Please check your existing position and open orders",
    -4120: "Order type not supported for this endpoint. Please use the Algo Order API endpoints.",
    -4131: "The counterparty's best price does not meet the PERCENT_PRICE filter limit",
    -4171: "No need to change multi-assets mode.",
    -5022: "Due to the order could not be executed as maker, the Post Only order will be rejected.",
}


def words_of(code: int) -> str:
    """:return: Binance's own words for *code*."""
    return _TEXTS.get(code, "Request rejected.")


def refuse(code: int, message: str | None = None, status: int = 400) -> Refusal:
    """:return: the refusal of *code* with Binance's own words, unless *message* replaces them."""
    return Refusal(code, message or words_of(code), status)


def filter_failure(name: str) -> Refusal:
    """:return: spot's answer to an order that breaks the filter *name*."""
    return Refusal(-1013, f"Filter failure: {name}")


def insufficient_balance() -> Refusal:
    """:return: spot's answer to an order that the free balance does not cover."""
    return Refusal(-2010, "Account has insufficient balance for requested action.")
