"""What freqtrade knows of prices, without a request."""

from freqtrade.exchange import Exchange


def last_exit_price(exchange: Exchange, pair: str) -> float | None:
    """Quote currency: the price at which freqtrade last reckoned an exit of *pair*.

    ``None`` where it has not done so within its cache's five minutes.
    Source: ``Exchange.get_rate``, which would ask the exchange where the cache has none.
    """
    with exchange._cache_lock:
        rate = exchange._exit_rate_cache.get(pair)
    return None if rate is None else float(rate)
