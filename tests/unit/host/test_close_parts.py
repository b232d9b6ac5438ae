"""A closing order shared out among the trades that it closes."""

from types import SimpleNamespace
from typing import Any

import pytest

from freqtrade_liquidation.host.close_parts import new_parts
from freqtrade_liquidation.model import ClosingOrder, Side
from freqtrade_liquidation.orders.executions import Close

PAIR = "BTC/USDT:USDT"


def close(amount: float, **answer: Any) -> Close:
    order = ClosingOrder(pair=PAIR, side=Side.LONG, amount=amount, client_order_id="ftl1")
    known = {"id": "7", "status": "closed", "filled": amount, "amount": amount, "average": 10.0}
    return Close(order=order, answer={**known, "cost": 10.0 * amount, **answer})


def trade(number: int, amount: float) -> Any:
    return SimpleNamespace(id=number, amount=amount)


FILLS = [{"amount": 0.3, "cost": 3.0, "fee": {"cost": 0.006, "currency": "USDT"}}]


def test_order_goes_whole_into_the_trade_that_held_as_much() -> None:
    [part] = new_parts([one := close(0.3)], set())
    assert part.take(trade(1, 0.3), FILLS) == {**(one.answer or {}), "trades": FILLS}
    assert (part.is_taken, part.is_over) == (True, False)


def test_trade_takes_no_more_than_it_holds_and_the_same_share_of_cost_and_fee() -> None:
    [part] = new_parts([close(0.3, fee={"cost": 0.006, "currency": "USDT"})], set())
    order = part.take(trade(1, 0.1), FILLS)
    assert (order["id"], order["amount"], order["filled"]) == ("7", 0.1, 0.1)
    assert order["cost"] == pytest.approx(1.0)
    assert order["fee"]["cost"] == pytest.approx(0.002)
    [fill] = order["trades"]
    assert (fill["amount"], fill["cost"]) == (pytest.approx(0.1), pytest.approx(1.0))
    assert fill["fee"] == {"cost": pytest.approx(0.002), "currency": "USDT"}
    assert (part.is_taken, part.is_over) == (False, True), "nobody's trade held the rest"


def test_second_trade_takes_the_rest_under_an_id_of_its_own() -> None:
    """freqtrade's table has each id once in a pair."""
    [part] = new_parts([close(0.3)], set())
    first, second = part.take(trade(1, 0.1), FILLS), part.take(trade(2, 0.2), FILLS)
    assert (first["id"], second["id"]) == ("7", "7/2")
    assert (first["filled"], second["filled"]) == (0.1, pytest.approx(0.2))
    assert (part.is_taken, part.is_over) == (True, False)


@pytest.mark.parametrize(
    "answer", [{"status": "open"}, {"filled": None}, {"status": "canceled", "filled": 0.0}]
)
def test_order_whose_fill_is_not_known_or_none_is_taken_as_it_is(answer: dict[str, Any]) -> None:
    [part] = new_parts([one := close(0.3, **answer)], set())
    assert part.is_over is (one.filled > 0 or not one.is_final)
    assert part.take(trade(1, 0.1), []) == {**(one.answer or {}), "trades": []}
    assert (part.is_taken, part.is_over) == (True, False)


def test_trade_without_an_amount_takes_the_order_whole() -> None:
    """Its row in the database is wrong; that it is closed is true."""
    [part] = new_parts([close(0.3)], set())
    assert part.take(trade(1, 0.0), FILLS)["filled"] == 0.3


def test_orders_that_are_booked_or_were_never_answered_are_left_out() -> None:
    lost = close(0.3)
    lost.answer = None
    assert new_parts([close(0.3), lost], {"7"}) == []
    [part] = new_parts([close(0.3)], {"8"})
    assert part.left == 0.3
