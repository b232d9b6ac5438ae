"""What an earlier run of this process did counts in the next one."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from freqtrade_liquidation.errors import ExchangeUnavailable
from freqtrade_liquidation.model import ClosingOrder, Side
from freqtrade_liquidation.orders.executions import (
    Close,
    answer_to,
    filled_by,
    still_unbooked,
    the_order,
)
from freqtrade_liquidation.orders.trades import KnownOrder, KnownTrade

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TRADE = KnownTrade(
    trade_id=1,
    pair="BTC/USDT",
    base_currency="BTC",
    side=Side.LONG,
    amount=1.0,
    leverage=1.0,
    open_rate=100.0,
    fee_open=0.001,
    opened_at=NOW,
    last_fill_at=NOW,
    open_orders=(),
    order_ids=frozenset({"7"}),
)


def close(*, order_id: str | None = None, minutes: int = 1, refused: bool = False) -> Close:
    order = ClosingOrder(pair="BTC/USDT", side=Side.LONG, amount=1.0, client_order_id="ftl1")
    answer = None if order_id is None else {"id": order_id}
    return Close(
        order=order, sent_at=NOW + timedelta(minutes=minutes), answer=answer, refused=refused
    )


def test_unanswered_and_unbooked_closes_are_carried_over() -> None:
    """Else a spot run would take the trade's whole amount for unsold and sell it again."""
    unanswered, unbooked = close(), close(order_id="8")
    assert still_unbooked([unanswered, unbooked], [TRADE]) == [unanswered, unbooked]


def test_booked_refused_and_older_closes_are_not() -> None:
    older_than_the_trade = close(minutes=-1)
    closes = [close(order_id="7"), close(refused=True), older_than_the_trade]
    assert still_unbooked(closes, [TRADE]) == []


def test_closes_of_another_pair_are_not() -> None:
    assert still_unbooked([close()], [replace(TRADE, pair="ETH/USDT")]) == []


def answered(filled: float, average: float | None, status: str = "closed") -> Close:
    made = close(order_id="9")
    made.answer = {"id": "9", "status": status, "filled": filled, "average": average}
    return made


def test_average_is_weighted_and_leaves_out_what_was_refused() -> None:
    closes = [answered(1.0, 100.0), answered(3.0, 104.0), close(refused=True)]
    assert filled_by(closes) == (4.0, 103.0)


def test_average_is_not_known_while_one_order_is_not_at_its_end() -> None:
    assert filled_by([answered(1.0, 100.0), close()]) == (None, None)
    assert filled_by([]) == (None, None)
    assert filled_by([answered(0.0, None, "canceled")]) == (0.0, None)


SELL = close().order
OURS = {"id": "9", "symbol": "BTC/USDT", "side": "sell", "clientOrderId": "ftl1", "filled": 1.0}


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"symbol": "ETH/USDT"}, "pair"),
        ({"side": "buy"}, "side"),
        ({"clientOrderId": "ftl2"}, "name"),
        ({"filled": 10.0}, "fill"),
        ({"filled": 1.001}, "fill"),
        ({"filled": math.nan}, "fill"),
        ({"filled": math.inf}, "fill"),
        ({"filled": -1.0}, "fill"),
        ({"id": None}, "names no order"),
    ],
)
def test_answer_about_another_order_is_not_taken_for_ours(other: dict[str, Any], what: str) -> None:
    assert answer_to(SELL, OURS) == OURS
    with pytest.raises(ExchangeUnavailable, match=what):
        answer_to(SELL, {**OURS, **other})


def test_answer_that_tells_less_is_ours_and_a_fill_may_be_rounded_up_to_half_a_step() -> None:
    bare = {"id": "9", "symbol": None, "side": None, "clientOrderId": None, "filled": None}
    assert answer_to(SELL, bare) == bare
    gate = {**OURS, "clientOrderId": "t-FTL1"}
    assert answer_to(SELL, gate) == gate
    nameless, at_gate = {**OURS, "clientOrderId": "api"}, replace(SELL, client_order_id="t-ftl1")
    assert answer_to(at_gate, nameless) == nameless, "no name, but Gate's own word"
    assert answer_to(SELL, {**OURS, "filled": 1.0004}, step=0.001)
    with pytest.raises(ExchangeUnavailable, match="fill"):
        answer_to(SELL, {**OURS, "filled": 1.0006}, step=0.001)


def test_order_that_is_read_back_by_its_id_has_that_id() -> None:
    assert answer_to(SELL, OURS, order_id="9")
    with pytest.raises(ExchangeUnavailable, match="id"):
        answer_to(SELL, OURS, order_id="8")


def test_order_of_the_bots_is_answered_for_and_no_other() -> None:
    """A user's own sale, taken for the fill of the bot's stop, was told as its closed position."""
    entry = KnownOrder(order_id="9", role_side="sell", is_stop=False)
    stop = KnownOrder(order_id="9", role_side="stoploss", is_stop=True)
    assert the_order(OURS, TRADE, entry) == the_order(OURS, TRADE, stop) == OURS
    for other in ({"id": "8"}, {"side": "buy"}, {"symbol": "ETH/USDT"}):
        with pytest.raises(ExchangeUnavailable):
            the_order({**OURS, **other}, TRADE, entry)
        with pytest.raises(ExchangeUnavailable):
            the_order({**OURS, **other}, TRADE, stop)


@pytest.mark.parametrize("average", [None, 0.0, -1.0, math.nan, math.inf])
def test_fill_whose_price_is_no_price_is_not_known_yet(average: float | None) -> None:
    assert not answered(1.0, average).is_final
    assert answered(1.0, 100.0).is_final


@pytest.mark.parametrize("filled", [math.nan, math.inf, -1.0])
def test_fill_that_is_no_amount_is_not_known_yet(filled: float) -> None:
    made = answered(filled, 100.0)
    assert (made.is_final, made.filled) == (False, 0.0)


def test_close_of_what_no_trade_knows_counts_while_an_order_is_noted() -> None:
    """The first run sold a part of an entry whose answer was lost; the next one sells the rest."""
    sold = close(order_id="8")
    before, after = NOW, NOW + timedelta(hours=1)
    assert still_unbooked([sold], []) == []
    assert still_unbooked([sold], [], {"BTC/USDT": before}) == [sold]
    assert still_unbooked([sold], [], {"BTC/USDT": after, "ETH/USDT": before}) == []
