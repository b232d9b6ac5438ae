"""Faults that a drill can be run with, by name."""

from typing import Any, Final

ORDER = r"/fapi/v1/order$"

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
        ({"kind": "hang", "path": r"/fapi/v[123]/(order|positionRisk|openOrders|openAlgo|batch)"},),
    ),
}
