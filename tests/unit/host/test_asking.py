"""A request to the bot: taken, answered, ignored, or with nobody there to take it."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.host.lease import (
    BookDatabase,
    Lease,
    Requests,
    RunClaims,
    StoredRequest,
)
from freqtrade_liquidation.host.outside import asking
from freqtrade_liquidation.host.outside.asking import Asker, Handed, result_of
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import PairOutcome, PairState, Request, Side
from freqtrade_liquidation.state import LiquidationState

RUN = "liq_20260101_000000_aa"
REQUEST = Request(trigger="cli", actor="eve@host", reason="fire")
RESULT = LiquidationResult(
    state=LiquidationState.PARTIAL,
    correlation_id=RUN,
    positions_closed=1,
    positions_failed=1,
    total_realized_pnl=-1.5,
    duration_seconds=0.4,
    errors=("no",),
    outcomes=(
        PairOutcome(
            pair="BTC/USDT:USDT",
            side=Side.LONG,
            state=PairState.OPEN,
            amount=0.5,
            residual_amount=0.5,
            error="no",
        ),
    ),
)


class Stage:
    """A database, its audit trail, and what the asker said."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "t.sqlite"
        self.url = f"sqlite:///{self.file}"
        self.audit = AuditLog(self.url, fallback=folder / "x.sqlite", masker=Masker())
        self.audit.import_fallback()
        self.bot = BookDatabase(self.url)
        self.said: list[str] = []
        self.heard: list[AuditEvent] = []

    def ask(self) -> Handed:
        asker = Asker(BookDatabase(self.url), self.audit, say=self.said.append, run_s=0.1)
        return asker.hand_over(REQUEST, self.heard.append)

    def play_bot(
        self, act: Callable[[StoredRequest], None], *, renews: bool = True
    ) -> threading.Thread:
        """A bot that takes the next request and does *act*."""
        if renews:
            Lease(self.bot).renew()
        requests = Requests(self.bot)

        def loop() -> None:
            while (taken := requests.take_next()) is None:
                pass
            act(taken)

        thread = threading.Thread(target=loop)
        thread.start()
        return thread


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(asking, "ANSWERS_WITHIN_S", 0.3)
    made = Stage(tmp_path)
    yield made
    made.audit.close()


def test_no_bot_ever_we_run_and_book(stage: Stage) -> None:
    handed = stage.ask()
    assert (handed.result, handed.books) == (None, True)


def test_bot_that_ended_well_we_run_and_book(stage: Stage) -> None:
    lease = Lease(stage.bot)
    lease.renew()
    lease.release()
    handed = stage.ask()
    assert (handed.result, handed.books) == (None, True)
    assert "has ended" in handed.words


def test_bot_not_heard_of_for_a_minute_we_run_and_book(stage: Stage) -> None:
    Lease(stage.bot).renew()
    with sqlite3.connect(stage.file) as connection:
        connection.execute(
            "UPDATE liquidation_lease SET clock_s = clock_s - 61, renewed_at = '2026-01-01'"
        )
    handed = stage.ask()
    assert (handed.result, handed.books) == (None, True)
    assert "not been heard of" in handed.words


def test_bot_that_answers_runs_it_and_its_events_are_heard(stage: Stage) -> None:
    requests = Requests(stage.bot)

    def run(taken: StoredRequest) -> None:
        assert taken.as_request() == REQUEST
        requests.begun(taken.id, RUN)
        event = AuditEvent(
            event_type=AuditEventType.STARTED, operation="run", correlation_id=RUN, trigger="cli"
        )
        stage.audit.record([event])
        requests.answer(taken.id, RUN, RESULT.to_dict())

    bot = stage.play_bot(run)
    handed = stage.ask()
    bot.join()
    assert handed.result == RESULT
    assert [event.event_type for event in stage.heard] == [AuditEventType.STARTED]
    assert "carries it out" in stage.said[0]


def test_bot_that_is_silent_loses_the_request_and_keeps_the_booking(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "TAKEN_WITHIN_S", 0.2)
    Lease(stage.bot).renew()
    handed = stage.ask()
    assert (handed.result, handed.books) == (None, False)
    assert "did not take the request" in handed.words
    assert Requests(stage.bot).take_next() is None, "withdrawn"


FOREIGN_CLOCK = "UPDATE liquidation_lease SET clock_id = 'elsewhere', renewed_at = '2026-01-01'"


def test_bot_whose_clock_is_wrong_is_asked_all_the_same(stage: Stage) -> None:
    """Two machines without a shared clock: the wall clock says that it died long ago."""
    requests = Requests(stage.bot)
    Lease(stage.bot).renew()
    with sqlite3.connect(stage.file) as connection:
        connection.execute(FOREIGN_CLOCK)
    bot = stage.play_bot(
        lambda taken: requests.answer(taken.id, RUN, RESULT.to_dict()), renews=False
    )
    assert stage.ask().result == RESULT
    bot.join()


def test_bot_silent_on_a_foreign_clock_is_booked_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead bot is not alive for ever, only because nobody can tell the time."""
    monkeypatch.setattr(asking, "TAKEN_WITHIN_S", 0.2)
    Lease(stage.bot).renew()
    with sqlite3.connect(stage.file) as connection:
        connection.execute(FOREIGN_CLOCK)
    handed = stage.ask()
    assert (handed.result, handed.books) == (None, True)


def test_bot_that_takes_it_and_dies_is_not_waited_for_forever(stage: Stage) -> None:
    bot = stage.play_bot(lambda taken: None)
    handed = stage.ask()
    bot.join()
    assert (handed.result, handed.books) == (None, False)
    assert "did not end it" in handed.words


def test_bot_whose_run_is_under_way_is_waited_for(stage: Stage) -> None:
    """Longer than its time: it waits for its turn, or the exchange is slow."""
    requests, claims = Requests(stage.bot), RunClaims(stage.bot)

    def run(taken: StoredRequest) -> None:
        assert claims.acquire(RUN, for_s=5)
        requests.begun(taken.id, RUN)
        threading.Event().wait(1.0)
        requests.answer(taken.id, RUN, RESULT.to_dict())
        claims.release(RUN)

    bot = stage.play_bot(run)
    handed = stage.ask()
    bot.join()
    assert handed.result == RESULT


def test_database_that_does_not_answer_we_run_and_book_nothing(stage: Stage) -> None:
    Lease(stage.bot).renew()
    with sqlite3.connect(stage.file, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        handed = stage.ask()
    assert (handed.result, handed.books) == (None, False)


@pytest.mark.parametrize(("taken", "words"), [(False, "withdrawn"), (True, "goes on")])
def test_interrupted_while_waiting_says_what_becomes_of_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, taken: bool, words: str
) -> None:
    def interrupt(_seconds: float) -> None:
        if taken:
            assert Requests(stage.bot).take_next() is not None
        raise KeyboardInterrupt

    Lease(stage.bot).renew()
    monkeypatch.setattr(time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        stage.ask()
    assert words in stage.said[-1]


def test_result_survives_the_way_through_the_database() -> None:
    assert result_of(RESULT.to_dict()) == RESULT
