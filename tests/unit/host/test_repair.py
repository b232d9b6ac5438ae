"""Repair without an exchange: it costs next to nothing with nothing to do, and says things once."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.persistence import Order, Trade, init_db
from sqlalchemy import text

from freqtrade_liquidation.audit.events import AuditEvent
from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.audit.sink import Durability, RunRecord
from freqtrade_liquidation.host import repair as module
from freqtrade_liquidation.host.repair import Repairer, repair
from freqtrade_liquidation.host.sent import Sent
from freqtrade_liquidation.model import BookedPair, ClosingOrder, Side
from freqtrade_liquidation.orders.executions import Close

RUN = "liq_20260102_030405_ab12cd34"
PAIR = "BTC/USDT:USDT"
BOT: Any = SimpleNamespace(config={"dry_run": False})


@pytest.fixture
def audit(tmp_path: Path) -> AuditLog:
    return AuditLog(
        f"sqlite:///{tmp_path / 'trades.sqlite'}", fallback=tmp_path / "f", masker=Masker([])
    )


def event(kind: Event) -> AuditEvent:
    return AuditEvent(
        event_type=kind,
        operation="close",
        correlation_id=RUN,
        pair=PAIR,
        additional_data={"side": "sell", "amount": 1.0, "client_order_id": "ftl1"},
    )


def fail_if_asked(*args: Any) -> None:
    raise AssertionError("asked again")


def test_settled_trail_is_not_read_again_until_it_grows(
    audit: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit.record([event(Event.CLOSE_INTENDED), event(Event.BOOKED)])
    assert repair(BOT, audit) == []
    monkeypatch.setattr(audit, "unsettled", fail_if_asked)
    assert repair(BOT, audit) == []
    audit.record([event(Event.CLOSE_INTENDED)])
    with pytest.raises(AssertionError, match="asked again"):
        repair(BOT, audit)


def test_run_under_way_is_left_alone(audit: AuditLog) -> None:
    run = RunRecord(
        correlation_id=RUN, trigger="cli", state="in_progress", started_at=datetime.now(UTC)
    )
    audit.record([event(Event.CLOSE_INTENDED)], run)
    assert repair(BOT, audit) == []


def test_dry_run_has_nothing_to_look_up(audit: AuditLog) -> None:
    audit.record([event(Event.CLOSE_INTENDED)])
    assert repair(SimpleNamespace(config={"dry_run": True}), audit) == []  # type: ignore[arg-type]


def test_put_off_is_said_once_a_reason_and_left_alone_for_a_while(
    audit: AuditLog, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit.record([event(Event.CLOSE_INTENDED)])
    repairer = Repairer(audit)
    sent = Sent(correlation_id=RUN, trigger="stop", pair=PAIR)
    repairer.put_off(sent, "unanswered", "no answer after 1.2 s")
    repairer.put_off(sent, "unanswered", "no answer after 1.3 s")
    repairer.put_off(sent, "gone", "look it up")
    failed = list(audit.events(RUN, [Event.BOOKING_FAILED]))
    assert [row["error"] for row in failed] == ["no answer after 1.2 s", "look it up"]
    assert len(caplog.records) == 2
    assert repairer.repair(BOT) == [], "not yet"
    monkeypatch.setattr(module, "sent_by", fail_if_asked)
    monkeypatch.setattr(module, "RETRY_AFTER_S", 0.0)
    repairer.put_off(sent, "gone", "look it up")
    with pytest.raises(AssertionError, match="asked again"):
        repairer.repair(BOT)


def test_long_history_costs_a_start_little(audit: AuditLog) -> None:
    """20,000 events, a fifth of them closes and bookings; asserted far above what it takes."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    kinds = [Event.CLOSE_INTENDED, Event.BOOKED, *[Event.VERIFIED] * 8]
    rows = [
        AuditEvent(
            event_type=kinds[number % 10],
            operation="close",
            correlation_id=f"liq_{number // 200:04}",
            pair=f"P{number % 200 // 10}/USDT",
            timestamp=at + timedelta(seconds=number),
        )
        for number in range(20_000)
    ]
    for first in range(0, len(rows), 1_000):  # more at once, and a busy disk makes them wait
        assert audit.record(rows[first : first + 1_000]) is Durability.DATABASE
    began = time.process_time()  # of our own: what others do with the machine does not count
    assert repair(BOT, audit) == []
    assert time.process_time() - began < 1.0


