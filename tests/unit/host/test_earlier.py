"""What earlier runs sold: looked up again, and given up only when it cannot arrive any more."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest
from freqtrade.persistence import Order, Trade, init_db

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog, AuditUnreadable
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.errors import ExchangeRefused, ExchangeUnavailable
from freqtrade_liquidation.host import runner as runner_module
from freqtrade_liquidation.host.earlier import (
    earlier_closes,
    sells_unbooked,
    without_booked,
)
from freqtrade_liquidation.host.runner import Runner
from freqtrade_liquidation.model import ClosingOrder, Side
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.executions import Close, Earlier
from freqtrade_liquidation.orders.trades import KnownTrade
from tests.integration.exchanges import SPOT, trade


@pytest.fixture(autouse=True)
def database() -> Iterator[None]:
    init_db("sqlite://")
    yield
    Trade.session.remove()


class Exchange:
    """Audit trail and wire in one: nothing is recorded but the names of closes, *answers* is what
    the exchange says, the last of them from then on."""

    trouble: Exception | None = None
    some_waits = False
    on_record: tuple[str, ...] = ()
    in_file: tuple[str, ...] = ()

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.under_way: list[dict[str, Any]] = []

    def unsettled(self, *_: Any) -> list[tuple[str, str]]:
        if self.trouble is not None:
            raise self.trouble
        return []

    def import_fallback(self) -> int:
        return 0

    def waits(self, *_: Any) -> bool:
        return self.some_waits

    def unfinished_runs(self) -> list[dict[str, Any]]:
        return self.under_way

    def waiting_events(self, *_: Any) -> list[dict[str, Any]]:
        return [{"additional_data": {"client_order_id": name}} for name in self.in_file]

    def runs(self) -> list[dict[str, Any]]:
        return [{"correlation_id": "liq_0", "started_at": datetime.now(UTC).isoformat()}]

    def events(self, *_: Any) -> list[dict[str, Any]]:
        if self.trouble is not None:
            raise self.trouble
        return [{"additional_data": {"client_order_id": name}} for name in self.on_record]

    def waiting_runs(self) -> list[dict[str, Any]]:
        return []

    async def read(self, *_: Any, **__: Any) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not isinstance(answer, Exception):
            return answer
        raise answer


def unknown_there() -> Exception:
    error = ExchangeRefused("Order does not exist.")
    error.__cause__ = ccxt.OrderNotFound("-2013")
    return error


@pytest.mark.parametrize(
    ("answer", "age_s", "kept", "final"),
    [
        # It never arrived, and cannot any more: the next repeat may sell.
        (unknown_there(), 61, False, None),
        (unknown_there(), 59, True, False),
        (ExchangeUnavailable("no answer"), 600, True, False),
        ({"id": "7", "status": "closed", "filled": 0.2, "average": 9.0}, 600, True, True),
    ],
)
def test_unanswered_sell_of_an_earlier_run_is_looked_up(
    answer: Any, age_s: float, kept: bool, final: bool | None
) -> None:
    order = ClosingOrder(pair=SPOT, side=Side.LONG, amount=0.2, client_order_id="ftl1")
    close = Close(order=order, sent_at=datetime.now(UTC) - timedelta(seconds=age_s))
    opened = trade(SPOT, 0.2, opened_at=datetime.now(UTC) - timedelta(hours=1))
    there: Any = Exchange(answer)
    found = asyncio.run(earlier_closes(there, there, [opened], known=[close]))
    assert found.closes == ([close] if kept else [])
    assert [one.is_final for one in found.closes] == ([] if final is None else [final])


@pytest.mark.parametrize("shared", [True, False])
def test_next_run_looks_up_what_this_process_sold_where_the_account_is_shared(
    shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scope "trades" on futures, too: what a close left looks like the bot's."""
    order = ClosingOrder(pair=SPOT, side=Side.LONG, amount=0.2, client_order_id="ftl1")
    opened = trade(SPOT, 0.2, opened_at=datetime.now(UTC) - timedelta(hours=1))
    there: Any = Exchange({"id": "7", "status": "closed", "filled": 0.2, "average": 9.0})
    notifier: Any = None
    venue: Any = SimpleNamespace(shares_the_account=shared, trades=(opened,))
    bot: Any = SimpleNamespace(config={})

    async def still_open(*_: Any) -> list[KnownTrade]:
        return [opened]

    monkeypatch.setattr(runner_module, "read_again", still_open)
    runner = Runner(EntryGate(), notifier)
    runner._earlier_closes = [Close(order=order)]
    [close] = asyncio.run(runner._sold_before(bot, venue, there, there, 5.0)).closes
    assert close.is_final is shared


