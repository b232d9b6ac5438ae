"""freqtrade's loop beside a run: it waits, and what is left of it leaves the run's orders alone."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.enums import State, TradingMode
from freqtrade.exceptions import InsufficientFundsError, TemporaryError
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Trade
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from freqtrade_liquidation.host.bot import LiquidatingBot
from freqtrade_liquidation.host.protection import Protection
from freqtrade_liquidation.model import Request

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


@pytest.fixture
def protection() -> Protection:
    return Protection()


@pytest.fixture
def bot(protection: Protection) -> LiquidatingBot:
    """Without exchange and database: only what is ours."""
    bare: Any = LiquidatingBot.__new__(LiquidatingBot)
    bare._protection, bare._built, bare._state = protection, False, State.RUNNING
    bare.wake = threading.Event()
    bare.trading_mode = TradingMode.FUTURES
    bare.config, bare._exchange, bare._noted = {"dry_run": True}, None, threading.local()
    protection._bot = bare
    return bare  # type: ignore[no-any-return]


@pytest.fixture
def passed_on(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reached freqtrade."""
    calls: list[str] = []
    for name in ("execute_trade_exit", "create_stoploss_order", "handle_onexchange_order"):

        def passed(*args: Any, name: str = name, **kwargs: Any) -> bool:
            calls.append(name)
            return True

        monkeypatch.setattr(FreqtradeBot, name, passed)
    monkeypatch.setattr(Trade, "commit", lambda: calls.append("commit"))
    return calls


def try_all(bot: LiquidatingBot, pair: str) -> None:
    trade: Any = SimpleNamespace(pair=pair)
    bot.execute_trade_exit(trade, 1.0, None)
    bot.create_stoploss_order(trade, 1.0)
    bot.handle_onexchange_order(trade)


def test_orders_of_a_pair_that_a_run_closes_are_left_to_it(
    bot: LiquidatingBot, protection: Protection, passed_on: list[str]
) -> None:
    protection._liquidator.turns.enter(
        Request(trigger="rest", pairs=frozenset({BTC})), None, wait_turn=False
    )
    protection.door.bar({BTC})
    try_all(bot, BTC)
    assert passed_on == []
    try_all(bot, ETH)
    assert len(passed_on) == 4, "another pair's are freqtrade's business"


def test_rest_of_a_pass_that_a_run_overtook_places_nothing(
    bot: LiquidatingBot, protection: Protection, passed_on: list[str]
) -> None:
    """The run is over and the bot stopped; the pass began before it and is still under way."""
    protection.door.bar()
    protection.after.stopped_by_us = True
    bot.set_state(State.STOPPED)
    try_all(bot, BTC)
    assert passed_on == []
    bot.set_state(State.PAUSED)
    try_all(bot, BTC)
    assert len(passed_on) == 4, "not flat: freqtrade goes on managing exits"


def test_no_pass_begins_while_a_run_closes_the_whole_book(
    bot: LiquidatingBot, protection: Protection, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[str] = []
    monkeypatch.setattr(FreqtradeBot, "process", lambda self: passes.append("pass"))
    turn = protection._liquidator.turns.enter(Request(trigger="rest"), None, wait_turn=False).turn
    turn.done.set_result(None)  # type: ignore[arg-type]
    bot.process()
    assert passes == []
    protection._liquidator.turns.leave(turn)
    bot.process()
    assert passes == ["pass"]


@pytest.mark.parametrize("error", [ObjectDeletedError, StaleDataError])
def test_trade_that_is_gone_under_the_loop_does_not_end_the_process(
    bot: LiquidatingBot, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """freqtrade deletes a trade whose only entry was cancelled, and the run books by its code."""
    gone = Exception.__new__(error)
    rolled_back: list[bool] = []

    def process(self: Any) -> None:
        raise gone

    monkeypatch.setattr(FreqtradeBot, "process", process)
    monkeypatch.setattr(Trade, "rollback", lambda: rolled_back.append(True))
    bot.process()
    assert rolled_back == [True]


def test_entry_that_its_process_gave_up_stays_in_the_air_since_then(
    bot: LiquidatingBot, protection: Protection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timeout(*args: Any, **kwargs: Any) -> bool:
        raise TimeoutError

    alone = SimpleNamespace(refuse_entry=lambda pair, audit: None)
    monkeypatch.setattr(Protection, "neighbours", alone)
    monkeypatch.setattr(Protection, "audit", None)
    monkeypatch.setattr(FreqtradeBot, "execute_entry", timeout)
    with pytest.raises(TimeoutError):
        bot.execute_entry(BTC, 100.0)
    (note,) = protection.door.in_air()
    assert note.let_go_at is not None
    later = note.let_go_at + 100.0
    assert note.out_since(later) == note.let_go_at, "no later run waits for it anew"


def test_signal_while_the_neighbours_are_asked_leaves_no_entry_in_the_air(
    bot: LiquidatingBot, protection: Protection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was sent; an entry that nobody lets go of would keep the book from being flat."""

    def interrupted(pair: str, audit: Any) -> str | None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Protection, "neighbours", SimpleNamespace(refuse_entry=interrupted))
    monkeypatch.setattr(Protection, "audit", None)
    with pytest.raises(KeyboardInterrupt):
        bot.execute_entry(BTC, 100.0)
    assert protection.door.in_air() == ()


@pytest.mark.parametrize(
    ("answer", "placed", "in_air"),
    [
        ({"id": "1"}, True, 0),
        (InsufficientFundsError("balance"), False, 0),
        (TemporaryError("timeout"), False, 1),
    ],
    ids=["placed", "refused", "not answered"],
)
def test_stop_is_committed_at_once_and_on_spot_noted_until_its_fate_is_known(
    bot: LiquidatingBot, monkeypatch: pytest.MonkeyPatch, answer: Any, placed: bool, in_air: int
) -> None:
    """A signal before freqtrade's own commit would leave a stop over coins of the user's own. A
    refusal is an end: noted ever again, it would hide the order whose answer was lost."""
    seen: list[Any] = []
    bot.trading_mode = TradingMode.SPOT
    bot.config = {"dry_run": False}
    door = bot._protection.door

    def create_stoploss(**kwargs: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    exchange: Any = SimpleNamespace(
        _api=SimpleNamespace(id="binance"), _api_async=SimpleNamespace(), _config={"db_url": "x"},
        create_order=None, create_stoploss=create_stoploss, _get_params=None,
        _get_stop_params=None,
    )  # fmt: skip
    bot.exchange = exchange

    def place(self: Any, trade: Any, stop_price: float) -> bool:
        """As freqtrade: what its exchange raises ends here."""
        seen.append(("placed", len(door.in_air())))
        try:
            self.exchange.create_stoploss(pair=trade.pair, amount=1.0, stop_price=stop_price)
        except (InsufficientFundsError, TemporaryError):
            return False
        return True

    monkeypatch.setattr(FreqtradeBot, "create_stoploss_order", place)
    monkeypatch.setattr(Trade, "commit", lambda: seen.append(("commit", len(door.in_air()))))
    monkeypatch.setattr(LiquidatingBot, "_why_no_exit", lambda self, trade: None)
    trade: Any = SimpleNamespace(pair="BTC/USDT", exit_side="sell")
    assert bot.create_stoploss_order(trade, 1.0) is placed
    assert seen == [("placed", 1), ("commit", 1)]
    assert len(door.in_air()) == in_air
    assert bot.exchange is exchange, "the copy was for one order"
