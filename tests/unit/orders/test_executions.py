"""What an earlier run of this process did counts in the next one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from freqtrade_liquidation.model import ClosingOrder, Side
from freqtrade_liquidation.orders.executions import Close, filled_by, still_unbooked
from freqtrade_liquidation.orders.trades import KnownTrade

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
