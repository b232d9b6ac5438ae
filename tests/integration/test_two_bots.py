"""Two bots on one account, a database each: what one has sold is none of the other's."""

import signal

import pytest

from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration import command
from tests.integration.conftest import MakeBot, runs, wait_until_invested


@pytest.mark.parametrize("futures", [False, True])
def test_sale_of_another_bot_is_not_taken_for_one_of_a_run_that_was_cut_off(
    exchange: PracticeExchange, make_bot: MakeBot, futures: bool
) -> None:
    """Its book was told flat, and the stops of what is open were cancelled."""
    pair = exchange.pairs(futures)[0]
    block = {"scope": "trades"}
    bot, another = (
        make_bot(futures=futures, pairs=1, folder=folder, liquidation=block)
        for folder in ("bot", "another")
    )
    for one in (bot, another):
        one.start()
        wait_until_invested(one, 1)
    another.send(signal.SIGTERM)
    assert another.wait(40) == 130
    exchange.add_fault("hang")
    bot.send(signal.SIGTERM)
    bot.wait_for(lambda: [run["state"] for run in runs(bot)] == ["in_progress"], "a run")
    bot.kill()
    exchange.clear_faults()
    sales, stops = len(exchange.fills(futures)), resting(exchange, futures)

    done = command.run(bot, "liquidate", "--yes")
    assert done.returncode == 3, done.stdout + done.stderr
    assert (
        f"{pair}: order {exchange.fills(futures)[-1]['orderId']} may be another bot's, or a run's"
        in (" ".join(done.stdout.split()))
    )
    assert len(exchange.fills(futures)) == sales
    assert resting(exchange, futures) == stops != []


def resting(exchange: PracticeExchange, futures: bool) -> list[str]:
    orders = exchange.open_algo_orders() if futures else exchange.open_orders(False)
    return [str(order["pair"]) for order in orders]
