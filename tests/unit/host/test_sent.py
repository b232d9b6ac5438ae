"""What a run sent, as the audit trail tells it."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ccxt
import pytest

from freqtrade_liquidation.audit.events import AuditEvent
from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.audit.log import AuditLog, AuditUnreadable
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.audit.sink import RunRecord
from freqtrade_liquidation.errors import ExchangeRefused
from freqtrade_liquidation.host.history import Interrupted
from freqtrade_liquidation.host.sent import (
    INTENTS,
    Sent,
    find,
    find_put_back,
    names_on_record,
    sent_by,
)
from freqtrade_liquidation.model import ClosingOrder, Side
from freqtrade_liquidation.orders.executions import Close
from tests.integration.exchanges import trade

RUN = "liq_20260102_030405_ab12cd34"
PAIR = "BTC/USDT:USDT"


@pytest.fixture(params=["file", "memory"])
def audit(tmp_path: Path, request: pytest.FixtureRequest) -> AuditLog:
    url = f"sqlite:///{tmp_path / 'trades.sqlite'}" if request.param == "file" else "sqlite://"
    return AuditLog(url, fallback=tmp_path / "lines.sqlite", masker=Masker([]))


def note(audit: AuditLog, kind: Event, *, run: str = RUN, pair: str = PAIR, **data: Any) -> None:
    audit.record(
        [
            AuditEvent(
                event_type=kind,
                operation="close",
                correlation_id=run,
                pair=pair,
                additional_data=data,
            )
        ]
    )


def intend(audit: AuditLog, name: str, **values: Any) -> None:
    note(audit, Event.CLOSE_INTENDED, side="sell", amount=0.5, client_order_id=name, **values)


@pytest.mark.parametrize("data", [{}, {"side": "sell", "amount": "a lot", "client_order_id": "1"}])
def test_event_that_makes_no_sense_is_a_trail_that_cannot_be_read(
    audit: AuditLog, data: dict[str, Any]
) -> None:
    """Then the exchange is asked what was sold; it was the end of every run on spot."""
    note(audit, Event.CLOSE_INTENDED, **data)
    with pytest.raises(AuditUnreadable, match="makes no sense"):
        sent_by(audit, RUN)


def test_answered_refused_and_unknown_closes_are_three_things(audit: AuditLog) -> None:
    for name in ("ftl1", "ftl2", "ftl3"):
        intend(audit, name)
    note(audit, Event.CLOSE_ANSWERED, client_order_id="ftl1", order_id="77", filled=None)
    note(audit, Event.ATTEMPT_FAILED, client_order_id="ftl2", outcome="refused")
    note(audit, Event.ATTEMPT_FAILED, client_order_id="ftl3", outcome="unknown")
    note(audit, Event.ATTEMPT_FAILED, request="positions", outcome="unavailable")
    answered, refused, unknown = sent_by(audit, RUN)[PAIR].closes
    assert answered.answer == {"id": "77"}
    assert not answered.is_final, "accepted is not filled"
    assert refused.refused
    assert (unknown.refused, unknown.answer) == (False, None)
    assert unknown.order.side is Side.LONG
    assert unknown.order.amount == 0.5
    assert datetime.now(UTC) - unknown.sent_at < timedelta(seconds=10)


def test_stop_that_was_put_back_is_known_by_its_new_id(audit: AuditLog) -> None:
    note(audit, Event.STOP_INTENDED, order_id="1", stop_price=90.0, amount=0.5)
    note(audit, Event.STOP_INTENDED, order_id="3", stop_price=80.0, amount=0.1)
    note(audit, Event.STOP_PUT_BACK, order_id="2", replaces="1", amount=0.5)
    stop = sent_by(audit, RUN)[PAIR].stops.pop("2")
    assert datetime.now(UTC) - stop.pop("placed_at") < timedelta(seconds=10)
    assert stop == {"stop_price": 90.0, "amount": 0.5}


@pytest.mark.parametrize(
    ("end", "outcome", "sought"),
    [
        (None, None, True),
        (Event.STOP_LOST, "unknown", True),
        (Event.STOP_LOST, "refused", False),
        (Event.STOP_PUT_BACK, None, False),
    ],
)
def test_put_back_without_a_known_end_is_sought(
    audit: AuditLog, end: Event | None, outcome: str | None, sought: bool
) -> None:
    """The run may have been killed, too, while it waited for the answer."""
    note(audit, Event.STOP_INTENDED, order_id="1", stop_price=90.0, amount=0.5)
    if end is not None:
        note(audit, end, order_id="2", replaces="1", amount=0.5, outcome=outcome)
    found = sent_by(audit, RUN)[PAIR].sought
    assert list(found) == ["1"] * sought
    assert [(one["stop_price"], one["amount"]) for one in found.values()] == [(90.0, 0.5)] * sought


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ([], ["7"]),
        ([{"id": "known", "status": "open"}], ["7"]),
        ([{"id": "8", "status": "canceled", "filled": 0.0}], ["7"]),
        ([{"id": "8", "status": "closed", "filled": 0.5}], []),
        ([{"id": "8", "status": "open"}], []),
    ],
)
def test_stop_that_may_be_another_is_not_taken_for_the_one_put_back(
    others: list[dict[str, Any]], found: list[str]
) -> None:
    class Listing:
        async def read(self, ask: Any, *, timeout_s: float) -> Any:
            return [{"id": "7", "status": "open", "filled": 0.0}, *others]

    announced = {"stop_price": 90.0, "amount": 0.5, "placed_at": datetime.now(UTC)}
    sent = Sent(correlation_id=RUN, trigger="cli", pair=PAIR, sought={"1": announced})
    opened = replace(trade(PAIR, 0.5), order_ids=frozenset({"known"}))
    wire: Any = Listing()
    doubt = asyncio.run(find_put_back(wire, sent, opened))
    assert list(sent.stops) == found
    assert (doubt is None) is bool(found)


def test_unsettled_is_by_run_and_pair(audit: AuditLog) -> None:
    """A later run's booking of the same pair settles nothing of an earlier one."""
    later = "liq_20260102_030505_ab12cd34"
    intend(audit, "ftl1")
    intend(audit, "ftl2", run=later)
    intend(audit, "ftl3", pair="ETH/USDT:USDT")
    note(audit, Event.BOOKED, run=later)
    note(audit, Event.BOOKING_FAILED)
    assert audit.unsettled(INTENTS, Event.BOOKED) == [(RUN, PAIR), (RUN, "ETH/USDT:USDT")]


