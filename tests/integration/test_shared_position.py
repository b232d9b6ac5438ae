"""Scope "trades": a position of which the bot has a part, and the user the rest."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from freqtrade.exchange import Exchange

from freqtrade_liquidation import LiquidationState
from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.model import PairState
from tests.integration.exchanges import BTC, known_order, trade
from tests.integration.test_odd_books import liquidate

OWN, USERS = 0.2, 0.5
ORDER, ALGO = "/fapi/v1/order$", "/fapi/v1/algoOrder$"


@pytest.fixture
def stop(practice: PracticeExchange) -> str:
    """The bot's, of its part, on a position that is shared."""
    practice.seed_position(BTC, OWN + USERS)
    return practice.seed_stop(BTC, "sell", OWN, 60_000)


def held(practice: PracticeExchange) -> float:
    return sum(float(position["amount"]) for position in practice.positions().values())


def sent(practice: PracticeExchange) -> list[tuple[str, str]]:
    """What was changed, in its order."""
    entries = [(e["method"], e["path"].split("/")[-1]) for e in practice.requests("rder")]
    return [(method, path) for method, path in entries if method != "GET"]


def when_asked(
    practice: PracticeExchange, method: str, path: str, act: Callable[[], object]
) -> None:
    """Does *act* while the first such request waits for its answer."""
    practice.clear_log()
    practice.add_fault("latency", method=method, path=path, latency_ms=400, times=1)

    def wait() -> None:
        practice.core.log.wait_for(
            lambda entries: any(e.method == method and e.path.endswith(path[:-1]) for e in entries)
        )
        act()

    threading.Thread(target=wait, daemon=True).start()


def fall(practice: PracticeExchange) -> None:
    """Through the stop's trigger."""
    practice.set_price(BTC, 59_000)
    practice.core.tick()


def test_own_stop_that_triggers_beside_the_close_takes_nothing_of_the_users(
    practice: PracticeExchange, futures: Exchange, stop: str
) -> None:
    """Reduce-only would let it: there is more to reduce. So it goes first, and the user's stays."""
    users = practice.seed_stop(BTC, "sell", USERS, 50_000)
    when_asked(practice, "POST", ORDER, lambda: fall(practice))
    own = trade(BTC, OWN, known_order(stop, "stoploss"))
    result = liquidate(futures, own, account_scope=False)
    assert result.state is LiquidationState.COMPLETED, result.errors
    assert held(practice) == pytest.approx(USERS)
    assert [order["algoId"] for order in practice.open_algo_orders()] == [int(users)]


def test_own_stop_that_triggers_before_its_cancel_has_closed_the_bots_part(
    practice: PracticeExchange, futures: Exchange, stop: str
) -> None:
    when_asked(practice, "DELETE", ALGO, lambda: fall(practice))
    own = trade(BTC, OWN, known_order(stop, "stoploss"))
    result = liquidate(futures, own, account_scope=False)
    assert result.state is LiquidationState.COMPLETED, result.errors
    assert held(practice) == pytest.approx(USERS)
    assert ("POST", "order") not in sent(practice)


def test_own_stop_that_a_late_list_still_shows_has_closed_the_bots_part(
    practice: PracticeExchange, futures: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of stops would say that nothing of it is filled: the order itself is asked. What is
    left is less than the bot had, and could be its own."""
    practice.seed_position(BTC, OWN + 0.1)
    stop = practice.seed_stop(BTC, "sell", OWN, 60_000)
    api = type(futures._api)
    ask, shown = api.fapiPrivateGetOpenAlgoOrders, list[Any]()

    def late(self: Any, *args: Any) -> Any:
        shown.append(ask(self, *args))
        return shown[0]

    monkeypatch.setattr(api, "fapiPrivateGetOpenAlgoOrders", late)
    when_asked(practice, "DELETE", ALGO, lambda: fall(practice))
    own = trade(BTC, OWN, known_order(stop, "stoploss"))
    liquidate(futures, own, account_scope=False)
    assert len(shown) > 1
    assert held(practice) == pytest.approx(0.1)


def test_own_stop_is_put_back_as_it_was_if_the_close_fails(
    practice: PracticeExchange, futures: Exchange, stop: str
) -> None:
    practice.add_fault("error", method="POST", path=ORDER, status=400, code=-2027)
    [before] = practice.open_algo_orders()
    own = trade(BTC, OWN, known_order(stop, "stoploss"))
    result = liquidate(futures, own, account_scope=False)
    [outcome] = result.outcomes
    assert (outcome.state, outcome.protected) == (PairState.OPEN, True)
    [after] = practice.open_algo_orders()
    assert after["algoId"] != before["algoId"]
    terms = ("side", "quantity", "triggerPrice", "orderType", "workingType", "reduceOnly")
    assert [after[term] for term in terms] == [before[term] for term in terms]
    assert held(practice) == pytest.approx(OWN + USERS)


def test_own_stop_stays_where_no_time_is_left_to_put_it_back(
    practice: PracticeExchange, futures: Exchange, stop: str
) -> None:
    own = trade(BTC, OWN, known_order(stop, "stoploss"))
    result = liquidate(futures, own, account_scope=False, timeout_seconds=1.2)
    assert [outcome.protected for outcome in result.outcomes] == [True]
    assert [order["algoId"] for order in practice.open_algo_orders()] == [int(stop)]
    assert held(practice) == pytest.approx(OWN + USERS)


def test_own_resting_exit_goes_before_the_close(
    practice: PracticeExchange, futures: Exchange
) -> None:
    practice.seed_position(BTC, OWN + USERS)
    resting = practice.seed_order(BTC, "sell", OWN, 70_000, reduce_only=True)
    users = practice.seed_order(BTC, "sell", USERS, 80_000, reduce_only=True)
    when_asked(practice, "POST", ORDER, lambda: practice.set_price(BTC, 71_000))
    own = trade(BTC, OWN, known_order(resting, "sell"))
    result = liquidate(futures, own, account_scope=False)
    assert result.state is LiquidationState.COMPLETED, result.errors
    assert held(practice) == pytest.approx(USERS)
    assert [str(order["orderId"]) for order in practice.open_orders()] == [users]
    assert sent(practice) == [("DELETE", "order"), ("POST", "order")]


def test_own_stop_goes_last_where_the_position_is_the_bots_alone(
    practice: PracticeExchange, futures: Exchange
) -> None:
    practice.seed_position(BTC, OWN)
    stop = practice.seed_stop(BTC, "sell", OWN, 60_000)
    practice.clear_log()
    own = trade(BTC, OWN, known_order(stop, "stoploss"))
    result = liquidate(futures, own, account_scope=False)
    assert result.state is LiquidationState.COMPLETED, result.errors
    assert sent(practice) == [("POST", "order"), ("DELETE", "algoOrder")]
