"""A stop that a run has put back is known to the next run, though nobody has booked it."""

from typing import Any

import pytest

from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration import command
from tests.integration.conftest import MakeBot, event_types
from tests.integration.test_liquidate_command import dead_bot, renew_lease

CLOSES: dict[bool, dict[str, Any]] = {
    False: {"path": "/api/v3/order$", "params": {"type": "MARKET"}, "code": -1013},
    True: {"path": "/fapi/v1/order$", "code": -4003},
}
USERS_OWN = 0.5


@pytest.mark.parametrize("futures", [False, True])
def test_stop_that_a_run_has_put_back_goes_with_its_position_in_the_next_run(
    exchange: PracticeExchange, make_bot: MakeBot, futures: bool
) -> None:
    """It rested on: later it would have sold what is the user's own, or it locked the coins."""
    block = {"scope": "trades"}
    bot = dead_bot(make_bot, pairs=1, futures=futures, liquidation=block)
    pair = exchange.pairs(futures)[0]
    exchange.seed_order(pair, "buy", USERS_OWN)
    [before] = stops(exchange, futures)
    refused = exchange.add_fault("error", method="POST", status=400, **CLOSES[futures])
    renew_lease(bot)  # so that nobody books before the bot
    assert command.run(bot, "liquidate", "--yes").returncode == 3
    [put_back] = stops(exchange, futures)
    assert put_back != before
    exchange.remove_fault(refused)

    renew_lease(bot)
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert stops(exchange, futures) == []
    assert held(exchange, futures) == pytest.approx(USERS_OWN, abs=1e-3)
    with bot:
        bot.wait_for(lambda: event_types(bot).count("liquidation_booked") == 2, "the booking")
    rows = bot.query("SELECT order_id, status FROM orders WHERE ft_order_side = 'stoploss'")
    assert [row["status"] for row in rows] == ["canceled", "canceled"]
    assert bot.open_trades() == []


def stops(exchange: PracticeExchange, futures: bool) -> list[str]:
    orders = exchange.open_algo_orders() if futures else exchange.open_orders(False)
    return [str(order["algoId" if futures else "orderId"]) for order in orders]


def held(exchange: PracticeExchange, futures: bool) -> float:
    if futures:
        return sum(float(position["amount"]) for position in exchange.positions().values())
    return float(exchange.balances(futures=False)["BTC"]["total"])


@pytest.mark.parametrize("is_alone", [True, False])
def test_stop_whose_put_back_was_never_answered_is_looked_for_by_the_next_run(
    exchange: PracticeExchange, make_bot: MakeBot, is_alone: bool
) -> None:
    """It rested for ever, and locked the coins. Where the user has one of the same terms, nothing
    tells which is the bot's: neither is touched."""
    bot = dead_bot(make_bot, pairs=1, futures=False)
    pair = exchange.pairs(futures=False)[0]
    exchange.add_fault("error", method="POST", status=400, **CLOSES[False])
    a_stop = {"type": "STOP_LOSS_LIMIT"}
    exchange.add_fault("drop_after", method="POST", path="/api/v3/order$", params=a_stop)
    exchange.add_fault("error", method="GET", path="/api/v3/openOrders$", status=503)
    renew_lease(bot)
    first = command.run(bot, "liquidate", "--yes")
    assert "HAS LOST ITS STOP" in first.stdout, first.stdout + first.stderr
    [put_back] = stops(exchange, futures=False)
    exchange.clear_faults()
    if not is_alone:
        [row] = exchange.open_orders(False)
        amount, price, trigger = (row[key] for key in ("origQty", "price", "stopPrice"))
        exchange.seed_balance("BTC", USERS_OWN + float(amount))
        exchange.seed_order(pair, "sell", amount, price, stop_price=trigger)

    renew_lease(bot)
    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == (0 if is_alone else 3), done.stdout + done.stderr
    left = stops(exchange, futures=False)
    assert left == [] if is_alone else len(left) == 2
    words = f"one of orders {', '.join(sorted(left))} may be the stop that was put back: look it up"
    assert (words in " ".join(done.stdout.split())) is not is_alone
    assert put_back not in left or not is_alone
