"""How much each exchange takes: the limits that it publishes, and the user's own.

Listed is what a run that closes up to a hundred positions can reach. Most exchanges count each
endpoint by itself; a run asks few of them often, so that one limit for all reads comes close and is
never too high. Where an exchange raises a limit by trading volume, the lowest stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from freqtrade.exchange import Exchange

from freqtrade_liquidation.exchange.limiter import CANCEL, ORDER, READ, WRITE, Window
from freqtrade_liquidation.exchange.rules.kin import rule_for

Limit = tuple[float, int, str]
"""Seconds, how many in them, of what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One exchange's limits.

    :param source: the page that publishes them, and what of it is not reached.
    """

    futures: tuple[Limit, ...] = ()
    spot: tuple[Limit, ...] = ()
    source: str


PUBLISHED: Final[Mapping[str, Published]] = {
    "binance": Published(
        futures=((10.0, 300, ORDER), (60.0, 1200, ORDER)),
        spot=((10.0, 100, ORDER),),
        source="`rateLimits` of `exchangeInfo`; its weight a minute is five times what closing a "
        "hundred positions takes",
    ),
    "bybit": Published(
        futures=((1.0, 10, ORDER), (1.0, 10, CANCEL), (1.0, 50, READ)),
        spot=((1.0, 20, ORDER), (1.0, 20, CANCEL), (1.0, 50, READ)),
        source="V5 API, Rate Limit Rules, by account",
    ),
    "bitget": Published(
        futures=((1.0, 10, ORDER), (1.0, 10, CANCEL), (1.0, 10, READ)),
        spot=((1.0, 10, ORDER), (1.0, 10, CANCEL), (1.0, 20, READ)),
        source="API v2, page of each endpoint, by account",
    ),
    "gate": Published(
        futures=((1.0, 100, ORDER), (1.0, 200, CANCEL), (10.0, 200, READ)),
        spot=((1.0, 200, CANCEL), (10.0, 200, READ)),
        source="API v4, Frequency limit rule; 10 spot orders a second are counted by market",
    ),
    "bingx": Published(
        futures=((1.0, 10, ORDER), (1.0, 5, CANCEL), (1.0, 5, READ)),
        spot=((1.0, 5, ORDER), (1.0, 5, CANCEL), (1.0, 10, READ)),
        source="page of each endpoint, by account",
    ),
    "htx": Published(
        futures=((3.0, 72, WRITE), (3.0, 72, READ)),
        spot=((2.0, 100, ORDER), (2.0, 100, CANCEL)),
        source="USDT-margined contracts, API Rate Limit Illustration; spot, limits of endpoints",
    ),
    "okx": Published(
        source="V5 API, Rate Limits: 60 orders in 2 s by instrument, 1,000 by account; not reached"
    ),
    "hyperliquid": Published(
        source="Rate limits and user limits: a weight of 1,200 a minute, an order 1, a position "
        "list 2, an order list 20; not reached"
    ),
    "kraken": Published(
        spot=((40.0, 20, READ),),
        source="Spot REST rate limits: a counter of 20 that falls by 1 in 2 s (Intermediate); "
        "orders are counted by pair",
    ),
    "krakenfutures": Published(
        futures=((10.0, 45, WRITE), (10.0, 25, READ)),
        source="Futures REST rate limits: a cost of 500 in 10 s, 10 for an order or a cancel, 2 "
        "for a list",
    ),
    "bitmart": Published(
        spot=((2.0, 40, ORDER), (2.0, 40, CANCEL)),
        source="Rate Limit, spot trading, by account",
    ),
}
"""By ccxt's exchange id, for those that ccxt derives from it, too."""
NOT_KNOWN: Final = Published(source="not known")


def published(api: Any) -> Published:
    """The published limits of ccxt's exchange *api*."""
    return rule_for(PUBLISHED, api, NOT_KNOWN)


def limits_of(exchange: Exchange) -> list[Window]:
    """What holds for *exchange*: what it publishes, and the user's own ``rateLimit`` beside it."""
    return limits_for(exchange._config, exchange._api)


def limits_for(config: Mapping[str, Any], api: Any) -> list[Window]:
    """The same for freqtrade's *config* and ccxt's exchange *api*."""
    known = published(api)
    futures = config.get("trading_mode") == "futures"
    return [
        *_users_limit(config),
        *(
            Window(span_s=span_s, limit=limit, kind=kind)
            for span_s, limit, kind in (known.futures if futures else known.spot)
        ),
    ]


def users_limit(exchange: Exchange) -> list[Window]:
    """``rateLimit`` in *exchange*'s ccxt_config, if the user set one."""
    return _users_limit(exchange._config)


def _users_limit(config: Mapping[str, Any]) -> list[Window]:
    """ccxt reads it as milliseconds for each unit of weight and sleeps; we read it as what the user
    meant to allow: one request in so many milliseconds, of whatever weight."""
    block: dict[str, Any] = config["exchange"]
    settings = {**block.get("ccxt_config", {}), **block.get("ccxt_sync_config", {})}
    if not settings.get("rateLimit") or not settings.get("enableRateLimit", True):
        return []
    each_s = float(settings["rateLimit"]) / 1000
    return [Window(span_s=max(1.0, each_s), limit=max(1, int(1 / each_s + 1e-9)))]
