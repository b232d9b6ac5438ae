"""Maintenance window and latch set by another process: a bot that runs sees them."""

from functools import partial

import pytest

from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.host.control import Control
from tests.integration import command
from tests.integration.conftest import MakeBot, runs, said, wait_until_invested
from tests.integration.operator import Operator


@pytest.fixture
def operator() -> Operator:
    return Operator()


def says(bot: BotProcess, words: str) -> bool:
    return words in said(bot)


def test_window_opened_and_closed_by_the_command_line_is_told_by_the_bot_that_runs(
    make_bot: MakeBot,
) -> None:
    with make_bot(pairs=1) as bot:
        wait_until_invested(bot, 1)
        assert command.run(bot, "disarm", "--for", "15m").returncode == 0
        bot.wait_for(partial(says, bot, "DISARMED by cli"), "a word about the window", 20)
        assert command.run(bot, "arm").returncode == 0
        bot.wait_for(partial(says, bot, "Armed again"), "a word about its end", 20)


def test_latch_set_by_another_process_stops_the_bot_that_runs_and_closes_nothing(
    exchange: PracticeExchange, make_bot: MakeBot, operator: Operator
) -> None:
    """Such as a command that was killed between its latch and its first look."""
    with make_bot(pairs=1, api_server=operator.config) as bot:
        wait_until_invested(bot, 1)
        bot.wait_for(lambda: operator.state() == "running", "REST")
        audit = AuditLog(
            f"sqlite:///{bot.database}", fallback=bot.folder / "x.sqlite", masker=Masker()
        )
        Control(audit).latch(by="cli somebody", correlation_id=None)
        audit.close()
        bot.wait_for(lambda: operator.state() == "stopped", "a stopped bot", 20)
        assert says(bot, "Latched by cli somebody")
        assert runs(bot) == []
        assert len(exchange.positions()) == 1
        operator.ask("start")
        bot.wait_for(lambda: operator.state() == "running", "a bot that trades again", 20)
        assert operator.ask("liquidation", method="GET")["latched_by"] is None
