"""What an operator is told about the exchange when the bot is armed."""

import pytest

from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.host.exchanges.shortcomings import shortcomings

SETUPS = {str(setup): setup for setup in setups()}
TOLD = {
    "binance futures isolated": [],
    "binance spot": ["stop-limit"],
    "bybit futures isolated": [],
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