def test_names_on_record_are_those_of_booked_runs_and_of_the_file_too(tmp_path: Path) -> None:
    log = AuditLog(f"sqlite:///{tmp_path / 't.sqlite'}", fallback=tmp_path / "f", masker=Masker([]))
    began = datetime.now(UTC)
    for run, age_s in ((RUN, 0), ("liq_old", 7200)):
        row = RunRecord(
            correlation_id=run,
            trigger="cli",
            state="completed",
            started_at=began - timedelta(seconds=age_s),
            config={},
        )
        log.record([], row)
        intend(log, f"ftl_{run}", run=run)
    note(log, Event.BOOKED)
    with closing(sqlite3.connect(tmp_path / "t.sqlite", isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        intend(log, "ftl_waits")
        found = names_on_record(log, since=began - timedelta(hours=1))
    assert found == {f"ftl_{RUN}", "ftl_waits"}


def test_unsettled_in_a_database_without_our_tables_is_nothing(tmp_path: Path) -> None:
    log = AuditLog(
        f"sqlite:///{tmp_path / 'new.sqlite'}", fallback=tmp_path / "f", masker=Masker([])
    )
    assert log.unsettled(INTENTS, Event.BOOKED) == []
    assert log.last_sequence() == 0


@pytest.mark.parametrize(
    ("trigger", "age_s", "to_finish"),
    [
        ("telegram", 899, True),
        ("rest", 5, True),
        ("cli", 5, True),
        ("cli", 901, False),
        ("shutdown", 5, False),
        ("recovery", 5, False),
    ],
)
def test_only_an_operators_young_run_is_to_be_finished(
    trigger: str, age_s: float, to_finish: bool
) -> None:
    cut = Interrupted(
        words="cut off", correlation_id=RUN, trigger=trigger, actor=None, reason=None, pairs=None,
        open_before=(), age_s=age_s,
    )  # fmt: skip
    assert cut.to_finish is to_finish


@pytest.mark.parametrize(("accepted", "ended"), [(True, False), (False, True)])
def test_order_that_was_accepted_and_is_not_known_later_stays_in_doubt(
    accepted: bool, ended: bool
) -> None:
    """Taken for never executed, it would be sold again on spot."""

    class Forgetful:
        async def read(self, ask: Any, *, timeout_s: float) -> Any:
            raise ExchangeRefused("not found") from ccxt.OrderNotFound("not found")

    order = ClosingOrder(pair=PAIR, side=Side.LONG, amount=0.5, client_order_id="ftl1")
    close = Close(order=order, sent_at=datetime.now(UTC) - timedelta(days=3))
    close.answer = {"id": "77"} if accepted else None
    sent = Sent(correlation_id=RUN, trigger="cli", pair=PAIR, closes=[close])
    wire: Any = Forgetful()
    doubt = asyncio.run(find(wire, sent, close))
    assert (doubt is None) is ended
    assert close.refused is ended
