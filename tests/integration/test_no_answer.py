"""Whole runs on an exchange that answers a list with status 200 and something that is no list.

Whatever it is: the book is never called flat, and nothing is tidied up; and if the exchange then
answers as it should, the run ends flat.
"""

import signal
from collections.abc import Iterator
from typing import Any, Final

import pytest
from freqtrade.exchange import Exchange

from freqtrade_liquidation import LiquidationState
from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings
from tests.integration.conftest import MakeBot, runs, wait_until_invested
from tests.integration.exchanges import wrapper_on
from tests.integration.hostile import Played, futures_book, play, spot_book
from tests.integration.hostile_truth import assert_nothing_was_made_worse

BODIES: Final = {
    "no body": "",
    "HTML": "<html><body>Service Unavailable</body></html>",
    "null": "null",
    "an object": "{}",
    "strings": '["x"]',
    "null as a row": "[null]",
    "numbers": "[1, 2]",
    "busy": '{"code": 0, "msg": "Service is busy"}',
    "words": '{"msg": "system busy"}',
    "another exchange's": '{"retCode": 0, "retMsg": "OK", "result": null}',
    "half a row": '[{"symbol": "BTCUSDT", "contract": "BTC_USDT"}]',
    "a row of nulls": '[{"symbol": null, "contract": null, "positionAmt": null, "size": null}]',
}
LISTS: Final = {
    ("binance", True): (r"/positionRisk$", r"/fapi/v1/openOrders$", r"/openAlgoOrders$"),
    ("binance", False): (r"/api/v3/account$",),
    ("gate", True): (r"/usdt/positions$", r"/usdt/orders$", r"/usdt/price_orders$"),
}
"""By façade and whether it is futures: what a run reads."""
CELLS: Final = [
    pytest.param((name, futures), path, id=f"{name}-{path.strip('$').rpartition('/')[2]}")
    for (name, futures), paths in LISTS.items()
    for path in paths
]


@pytest.fixture(scope="module")
def sides(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[tuple[str, bool], tuple[PracticeExchange, Exchange]]]:
    """Both façades, and freqtrade's exchange on them."""
    with (
        PracticeExchange(Settings(moving_ratio=0)) as binance,
        PracticeExchange(Settings(exchange="gate", moving_ratio=0)) as gate,
        wrapper_on(binance, tmp_path_factory.mktemp("b"), futures=True) as binance_futures,
        wrapper_on(binance, tmp_path_factory.mktemp("s"), futures=False) as binance_spot,
        wrapper_on(gate, tmp_path_factory.mktemp("g"), futures=True) as gate_futures,
    ):
        yield {
            ("binance", True): (binance, binance_futures),
            ("binance", False): (binance, binance_spot),
            ("gate", True): (gate, gate_futures),
        }


def run_with(
    sides: Any, side: tuple[str, bool], path: str, body: str, *, times: int | None
) -> Played:
    practice, exchange = sides[side]
    practice.open_account_anew()
    practice.set_limits(weight_per_minute=None)
    book = futures_book(practice) if side[1] else spot_book(practice)
    fault = practice.add_fault(
        "answer", method="GET", path=path, status=200, body=body, times=times
    )
    played = play(practice, exchange, book, timeout_seconds=0.8 if times is None else 5.0)
    practice.remove_fault(fault)
    assert any("answer" in request["faults"] for request in played.requests)
    assert_nothing_was_made_worse(played)
    return played


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(("side", "path"), CELLS)
def test_list_that_is_never_answered_makes_no_book_flat(
    sides: Any, side: tuple[str, bool], path: str, body: str
) -> None:
    played = run_with(sides, side, path, body, times=None)
    assert played.result.state is not LiquidationState.COMPLETED
    open_pairs = {pair for pair in played.book.held if played.left(pair)}
    if side[1]:
        stops = {stop["pair"] for stop in played.practice.open_algo_orders()}
        assert open_pairs <= stops, "a position has lost its stop"


@pytest.mark.parametrize("body", ["null", "busy", "strings", "an object"])
@pytest.mark.parametrize(("side", "path"), CELLS)
def test_list_that_is_answered_the_second_time_is_asked_a_second_time(
    sides: Any, side: tuple[str, bool], path: str, body: str
) -> None:
    played = run_with(sides, side, path, BODIES[body], times=1)
    assert played.result.state is LiquidationState.COMPLETED
    assert played.is_flat


@pytest.mark.parametrize("body", ["null", "busy", "strings", "HTML", "no body"])
@pytest.mark.parametrize("name", ["binance", "gate"])
def test_close_whose_answer_says_nothing_is_looked_for_and_not_sent_blindly(
    sides: Any, name: str, body: str
) -> None:
    """It was executed, and its answer is no word about that."""
    practice, exchange = sides[name, True]
    practice.open_account_anew()
    book = futures_book(practice)
    fault = practice.add_fault(
        "answer", method="POST", path=r"/(fapi/v1/order|usdt/orders)$", status=200,
        body=BODIES[body], times=1,
    )  # fmt: skip
    played = play(practice, exchange, book)
    practice.remove_fault(fault)
    assert_nothing_was_made_worse(played)
    assert played.result.state is LiquidationState.COMPLETED
    assert len(practice.fills()) == len(book.held), "each position is closed once"


def test_bot_that_is_stopped_while_the_list_of_positions_says_nothing_tells_what_is_open(
    exchange: PracticeExchange, make_bot: MakeBot
) -> None:
    bot = make_bot(pairs=2, liquidation={"timeout_seconds": 2.0}).start()
    wait_until_invested(bot, 2)
    exchange.add_fault("answer", path="positionRisk", status=200, body=BODIES["busy"], method="GET")
    bot.send(signal.SIGTERM)
    code = bot.wait()
    [run] = runs(bot)
    assert run["state"] != "completed"
    open_pairs = set(exchange.positions())
    assert open_pairs <= {stop["pair"] for stop in exchange.open_algo_orders()}
    assert code == 3
