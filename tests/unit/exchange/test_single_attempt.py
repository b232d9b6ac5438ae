"""One call, one attempt: whatever freqtrade's class for the exchange overrides."""

import inspect
from typing import Any

import freqtrade.exchange
import pytest
from freqtrade.exceptions import RetryableOrderError, TemporaryError
from freqtrade.exchange import Exchange

from freqtrade_liquidation.exchange.single_attempt import asking_once

KINDS = sorted(
    (
        k
        for k in vars(freqtrade.exchange).values()
        if inspect.isclass(k) and issubclass(k, Exchange)
    ),
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["fetch_positions", "fetch_order", "cancel_order"])
def test_unanswered_call_is_one_request(kind: Any, method: str) -> None:
    """Hyperliquid's fetch_positions and three classes' fetch_order take no ``count=0``."""
    asked: list[str] = []

    class Api:
        def __getattr__(self, name: str) -> Any:
            def fail(*args: Any, **kwargs: Any) -> None:
                asked.append(name)
                raise freqtrade.exchange.exchange.ccxt.RequestTimeout(name)

            return fail

    exchange = object.__new__(kind)
    exchange._config = {"dry_run": False, "exchange": {}}
    exchange.trading_mode = "futures"
    exchange._ft_has = {}
    exchange.exchange_has = lambda endpoint: True
    exchange._api = Api()
    exchange.close = lambda: None  # its destructor
    arguments = () if method == "fetch_positions" else ("1", "BTC/USDT:USDT")
    with pytest.raises((TemporaryError, RetryableOrderError)):
        getattr(asking_once(exchange), method)(*arguments)
    most = 2 if kind.__name__ == "Krakenfutures" else 1  # it looks into a list for its own reasons
    assert 1 <= len(asked) <= most


def test_class_is_still_the_exchanges_own() -> None:
    exchange = object.__new__(freqtrade.exchange.Okx)
    exchange.close = lambda: None  # type: ignore[method-assign]
    assert isinstance(asking_once(exchange), freqtrade.exchange.Okx)
    assert type(exchange).__name__ == "Okx"
