"""What an operator is told about the exchange when the bot is armed."""

from typing import Any

import pytest

from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.exchange.rules.lists import order_questions
from freqtrade_liquidation.exchange.rules.shortcomings import shortcomings

SETUPS = {str(setup): setup for setup in setups()}
TOLD = {
    "binance futures isolated": [],
    "binance spot": ["stop-limit"],
    "bybit futures isolated": ["TWAP, iceberg and chase orders of its website"],
    "gate spot": ["needs a price", "stop-limit"],
    "hyperliquid futures isolated": ["needs a price"],
    "kraken spot": ["one request at a time"],
    "krakenfutures futures isolated": ["one request at a time"],
    "okx futures isolated": [],
}


@pytest.mark.parametrize("name", TOLD)
def test_what_the_exchange_cannot_do_is_told_and_no_more(name: str) -> None:
    exchange = Lab(SETUPS[name]).exchange
    told = shortcomings(exchange)
    assert len(told) == len(TOLD[name]), told
    for words, sentence in zip(TOLD[name], told, strict=True):
        assert words in sentence
    exchange._config["dry_run"] = True
    assert shortcomings(exchange) == []


def test_exchange_that_is_untested_and_finds_no_order_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exchange = Lab(SETUPS["kraken spot"]).exchange
    exchange._api.id = "somewhere"
    monkeypatch.setattr(exchange, "exchange_has", lambda endpoint: False)
    untested, lost, *_ = shortcomings(exchange)
    assert "does not officially support" in untested
    assert "a close whose answer is lost stays open in the report" in lost


@pytest.mark.parametrize(
    ("limit_ms", "most", "told"),
    [(None, 20, False), (50, 20, False), (200, 20, True), (3100, 1, True), (50, -1, False)],
)
def test_rate_limit_that_leaves_a_run_no_time_is_told(
    limit_ms: int | None, most: int, told: bool
) -> None:
    """freqtrade's documentation sets 3,100 ms for one exchange: two requests in five seconds."""
    exchange = Lab(SETUPS["bybit futures isolated"]).exchange
    settings = {} if limit_ms is None else {"rateLimit": limit_ms, "enableRateLimit": True}
    ours = {"max_open_trades": most, "exchange": {"name": "bybit", "ccxt_config": settings}}
    exchange._config = {**exchange._config, **ours}
    sentences = shortcomings(exchange)
    assert any("rateLimit" in sentence for sentence in sentences) is told
    exchange._config = {**exchange._config, "liquidation": {"timeout_seconds": 60.0}}
    assert not any("rateLimit" in sentence for sentence in shortcomings(exchange))


@pytest.mark.parametrize(("most", "told"), [(40, False), (51, True)])
def test_exchanges_own_limit_that_leaves_a_run_no_time_is_told(most: int, told: bool) -> None:
    """Bybit takes ten orders a second: the 51st leaves after five seconds."""
    exchange = Lab(SETUPS["bybit futures isolated"]).exchange
    exchange._config = {**exchange._config, "max_open_trades": most}
    assert any("Bybit's own limits" in sentence for sentence in shortcomings(exchange)) is told


def test_address_without_a_list_of_vp_and_twap_orders_is_told() -> None:
    """Binance's demo exchange: nothing is asked for at an address that is not there."""
    exchange = Lab(SETUPS["binance futures isolated"]).exchange
    api: Any = exchange._api
    asked = len(order_questions(exchange))
    api.urls = {"api": {name: url for name, url in api.urls["api"].items() if name != "sapi"}}
    [told] = shortcomings(exchange)
    assert "VP and TWAP" in told
    assert len(order_questions(exchange)) == asked - 1