OPENED = trade(SPOT, 0.2, opened_at=datetime.now(UTC) - timedelta(hours=1))
OURS = "ftl" + "0" * 14


async def unreadable() -> None:
    return None


async def all_booked() -> list[KnownTrade]:
    return []


@pytest.mark.parametrize("known", [True, False])
def test_close_that_is_booked_after_the_trades_were_read_is_not_sold_again(
    booked: None, known: bool
) -> None:
    """Database and trail have it, the trades at hand do not, and cannot be read again."""
    there: Any = Exchange([order_there(f"{OURS}7", order_id="7")])
    there.on_record = (f"{OURS}7",)
    closes = [sold("7")] if known else []
    asked = earlier_closes(there, there, [OPENED], known=closes, read_again=unreadable)
    assert sum(close.unbooked for close in asyncio.run(asked).closes) >= 0.2


def test_trades_that_are_read_again_say_what_is_booked(booked: None) -> None:
    there: Any = Exchange([])
    asked = earlier_closes(there, there, [OPENED], known=[sold("7")], read_again=all_booked)
    assert asyncio.run(asked).closes == []


@pytest.mark.parametrize(("age_s", "asked"), [(10, True), (62, False)])
def test_exchange_is_asked_while_another_run_may_have_more_than_the_trail(
    age_s: int, asked: bool
) -> None:
    """A run that began a moment ago, without an end; one that began earlier was cut off."""
    there: Any = Exchange([order_there(f"{OURS}1")])
    there.on_record = (f"{OURS}1",)
    began = datetime.now(UTC) - timedelta(seconds=age_s)
    there.under_way = [
        {"correlation_id": "liq_1", "state": "in_progress", "started_at": began.isoformat()}
    ]
    found = asyncio.run(earlier_closes(there, there, [OPENED]))
    assert [close.filled for close in found.closes] == ([0.2] if asked else [])
    if asked:
        with pytest.raises(AuditUnreadable, match="liq_1"):
            sells_unbooked(there, OPENED)
    else:
        assert sells_unbooked(there, OPENED) == []


def test_stop_that_a_run_has_put_back_comes_with_its_closes_until_it_is_booked(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 't.sqlite'}"
    audit = AuditLog(url, fallback=tmp_path / "lines.sqlite", masker=Masker([]))
    data = {"order_id": "2", "replaces": "2", "stop_price": 8.0, "amount": 0.2}
    events = [
        AuditEvent(
            event_type=kind, operation="close", correlation_id=run, pair=SPOT, additional_data=data
        )
        for run in ("liq_1", "liq_2")
        for kind in (AuditEventType.STOP_INTENDED, AuditEventType.STOP_PUT_BACK)
    ]
    audit.record(events)
    wire: Any = Exchange([])
    [stop] = asyncio.run(earlier_closes(audit, wire, [OPENED])).stops
    assert (stop.pair, stop.order.order_id, stop.order.is_stop) == (SPOT, "2", True)
    assert (stop.order.stop_price, stop.order.amount) == (8.0, 0.2)
    assert stop.placed_at > OPENED.opened_at
    audit.record([replace(event, event_type=AuditEventType.BOOKED) for event in events])
    assert asyncio.run(earlier_closes(audit, wire, [OPENED])) == Earlier()


def order_there(name: str | None, side: str = "sell", *, order_id: str = "9") -> dict[str, Any]:
    return {
        "id": order_id, "clientOrderId": name, "side": side, "status": "closed", "amount": 0.2,
        "filled": 0.2, "average": 9.0, "timestamp": datetime.now(UTC).timestamp() * 1000,
    }  # fmt: skip


@pytest.mark.parametrize("where", ["on_record", "in_file"])
def test_sales_are_looked_up_on_the_exchange_where_the_trail_cannot_be_read(where: str) -> None:
    """By our names: neither freqtrade's own exits, nor what the trade knows, nor an entry."""
    ours = "ftl" + "0" * 14
    listed = [
        order_there(f"{ours}1"),
        order_there("x-web-1", order_id="10"),
        order_there(f"{ours}2", "buy", order_id="11"),
        order_there(f"{ours}3", order_id="known"),
        order_there(None, "buy", order_id="12"),
    ]
    there: Any = Exchange(listed)
    there.some_waits = True
    setattr(there, where, (f"{ours}1", f"{ours}2", f"{ours}3"))
    opened = trade(SPOT, 0.2, opened_at=datetime.now(UTC) - timedelta(hours=1))
    opened = replace(opened, order_ids=frozenset({"known"}))
    found = asyncio.run(earlier_closes(there, there, [opened]))
    assert [(c.order.client_order_id, c.filled, c.is_final) for c in found.closes] == [
        (f"{ours}1", 0.2, True)
    ]
    assert found.doubts == {}


