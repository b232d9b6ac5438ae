"""The main job on Gate: a real bot, contracts of other sizes than 1, stops in their own list."""

import signal
from collections.abc import Iterator

import pytest

from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings
from tests.integration.conftest import MakeBot, event_types, runs, wait_until_invested

ORDERS = "/futures/usdt/orders$"


@pytest.fixture
def exchange() -> Iterator[PracticeExchange]:
    """Fixed prices: profits can be checked to the cent."""
    settings = Settings(exchange="gate", moving_ratio=0.0, synthetic_markets=1)
    with PracticeExchange(settings) as running:
        yield running


def test_book_is_flat_and_booked_to_the_cent_through_lost_answers_and_part_fills(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    """Four positions of the bot with stops, one that it does not know, funding paid and received;
    one close loses its answer, one fills in part, one is turned away by the rate limit."""
    pairs = exchange.pairs()[:4]
    stranger = "P001/USDT:USDT"
    funding = dict.fromkeys(pairs, 0.0) | {pairs[0]: -0.25, pairs[1]: 0.75}
    bot = make_bot(pairs=4)
    with bot:
        wait_until_invested(bot, 4)
        assert len(exchange.open_algo_orders()) == 4
        exchange.seed_position(stranger, exchange.amount_for(stranger, 300))
        for pair in pairs:
            exchange.set_price(pair, exchange.price(pair) * 1.01)
            exchange.seed_funding(pair, funding[pair])
        close = {"method": "POST", "path": ORDERS, "times": 1}
        exchange.add_fault("drop_after", symbol="BTCUSDT", **close)
        exchange.add_fault("partial", symbol="ETHUSDT", share=0.4, **close)
        exchange.add_fault(
            "error", symbol="SOLUSDT", status=429, label="TOO_MANY_REQUESTS", msg="slow", **close
        )
        exchange.set_latency(50)
        exchange.clear_log()
        bot.send(signal.SIGTERM)
        code = bot.wait(20)
    assert code == 130, bot.log_tail()
    assert exchange.positions() == {}
    assert exchange.open_orders() == exchange.open_algo_orders() == []
    trades = {trade["pair"]: trade for trade in bot.query("SELECT * FROM trades")}
    assert trades.keys() == set(pairs)
    for pair, trade in trades.items():
        assert (trade["is_open"], trade["exit_reason"]) == (0, "emergency_liquidation")
        fills = [fill for fill in exchange.fills() if fill["pair"] == pair]
        earned = sum(float(f["realizedPnl"]) - float(f["commission"]) for f in fills)
        assert trade["close_profit_abs"] == pytest.approx(earned + funding[pair], abs=0.005), pair
    assert bot.query("SELECT * FROM orders WHERE ft_is_open = 1") == []
    (run,) = runs(bot)
    assert (run["state"], run["positions_closed"]) == ("completed", 5)
    closes = [r["params"] for r in exchange.requests(ORDERS[:-1], method="POST")]
    assert all(sent["reduce_only"] == "true" for sent in closes)
    assert len(closes) == 7, "five positions; one in two parts, one sent again after its refusal"
    assert "liquidation_completed" in event_types(bot)
