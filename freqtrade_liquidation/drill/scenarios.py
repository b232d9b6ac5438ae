"""Faults that a drill can be run with, by name."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from freqtrade_liquidation.drill.exchange.facades import facade_of
from freqtrade_liquidation.drill.exchange.refusals import words_of

ORDER: Final = "order"
PRIVATE: Final = "private"
"""What a rule's path stands for; each exchange has its own."""


class Leaves(StrEnum):
    """The positions that a scenario is meant to leave open."""

    NONE = "none"
    FIRST = "first"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What goes wrong.

    :param text: the fault in words.
    :param rule: for ``add_fault``; its path is one of those above. ``None`` = nothing goes wrong.
    :param of_first: the rule strikes the first pair only.
    """

    text: str
    rule: dict[str, Any] | None = None
    of_first: bool = False
    leaves: Leaves = Leaves.NONE


SCENARIOS: Final[dict[str, Scenario]] = {
    "none": Scenario(text="everything works"),
    "lost-answer": Scenario(
        text="the first closing order executes, but its answer is lost",
        rule={"kind": "drop_after", "method": "POST", "path": ORDER, "times": 1},
    ),
    "dropped": Scenario(
        text="the first closing order's connection breaks before it executes",
        rule={"kind": "drop_before", "method": "POST", "path": ORDER, "times": 1},
    ),
    "partial": Scenario(
        text="the first closing order fills by a third",
        rule={"kind": "partial", "method": "POST", "path": ORDER, "times": 1, "share": 0.33},
    ),
    "rate-limit": Scenario(
        text="the first two closing orders get 429, try again in a second",
        rule={
            "kind": "error",
            "method": "POST",
            "path": ORDER,
            "times": 2,
            "status": 429,
            "code": -1003,
            "msg": "Too many requests; current limit is exceeded.",
            "headers": {"Retry-After": "1"},
        },
    ),
    "price-band": Scenario(
        text="the first two closing orders are outside of the price band, for a moment",
        rule={
            "kind": "error",
            "method": "POST",
            "path": ORDER,
            "times": 2,
            "code": -4131,
            "label": "PRICE_TOO_DEVIATED",
            "msg": words_of(-4131),
        },
    ),
    "refused": Scenario(
        text="the first pair's market is closed: its position must remain, with its stop, "
        "and be told",
        rule={
            "kind": "error",
            "method": "POST",
            "path": ORDER,
            "status": 400,
            "code": -4108,
            "msg": "This contract is being settled.",
        },
        of_first=True,
        leaves=Leaves.FIRST,
    ),
    "hang": Scenario(
        text="the exchange accepts every private request and never answers: every position must "
        "remain, with its stop, and be told",
        rule={"kind": "hang", "path": PRIVATE},
        leaves=Leaves.ALL,
    ),
}


def rules_of(name: str, exchange: str, first: str = "BTC/USDT:USDT") -> list[dict[str, Any]]:
    """:return: the fault rules of the scenario *name* on *exchange*, for ``add_fault``.

    :param first: the first pair of the drill.
    """
    scenario = SCENARIOS[name]
    if scenario.rule is None:
        return []
    facade = facade_of(exchange)
    paths = {ORDER: facade.order_path, PRIVATE: facade.private_path}
    rule = {**scenario.rule, "path": paths[scenario.rule["path"]]}
    if scenario.of_first:
        rule["symbol"] = first.partition(":")[0].replace("/", "")
    if not facade.sends_retry_after:
        rule.pop("headers", None)
    return [rule]
