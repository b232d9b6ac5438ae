"""A database may hold trades that the bot never bought, or more than it bought of them."""

import contextlib
import sqlite3
from typing import Any

import pytest

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration import command
from tests.integration.conftest import MakeBot, said
from tests.integration.test_liquidate_command import dead_bot

USERS_OWN = 1.0
CARRIED_OVER = [
    "UPDATE trades SET exchange = 'kraken'",
    "UPDATE orders SET order_id = 'OKRAKEN-' || order_id",
    "DELETE FROM orders WHERE ft_order_side = 'stoploss'",
]
"""From a bot on another exchange."""


def write(bot: BotProcess, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(bot.database)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def add_dry_run_order(bot: BotProcess) -> None:
    """As if the trade had begun in a dry-run, of the same amount."""
    with contextlib.closing(sqlite3.connect(bot.database)) as connection, connection:
        connection.row_factory = sqlite3.Row
        entry = "SELECT * FROM orders WHERE ft_order_side = 'buy'"
        row: dict[str, Any] = dict(connection.execute(entry).fetchone())
        row |= {"id": None, "order_id": "dry_run_buy_BTC/USDT_1"}
        values = ", ".join("?" * len(row))
        connection.execute(
            f"INSERT INTO orders ({', '.join(row)}) VALUES ({values})", [*row.values()]
        )
        connection.execute("UPDATE trades SET amount = amount * 2")


def held(exchange: PracticeExchange) -> float:
    return float(exchange.balances()["BTC"]["total"])


def test_trade_of_another_exchange_is_left_alone_and_told(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """The coins of its amount on this exchange are the user's."""
    bot = dead_bot(make_bot, pairs=1, futures=False)
    write(bot, *CARRIED_OVER)
    exchange.seed_balance("BTC", USERS_OWN)
    sells = len(exchange.fills(False))
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "its trade is of kraken, and this bot trades on binance: left alone" in done.stdout
    assert len(exchange.fills(False)) == sells
    assert held(exchange) == USERS_OWN
    assert [t["is_open"] for t in bot.open_trades()] == [1]


def test_trade_of_another_exchange_is_named_at_the_start(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = dead_bot(make_bot, pairs=1, futures=False)
    write(bot, *CARRIED_OVER, "UPDATE trades SET pair = 'ETH/USDT'")
    bot.start()
    words = "ETH/USDT: its trade is of kraken, and this bot trades on binance: left alone"
    bot.wait_for(lambda: words in said(bot), "the word of its start")


def test_spot_trade_in_the_database_of_a_futures_bot_is_left_alone(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = dead_bot(make_bot, pairs=1)
    write(bot, "UPDATE trades SET trading_mode = 'SPOT', pair = 'BTC/USDT'")
    exchange.clear_log()
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "its trade is of spot, and this bot trades futures: left alone" in done.stdout
    sent = [r["params"]["symbol"] for r in exchange.requests("/fapi/v1/order", method="POST")]
    assert sent == ["BTCUSDT"], "the account's own position"
    assert [(t["pair"], t["is_open"]) for t in bot.open_trades()] == [("BTC/USDT", 1)]


def test_no_more_coins_are_sold_than_the_trades_orders_have_bought(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = dead_bot(make_bot, pairs=1, futures=False)
    bought = held(exchange)
    write(bot, "UPDATE trades SET amount = 0.5")
    exchange.seed_balance("BTC", bought + USERS_OWN)
    done = command.run(bot, "liquidate", "--yes")
    assert "the bot's trade says 0.5 BTC, its orders have bought" in done.stdout
    assert held(exchange) == pytest.approx(USERS_OWN, abs=1e-5)


def test_trade_that_a_dry_run_began_is_closed_as_far_as_it_was_bought(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = dead_bot(make_bot, pairs=1, futures=False)
    add_dry_run_order(bot)
    exchange.seed_balance("BTC", held(exchange) + USERS_OWN)
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert held(exchange) == pytest.approx(USERS_OWN, abs=1e-5)
    assert exchange.open_orders(futures=False) == []
