"""Two hundred positions at once."""

import signal
from collections import Counter
from pathlib import Path

from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings
from tests.integration.conftest import events, runs, wait_until_invested
from tests.integration.forking import ForkedBot
from tests.integration.test_main_job import assert_chain, closing_requests

POSITIONS = 200
OF_THE_BOT = 5


def test_two_hundred_positions_are_closed_once_each_booked_and_recorded(
    tmp_path: Path,
) -> None:
    """Most of them unknown to the bot; flat and on record, with one closing order for each."""
    with PracticeExchange(Settings(moving_ratio=0.0, synthetic_markets=POSITIONS)) as exchange:
        pairs = exchange.pairs(futures=True)[:POSITIONS]
        config = exchange.freqtrade_config(
            pairs=pairs[:OF_THE_BOT],
            ccxt={"enableRateLimit": False},
            liquidation={"timeout_seconds": 30},  # how long it takes is the benchmark's question
        )
        with ForkedBot(tmp_path / "bot", config) as bot:
            wait_until_invested(bot, OF_THE_BOT)
            for pair in pairs[OF_THE_BOT:]:
                exchange.seed_position(pair, exchange.amount_for(pair, 100))
            assert len(exchange.positions()) == POSITIONS
            exchange.set_latency(100)
            exchange.clear_log()
            bot.send(signal.SIGTERM)
            code = bot.wait(30)
        assert exchange.positions() == {}, bot.log_tail()
        assert exchange.open_algo_orders() == []
        assert code == 130, bot.log_tail()
        closes = Counter(request["params"]["symbol"] for request in closing_requests(exchange))
        assert set(closes.values()) == {1}
        assert len(closes) == POSITIONS
    (run,) = runs(bot)
    assert (run["state"], run["positions_closed"]) == ("completed", POSITIONS)
    told = [event["event_type"] for event in events(bot)]
    assert told.count("liquidation_position_closed") == POSITIONS
    assert told.count("liquidation_close_intended") == POSITIONS
    assert_chain(bot)
