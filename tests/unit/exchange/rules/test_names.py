"""Client order ids, as each exchange takes them and gives them back."""

import re
import uuid
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from freqtrade_liquidation.exchange.rules.names import client_order_id, is_ours, is_same

FORMS = {
    "binance": r"[.A-Z:/a-z0-9_-]{1,36}",
    "binanceus": r"[.A-Z:/a-z0-9_-]{1,36}",
    "binanceusdm": r"[.A-Z:/a-z0-9_-]{1,36}",
    "bingx": r"[a-z0-9_-]{1,40}",
    "bitmart": r"[A-Za-z0-9]{1,32}",
    "bitget": r"[A-Za-z0-9_:#,./-]{1,32}",
    "bitvavo": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "bybit": r"[A-Za-z0-9_-]{1,36}",
    "bybiteu": r"[A-Za-z0-9_-]{1,36}",
    "gate": r"t-[0-9A-Za-z_.-]{1,28}",
    "gateeu": r"t-[0-9A-Za-z_.-]{1,28}",
    "htx": r"[A-Za-z0-9_-]{1,64}",
    "hyperliquid": r"0x[0-9a-f]{32}",
    "kraken": r"[\x21-\x7e]{1,18}",
    "krakenfutures": r"[A-Za-z0-9-]{1,100}",
    "kucoin": r"[A-Za-z0-9_-]{1,40}",
    "myokx": r"[A-Za-z0-9]{1,32}",
    "okx": r"[A-Za-z0-9]{1,32}",
}
"""What each exchange's API page allows."""


@pytest.mark.parametrize("exchange", [name for name in FORMS if hasattr(ccxt, name)])
def test_name_has_the_exchanges_form_and_is_known_again(exchange: str) -> None:
    api: Any = getattr(ccxt, exchange)()
    names = {client_order_id(api, uuid.uuid4().hex) for _ in range(50)}
    assert len(names) == 50
    for name in names:
        assert re.fullmatch(FORMS[exchange], name), name
        assert is_ours(name)
        assert is_same(name, name)


@pytest.mark.parametrize(
    "name", [None, "", "x-TKT5PX2Fftl0123456789abcde", "0x" + 32 * "a", "ftl", "t-web"]
)
def test_names_of_others_are_not_ours(name: str | None) -> None:
    assert not is_ours(name)
    assert not is_same(name, "ftl0123456789abcde")


def test_what_the_exchange_puts_in_front_or_writes_large_is_the_same_name() -> None:
    assert is_same("t-ftl0123456789abcde", "ftl0123456789abcde")
    assert is_same("FTL0123456789ABCDE", "ftl0123456789abcde")


def test_exchange_of_one_name_only_gets_the_shortest_form() -> None:
    assert client_order_id(SimpleNamespace(id="new"), "0" * 32) == "ftl" + "0" * 15
