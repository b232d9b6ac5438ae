"""What is told of a book that the limits leave no time for, and that the value told would do."""

import re
from typing import Any

import ccxt
import numpy as np
import pytest

from freqtrade_liquidation.analysis.pace import Pace
from freqtrade_liquidation.exchange.time_needed import too_slow


def told(exchange: str = "binance", *, rate_limit: float | None = None, **config: Any) -> str:
    """The words; empty = it fits."""
    settings = {} if rate_limit is None else {"rateLimit": rate_limit}
    whole = {"exchange": {"ccxt_config": settings}, "trading_mode": "futures", **config}
    api = getattr(ccxt, exchange)()
    return too_slow(whole, api, open_now=whole.get("open_now", 0), name="It") or ""


def value_in(words: str) -> float:
    found = re.search(r"Set timeout_seconds to (\d+)", words)
    assert found is not None, words
    return float(found[1])


@pytest.mark.parametrize("positions", [4, 10, 25])
@pytest.mark.parametrize("rate_limit", [200, 500, 1000])
@pytest.mark.parametrize(
    "book",
    [
        {"trading_mode": "futures"},
        {"trading_mode": "spot"},
        {"trading_mode": "spot", "order_types": {"stoploss_on_exchange": True}},
    ],
    ids=["futures", "spot", "spot with stops"],
)
def test_value_that_is_told_is_enough_by_the_formula_that_agrees_with_the_manager(
    positions: int, rate_limit: int, book: dict[str, Any]
) -> None:
    """And not twice what is needed."""
    words = told(rate_limit=rate_limit, max_open_trades=positions, **book)
    pace = Pace(
        rate_limit=1000 / rate_limit,
        futures=book["trading_mode"] == "futures",
        locked="order_types" in book,
    )
    needs_s = float(pace.time_to_flat_s(np.array([positions]))[0])
    if not words:
        assert needs_s <= 5.0
        return
    if "No timeout_seconds would do" in words:
        assert needs_s > 40.0
        return
    enough = value_in(words)
    assert needs_s < enough < 2 * needs_s + 2.5
    again = told(
        rate_limit=rate_limit,
        max_open_trades=positions,
        liquidation={"timeout_seconds": enough},
        **book,
    )
    assert again == ""


def test_where_no_value_would_do_it_is_told_how_many_fit() -> None:
    words = told(rate_limit=1000, max_open_trades=100)
    found = re.search(r"No timeout_seconds would do, 60 is the longest.*at most (\d+)", words)
    assert found is not None, words
    most = int(found[1])
    longest = {"timeout_seconds": 60}
    assert told(rate_limit=1000, max_open_trades=most, liquidation=longest) == ""
    assert told(rate_limit=1000, max_open_trades=most + 1, liquidation=longest) != ""


def test_published_limit_is_told_as_the_exchanges_own() -> None:
    """Bybit takes ten orders a second."""
    words = told("bybit", max_open_trades=60)
    assert words.startswith("Closing 60 position(s) within It's own limits takes 7 s")
    assert words.endswith("Set timeout_seconds to 7.")


def test_open_positions_count_beside_what_may_be_opened() -> None:
    """Positions of the account that no trade knows are closed, too."""
    assert told("bybit", max_open_trades=3) == ""
    assert "Closing 70 position(s)" in told("bybit", max_open_trades=3, open_now=70)
    assert told("bybit", max_open_trades=-1) == ""