def closed_by(order_id: str, amount: float) -> Sent:
    """What one run sent, and the exchange filled."""
    order = ClosingOrder(pair=PAIR, side=Side.LONG, amount=amount, client_order_id=f"ftl{order_id}")
    answer = {"id": order_id, "status": "closed", "filled": amount, "average": 9.0}
    close = Close(order=order, answer=answer)
    return Sent(correlation_id=f"liq_{order_id}", trigger="stop", pair=PAIR, closes=[close])


def test_profit_of_a_trade_that_two_runs_closed_is_on_record_once() -> None:
    """Each run is settled with its own orders; else sums over the audit trail count one twice."""
    init_db("sqlite://")
    trade = Trade(
        pair=PAIR, exchange="binance", stake_amount=10.0, amount=0.5, open_rate=9.0, fee_open=0.0,
        fee_close=0.0, is_open=False, open_date=datetime.now(UTC), leverage=1.0, is_short=False,
        close_profit_abs=7.0,
    )  # fmt: skip
    for order_id, tag in (
        ("1", None),
        ("2", "emergency_liquidation"),
        ("3", "emergency_liquidation"),
    ):
        raw = {"id": order_id, "status": "closed", "filled": 0.2, "amount": 0.2, "price": 9.0}
        trade.orders.append(Order.parse_from_ccxt_object(raw, PAIR, "sell", 0.2, 9.0))
        trade.orders[-1].ft_order_tag = tag
    Trade.session.add(trade)
    Trade.commit()
    first, last = closed_by("2", 0.2), closed_by("3", 0.3)
    sent: Any = [first, last]
    nobody: Any = None
    attempt = module._Repair(BOT, nobody, sent, fail_if_asked)
    entry = BookedPair(pair=PAIR, realized_pnl=7.0)
    assert [attempt._profit_of(one, entry) for one in sent] == [None, 7.0]
    Trade.session.remove()


def test_row_that_makes_no_sense_costs_its_own_pair_alone(
    audit: AuditLog, caplog: pytest.LogCaptureFixture
) -> None:
    """A date that is none in a row of freqtrade's, and no other pair was settled or tidied up."""
    init_db("sqlite://")
    pairs = ["ETH/USDT:USDT", PAIR]
    for number, pair in enumerate(pairs):
        trade = Trade(
            pair=pair, exchange="binance", stake_amount=10.0, amount=0.0, open_rate=9.0,
            fee_open=0.0, fee_close=0.0, is_open=False, open_date=datetime.now(UTC), leverage=1.0,
            is_short=False, close_profit_abs=7.0,
        )  # fmt: skip
        for order_id, side in ((f"{number}", "sell"), (f"stop {number}", "stoploss")):
            raw = {"id": order_id, "status": "open", "filled": 0.0, "amount": 0.2, "price": 9.0}
            trade.orders.append(Order.parse_from_ccxt_object(raw, pair, side, 0.2, 9.0))
        Trade.session.add(trade)
    Trade.commit()
    Trade.session.execute(text("UPDATE orders SET order_date = 'junk' WHERE ft_pair LIKE 'ETH%'"))
    Trade.commit()
    cancelled: list[str] = []
    bot: Any = SimpleNamespace(
        config={"dry_run": False},
        cancel_stoploss_on_exchange=lambda trade: cancelled.append(trade.pair),
    )
    sent = [replace(closed_by(f"{n}", 0.2), pair=pair) for n, pair in enumerate(pairs)]
    attempt = module._Repair(bot, Repairer(audit), sent, fail_if_asked)
    attempt._clear_stops(pairs)
    assert cancelled == [PAIR]
    entries = {pair: BookedPair(pair=pair, realized_pnl=7.0) for pair in pairs}
    attempt._settle(SimpleNamespace(booked={}, outbox=SimpleNamespace(messages=[])), entries)  # type: ignore[arg-type]
    kinds = {event["pair"]: event["event_type"] for event in audit.events() if event["error"]}
    assert kinds == {"ETH/USDT:USDT": Event.BOOKING_FAILED}
    Trade.session.remove()
