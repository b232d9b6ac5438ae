"""Whole runs over orders that no ordinary list shows, stops of every mark, and renamed markets.

freqtrade's exchange and ccxt as they are, over HTTP, on both façades.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from freqtrade.exchange import Exchange

from freqtrade_liquidation import LiquidationState
from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings
from freqtrade_liquidation.model import ClosingOrder, OrderRole, Side
from freqtrade_liquidation.orders.choosing import OrderManager
from tests.integration.exchanges import BTC, ETH, SPOT, known_order, on, trade, wrapper_on
from tests.integration.hostile import Book, play
from tests.integration.test_odd_books import liquidate

DELIVERY_MS = 1795939200000
RENAMED = "BTC/USDT:USDT-261129"
PROGRAMS = {"binance": ("VP", "TWAP"), "gate": ("trail", "chase")}


@pytest.fixture(scope="module", params=["binance", "gate"])
def running(request: pytest.FixtureRequest) -> Iterator[PracticeExchange]:
    with PracticeExchange(Settings(exchange=request.param, moving_ratio=0)) as practice:
        yield practice


@pytest.fixture(scope="module")
def wrapper(
    running: PracticeExchange, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exchange]:
    with wrapper_on(running, tmp_path_factory.mktemp("wrapper"), futures=True) as exchange:
        yield exchange


@pytest.fixture
def either(running: PracticeExchange, wrapper: Exchange) -> Iterator[PracticeExchange]:
    """Empty, with every market under its usual name."""
    running.open_account_anew()
    running.set_limits(weight_per_minute=None)
    yield running
    running.set_delivery(BTC, None)
    running.set_listed(BTC, True)
    wrapper.reload_markets(True)


def kinds_on(practice: PracticeExchange) -> tuple[str, ...]:
    return PROGRAMS[practice.core.settings.exchange]


def test_order_that_the_exchange_works_off_by_itself_is_found_and_cancelled(
    either: PracticeExchange, wrapper: Exchange
) -> None:
    """With a position and in a pair without one; a list that was not asked would hide them."""
    either.seed_position(BTC, 0.5)
    for kind in kinds_on(either):
        either.seed_program(BTC, kind, "buy", 0.1)
        either.seed_program(ETH, kind, "sell", 1)
    result = liquidate(wrapper)
    assert either.open_programs() == []
    assert either.positions() == {}
    assert result.state is LiquidationState.COMPLETED
    assert result.orders_cancelled == 4


def test_one_that_cannot_be_cancelled_is_not_called_flat(
    either: PracticeExchange, wrapper: Exchange
) -> None:
    kind = kinds_on(either)[0]
    either.seed_program(ETH, kind, "buy", 1)
    either.add_fault("error", path=r"algo/futures/order$|/trail/stop$", status=400, code=-2011)
    result = liquidate(wrapper)
    assert [program["kind"] for program in either.open_programs()] == [kind]
    assert result.state is LiquidationState.FAILED
    assert any(ETH in error for error in result.errors), result.errors


def test_list_that_does_not_answer_holds_up_no_close_and_is_no_proof(
    either: PracticeExchange, wrapper: Exchange
) -> None:
    """Whatever it answers: not to this key, or not at all."""
    path = r"algo/futures/openOrders$|/chase/list$"
    for fault in ({"status": 401, "code": -2015}, {"status": 503, "code": -1001}):
        either.open_account_anew()
        either.seed_position(BTC, 0.5)
        either.seed_position(ETH, -2)
        either.add_fault("error", path=path, **fault)
        played = play(either, wrapper, Book(futures=True, trades=()), timeout_seconds=1.5)
        assert either.positions() == {}
        assert played.result.state is not LiquidationState.COMPLETED


def test_whole_position_stop_protects_until_its_position_is_gone(
    either: PracticeExchange, wrapper: Exchange
) -> None:
    """It bears no reduce-only mark, and no amount. A close that is refused leaves it standing."""
    either.seed_position(BTC, 0.5)
    stop = either.seed_stop(BTC, "sell", 0, 60_000, close_position=True)
    [order] = on(wrapper, lambda venue: venue.get_open_orders(timeout_s=5))
    assert (order.order_id, order.role, order.stop_price) == (stop, OrderRole.PROTECTIVE, 60_000.0)
    either.add_fault("error", path=r"/(order|orders)$", method="POST", status=400, code=-2019)
    played = play(either, wrapper, Book(futures=True, trades=(trade(BTC, 0.5),)))
    assert played.result.state is LiquidationState.FAILED
    assert [o["algoId"] for o in either.open_algo_orders()] == [int(stop)]
    either.clear_faults()
    result = liquidate(wrapper, trade(BTC, 0.5))
    assert result.state is LiquidationState.COMPLETED
    assert either.open_algo_orders() == []
    assert either.positions() == {}


def test_conditional_order_that_could_open_is_cancelled(
    either: PracticeExchange, wrapper: Exchange
) -> None:
    either.seed_stop(BTC, "buy", 0.5, 70_000, reduce_only=False)
    [order] = on(wrapper, lambda venue: venue.get_open_orders(timeout_s=5))
    assert order.role is OrderRole.ENTRY
    assert liquidate(wrapper).state is LiquidationState.COMPLETED
    assert either.open_algo_orders() == []


def test_position_whose_market_is_being_delisted_is_the_trades_and_closes(
    either: PracticeExchange, wrapper: Exchange
) -> None:
    """After a reload ccxt calls it otherwise on Binance; Gate keeps its name."""
    either.seed_position(BTC, 0.5)
    either.set_delivery(BTC, DELIVERY_MS)
    wrapper.reload_markets(True)
    name = RENAMED if either.core.settings.exchange == "binance" else BTC
    assert name in wrapper.markets

    async def work(venue: OrderManager) -> Any:
        [position] = await venue.get_all_positions(timeout_s=5)
        order = ClosingOrder(
            pair=position.pair, side=position.side, amount=position.amount,
            client_order_id=venue.new_client_order_id(),
        )  # fmt: skip
        await venue.execute_market_close(order, timeout_s=5)
        return position

    position = on(wrapper, work, trade(BTC, 0.5))
    assert (position.pair, position.side, position.trade_ids) == (name, Side.LONG, (1,))
    assert position.obstacle is None
    assert either.positions() == {}


@pytest.mark.parametrize(("account_scope", "users"), [(True, 0.0), (False, 0.2)])
def test_run_closes_a_position_whose_market_is_being_delisted(
    either: PracticeExchange, wrapper: Exchange, account_scope: bool, users: float
) -> None:
    """In scope trades no more than the trade's."""
    either.seed_position(BTC, 0.5 + users)
    either.set_delivery(BTC, DELIVERY_MS)
    wrapper.reload_markets(True)
    result = liquidate(wrapper, trade(BTC, 0.5), account_scope=account_scope)
    held = sum(float(position["amount"]) for position in either.positions().values())
    assert held == pytest.approx(users)
    assert result.positions_closed == 1


