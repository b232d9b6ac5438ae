"""A key that the exchange no longer takes, or not for orders: what an operator is shown of it."""

from typing import Any

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration import command
from tests.integration.conftest import MakeBot, wait_until_invested
from tests.integration.operator import Operator

REFUSED = {"code": -2015, "status": 401, "msg": "Invalid API-key, IP, or permissions for {api_key}"}
"""An exchange that echoes the key, as some do."""
WORDS = "binance -2015 Invalid API-key, IP, or permissions for ***"


def invested(make_bot: MakeBot, operator: Operator) -> BotProcess:
    bot = make_bot(pairs=2, api_server=operator.config).start()
    wait_until_invested(bot, 2)
    bot.wait_for(lambda: operator.state() is not None, "REST")
    return bot


def shown(operator: Operator) -> dict[str, Any]:
    standing: dict[str, Any] = operator.ask("liquidation", method="GET")
    assert standing["armed"] is True
    exchange: dict[str, Any] = standing["exchange"]
    return exchange


def refused(operator: Operator) -> list[tuple[str, str]]:
    return [(one["request"], one["error"]) for one in shown(operator)["refused"]]


def status(bot: BotProcess) -> str:
    ended = command.run(bot, "status")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Armed" in ended.stdout
    assert "not believed" not in ended.stdout
    return ended.stdout


def test_key_that_is_refused_from_now_on_is_told_and_a_new_good_answer_ends_it(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    operator = Operator()
    bot = invested(make_bot, operator)
    bot.wait_for(lambda: "The exchange answered a signed request" in status(bot), "a good answer")
    assert shown(operator)["refused"] == []
    fault = exchange.add_fault("error", path="^/fapi/v[0-9]/", method="GET", **REFUSED)
    bot.wait_for(lambda: refused(operator) == [("read", WORDS)], "the refusal")
    bot.wait_for(lambda: "WARNING" in status(bot), "the refusal in another process")
    told = status(bot)
    assert "WARNING: the exchange refused a signed question" in told
    assert f"has answered none well since: {WORDS}" in told
    assert "The last good answer to any signed request came" in told
    key = exchange.freqtrade_config(pairs=[])["exchange"]["key"]
    assert key not in told + str(bot.query("SELECT answers FROM liquidation_lease"))
    exchange.remove_fault(fault)
    bot.wait_for(lambda: refused(operator) == [], "an answer")
    bot.wait_for(lambda: "WARNING" not in status(bot), "an answer in another process")


def test_key_that_may_only_read_is_told_while_its_questions_are_answered(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    operator = Operator()
    bot = invested(make_bot, operator)
    exchange.add_fault("error", path="^/fapi/v[0-9]/", method="POST", **REFUSED)
    assert shown(operator)["refused"] == []
    operator.ask("forceexit", {"tradeid": "all"})
    bot.wait_for(lambda: refused(operator) == [("write", WORDS)], "the refusal")
    before = len(exchange.requests("/fapi/v", method="GET"))
    bot.wait_for(
        lambda: len(exchange.requests("/fapi/v", method="GET")) > before + 3, "further questions"
    )
    assert refused(operator) == [("write", WORDS)], "a good read does not hide it"
    assert shown(operator)["answered_s_ago"] <= 30
    bot.wait_for(lambda: "refused a signed order or change" in status(bot), "it in another process")


def test_reload_forgets_no_refusal_of_the_same_key(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    operator = Operator()
    bot = invested(make_bot, operator)
    exchange.add_fault("error", path="^/fapi/v[0-9]/", method="POST", **REFUSED)
    operator.ask("forceexit", {"tradeid": "all"})
    bot.wait_for(lambda: refused(operator) == [("write", WORDS)], "the refusal")
    built = bot.log_file.read_text().count("Using Exchange")
    operator.ask("reload_config")
    bot.wait_for(lambda: bot.log_file.read_text().count("Using Exchange") > built, "the reload")
    bot.wait_for(lambda: operator.state() == "running", "the new bot")
    assert refused(operator) == [("write", WORDS)]
