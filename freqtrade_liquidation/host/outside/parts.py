"""freqtrade's pieces without its bot: first what closing needs, later what booking needs."""

import logging
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

from freqtrade.configuration import Configuration
from freqtrade.constants import Config
from freqtrade.exceptions import FreqtradeException, OperationalException
from freqtrade.exchange import Exchange
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import init_db
from freqtrade.resolvers import ExchangeResolver
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from freqtrade_liquidation.audit.engine import is_in_memory, sqlite_file
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.orders.trades import KnownTrade, open_trades
from freqtrade_liquidation.threads import bounded

logger = logging.getLogger(__name__)

STRATEGY: Final = Path(__file__).parent / "strategy"
CHANNELS: Final = ("telegram", "discord", "webhook", "api_server", "external_message_consumer")
OF_A_STRATEGY: Final = (
    "freqai",
    "stoploss",
    "trailing_stop",
    "trailing_stop_positive",
    "trailing_stop_positive_offset",
    "trailing_only_offset_is_reached",
    "use_custom_stoploss",
    "minimal_roi",
    "order_types",
    "order_time_in_force",
    "use_exit_signal",
    "exit_profit_only",
    "position_adjustment_enable",
)
"""Half of these may stand in the configuration and half in the user's strategy: together they fit,
alone they may not."""
PREPARED_WITHIN_S: Final = 1.5
TRADES_WITHIN_S: Final = 3.0


class PartMissing(LiquidationError):
    """A piece of freqtrade could not be built; says which, and why."""


def load_config(args: Mapping[str, Any]) -> Config:
    """The bot's configuration as the bot reads it: files, environment, options.

    :param args: as freqtrade's own parser gives them.
    :raises FreqtradeException: if it cannot be read.
    """
    config = Configuration({**args, "command": "trade"}, None).get_config()
    config["exchange"]["enable_ws"] = False  # no thread that streams candles
    config["cancel_open_orders_on_exit"] = False
    for channel in CHANNELS:  # the bot may be running: a second one on its token disturbs it
        if channel in config:
            config[channel] = {**config[channel], "enabled": False}
    return config


def open_exchange(config: Config) -> Exchange:
    """What closing needs, and nothing more: markets, no leverage tiers, no checks of a strategy.

    *config* keeps its credentials. Sends only questions, unless freqtrade's own class for the
    exchange sets the account's position mode on creation (bybit), as the bot does at each start.

    :raises PartMissing: if there are no markets to be had.
    """
    own = deepcopy(config)
    try:
        exchange = ExchangeResolver.load_exchange(
            own, exchange_config=own["exchange"], validate=False, load_leverage_tiers=False
        )
        exchange.reload_markets(True, load_leverage_tiers=False)
    except FreqtradeException as error:
        raise PartMissing(f"the exchange does not answer: {error}") from error
    if not exchange.markets:
        exchange.close()
        raise PartMissing("the exchange does not answer: its markets could not be loaded")
    return exchange


def stand_in(config: Config, exchange: Exchange) -> FreqtradeBot:
    """What some functions need of a bot, where there is none: exchange, settings, a state."""
    state = SimpleNamespace(name="not running here")
    return cast("FreqtradeBot", SimpleNamespace(config=config, exchange=exchange, state=state))


def read_trades(config: Config) -> tuple[KnownTrade, ...]:
    """freqtrade's open trades, from its database.

    freqtrade writes to it when it opens it, which another writer may hold up. Its session stands by
    then, and reads what the bot's own start has prepared.

    :raises PartMissing: if it does not answer in time.
    """
    try:
        try:
            bounded(lambda: init_db(config["db_url"]), timeout_s=PREPARED_WITHIN_S, name="init_db")
        except (OperationalError, TimeoutError) as error:
            logger.warning("freqtrade's database is read as it stands: %s", error)
        return bounded(lambda: open_trades(config), timeout_s=TRADES_WITHIN_S, name="trades")
    except Exception as error:
        text = str(error).splitlines()[0] if str(error) else ""
        raise PartMissing(
            f"freqtrade's trades cannot be read: {type(error).__name__}: {text}"
        ) from error


def build_bot(config: Config, pairs: Sequence[str]) -> FreqtradeBot:
    """freqtrade's real bot for its bookkeeping: no channel, no pairlist, no user's code.

    :param pairs: a whitelist, for freqtrade wants one.
    :raises PartMissing: if it cannot be built.
    """
    own = deepcopy(config)
    for key in OF_A_STRATEGY:
        own.pop(key, None)
    own |= {"strategy": "NeutralStrategy", "strategy_path": str(STRATEGY)}
    own |= {"recursive_strategy_search": False, "initial_state": "stopped"}
    own["pairlists"] = [{"method": "StaticPairList"}]
    own["exchange"]["pair_whitelist"] = list(pairs)
    own["exchange"]["pair_blacklist"] = []
    try:
        return FreqtradeBot(own)
    except Exception as error:
        raise PartMissing(f"freqtrade's bot could not be built: {error}") from error


def check_database(config: Mapping[str, Any]) -> None:
    """A wrong path must not look like a bot without positions.

    :raises OperationalException: if the database is in memory, or an SQLite file that is not there,
        or one that nothing here can speak with.
    """
    try:
        url = make_url(config["db_url"])
        url.get_dialect().import_dbapi()
    except (ArgumentError, ImportError) as error:
        raise OperationalException(f"db_url is no database address: {error}") from error
    if url.get_backend_name() != "sqlite":
        return
    if is_in_memory(config["db_url"]):
        raise OperationalException(
            "The bot's database is in its memory, where no other process sees it: use the bot's "
            "own commands."
        )
    file = sqlite_file(config["db_url"])
    if not file.is_file():
        raise OperationalException(
            f"There is no database {str(file)!r}. Name the bot's with --db-url, or run this "
            "where the bot runs, with its -c."
        )