def test_position_whose_market_is_not_listed_any_more_is_the_trades_in_either_scope(
    either: PracticeExchange, wrapper: Exchange
) -> None:
    """A person has to close it; it is never out of scope."""
    either.seed_position(BTC, 0.5)
    either.set_listed(BTC, False)
    wrapper.reload_markets(True)
    assert BTC not in wrapper.markets
    for account_scope in (True, False):
        positions = on(
            wrapper, lambda venue: venue.get_all_positions(timeout_s=5), trade(BTC, 0.5),
            account_scope=account_scope,
        )  # fmt: skip
        [position] = positions
        assert (position.pair, position.trade_ids) == (BTC, (1,))
        assert "its market is not known" in str(position.obstacle)


def test_book_with_a_market_that_is_not_listed_any_more_is_never_called_flat(
    either: PracticeExchange, wrapper: Exchange
) -> None:
    """ccxt takes the spot market of the same id for it: no position of futures, it seems."""
    either.seed_position(BTC, 0.5)
    either.set_listed(BTC, False)
    wrapper.reload_markets(True)
    assert liquidate(wrapper).state is LiquidationState.FAILED
    either.seed_position(BTC, 0)
    either.seed_order(BTC, "buy", 0.1, 60_000)
    assert liquidate(wrapper).state is LiquidationState.FAILED, "nor with an entry in it"
    assert len(either.open_orders()) == 1


def test_spot_stop_limit_is_put_back_with_its_own_limit(
    practice: PracticeExchange, spot: Exchange
) -> None:
    """Trigger 60,000 and limit 57,000; freqtrade's configuration would say 59,400."""
    practice.seed_balance("BTC", 0.2)
    stop = practice.seed_order(SPOT, "sell", 0.2, 57_000, stop_price=60_000)
    practice.add_fault("error", path=r"/api/v3/order$", method="POST", side="SELL", code=-2010,
                       status=400, times=1)  # fmt: skip
    known = trade(SPOT, 0.2, known_order(stop, "stoploss"))
    played = play(practice, spot, Book(futures=False, trades=(known,)), max_retries=0)
    [standing] = practice.open_orders(futures=False)
    assert str(standing["orderId"]) != stop
    assert (float(standing["stopPrice"]), float(standing["price"])) == (60_000.0, 57_000.0)
    assert standing["type"] == "STOP_LOSS_LIMIT"
    assert not any("LOST" in error for error in played.result.errors)
