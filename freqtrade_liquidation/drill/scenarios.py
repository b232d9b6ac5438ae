"""Faults that a drill can be run with, by name."""

from typing import Any, Final

from freqtrade_liquidation.drill.exchange.facades import facade_of
from freqtrade_liquidation.drill.exchange.refusals import words_of

ORDER: Final = "order"
PRIVATE: Final = "private"
"""What a rule's path stands for; each exchange has its own."""

SCENARIOS: Final[dict[str, tuple[str, tuple[dict[str, Any], ...]]]] = {
    "none": ("everything works", ()),
    "lost-answer": (
        "the first closing order executes, but its answer is lost",
        ({"kind": "drop_after", "method": "POST", "path": ORDER, "times": 1},),
    ),
    "dropped": (
        "the first closing order's connection breaks before it executes",
        ({"kind": "drop_before", "method": "POST", "path": ORDER, "times": 1},),
    ),
    "partial": (
        "the first closing order fills by a third",
        ({"kind": "partial", "method": "POST", "path": ORDER, "times": 1, "share": 0.33},),
    ),
    "rate-limit": (
        "the first two closing orders get 429, try again in a second",
        (
            {
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
    ),
    "price-band": (
        "the first two closing orders are outside of the price band, for a moment",
        (
            {
                "kind": "error",
                "method": "POST",
                "path": ORDER,
                "times": 2,
                "code": -4131,
                "label": "PRICE_TOO_DEVIATED",
                "msg": words_of(-4131),
            },
        ),
    ),
    "refused": (
        "one pair's market is closed: its position must remain, with its stop, and be told",
        (
            {
                "kind": "error",
                "method": "POST",
                "path": ORDER,
                "symbol": "BTCUSDT",
                "status": 400,
                "code": -4108,
                "msg": "This contract is being settled.",
            },
        ),
    ),
    "hang": (
        "the exchange accepts every private request and never answers",
        ({"kind": "hang", "path": PRIVATE},),
    ),
}


def rules_of(name: str, exchange: str) -> list[dict[str, Any]]:
    """:return: the fault rules of the scenario *name* on *exchange*, for ``add_fault``."""
    facade = facade_of(exchange)
    paths = {ORDER: facade.order_path, PRIVATE: facade.private_path}
    rules = [{**rule, "path": paths[rule["path"]]} for rule in SCENARIOS[name][1]]
    if not facade.sends_retry_after:
        rules = [{key: rule[key] for key in rule if key != "headers"} for rule in rules]
    return rules