@pytest.mark.parametrize("why", ["another's", "locked"])
def test_sale_that_bears_our_mark_and_is_not_on_record_is_a_doubt_and_no_fill(why: str) -> None:
    """Another bot on the account gives the same names; its sales were taken off this one's."""
    there: Any = Exchange([order_there(f"{OURS}1")])
    there.some_waits = why == "another's"
    there.on_record = (f"{OURS}2",) if there.some_waits else (f"{OURS}1",)
    there.trouble = None if there.some_waits else AuditUnreadable("database is locked")
    found = asyncio.run(earlier_closes(there, there, [OPENED]))
    assert found.closes == []
    words = "order 9 may be another bot's, or a run's that is not on record: look it up"
    assert found.doubts == {"9": (SPOT, words)}


def test_sale_that_this_process_has_sent_needs_no_record() -> None:
    there: Any = Exchange([order_there(f"{OURS}1")])
    there.trouble = AuditUnreadable("database is locked")
    order = ClosingOrder(pair=SPOT, side=Side.LONG, amount=0.2, client_order_id=f"{OURS}1")
    close = Close(order=order, answer=order_there(f"{OURS}1"))
    found = asyncio.run(earlier_closes(there, there, [OPENED], known=[close]))
    assert found.closes == [close]
    assert found.doubts == {}


@pytest.mark.parametrize(("order_id", "sold"), [("9", False), ("known", True)])
def test_exit_without_a_name_may_be_ours_and_nothing_is_sold(order_id: str, sold: bool) -> None:
    """Where the trail cannot be read; one that the trade knows is freqtrade's own."""
    there: Any = Exchange([order_there(None, order_id=order_id)], unknown_there())
    there.trouble = AuditUnreadable("database is locked")
    opened = trade(SPOT, 0.2, opened_at=datetime.now(UTC) - timedelta(hours=1))
    opened = replace(opened, order_ids=frozenset({"known"}))
    found = asyncio.run(earlier_closes(there, there, [opened], within_s=0.2))
    assert [pair for pair, _ in found.doubts.values()] == ([] if sold else [SPOT])


def test_nothing_is_sold_where_neither_trail_nor_exchange_says_what_is_sold() -> None:
    """A second sale would be one of the user's own coins."""
    there: Any = Exchange(ExchangeUnavailable("no answer"))
    there.trouble = AuditUnreadable("database is locked")
    opened = trade(SPOT, 0.2, opened_at=datetime.now(UTC) - timedelta(hours=1))
    found = asyncio.run(earlier_closes(there, there, [opened], within_s=0.2))
    assert [pair for pair, _ in found.doubts.values()] == [SPOT], "its pair is uncertain"
    assert asyncio.run(earlier_closes(there, there, [opened], shared=False)) == Earlier()


@pytest.fixture
def booked() -> None:
    """A closed trade: orders 7 and 8 whole, of order 9 two shares, of order 10 nothing yet."""
    closed = Trade(
        pair=SPOT, exchange="binance", is_open=False, stake_amount=1.0, amount=0.0, open_rate=1.0,
        fee_open=0.0, fee_close=0.0,
    )  # fmt: skip
    filled = {"7": 0.2, "8": 0.2, "9": 0.1, "9/12": 0.05, "99": 0.2, "10": None}
    for order_id, amount in filled.items():
        order = Order(
            ft_order_side="sell", ft_pair=SPOT, ft_is_open=False, ft_amount=0.2, ft_price=9.0,
            order_id=order_id, filled=amount,
        )  # fmt: skip
        closed.orders.append(order)
    Trade.session.add(closed)
    Trade.commit()


def sold(order_id: str) -> Close:
    order = ClosingOrder(pair=SPOT, side=Side.LONG, amount=0.2, client_order_id=f"ftl{order_id}")
    answer = {"id": order_id, "status": "closed", "filled": 0.2, "average": 9.0}
    return Close(order=order, answer=answer)


def test_sale_that_a_closed_trade_has_booked_is_none_of_an_order_that_was_found(
    booked: None,
) -> None:
    """What the bot had bought since was taken for sold: told flat, and the coins stayed."""
    unanswered = Close(order=sold("11").order)
    closes = [sold("7"), sold("9"), sold("10"), sold("11"), unanswered, sold("8")]
    left = asyncio.run(without_booked(closes))
    assert [(close.order_id, close.unbooked) for close in left] == [
        ("9", pytest.approx(0.05)),
        ("10", pytest.approx(0.2)),
        ("11", pytest.approx(0.2)),
        (None, 0.0),
    ]
