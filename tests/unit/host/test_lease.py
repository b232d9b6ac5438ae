"""Lease, requests and turns, on a real SQLite database; two processes are two ``BookDatabase``."""

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freqtrade_liquidation.audit.shared_rows import ANSWER_LENGTH
from freqtrade_liquidation.exchange.last_answers import KeyRefusal, LastAnswers, SignedAnswers
from freqtrade_liquidation.host.lease import (
    BookDatabase,
    BookUnavailable,
    Lease,
    LeaseSight,
    Pulse,
    Requests,
    RequestState,
    RunClaims,
)
from freqtrade_liquidation.host.lease import clock as clock_module
from freqtrade_liquidation.host.lease import database as database_module
from freqtrade_liquidation.host.lease.clock import Moment
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.state import LiquidationState
from tests.stopwatch import Stopwatch

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
BOTH = frozenset({BTC, ETH})
WALL = datetime(2026, 1, 1, tzinfo=UTC)
Open = Callable[[], BookDatabase]


class Clock:
    """A shared clock and a wall clock that tests can turn."""

    def __init__(self) -> None:
        self.id = "boot-1"
        self.s = 1000.0
        self.wall = WALL

    def pass_s(self, seconds: float) -> None:
        self.s += seconds
        self.wall += timedelta(seconds=seconds)

    def read(self, _connection: object) -> Moment:
        return Moment(clock_id=self.id, clock_s=self.s, wall=self.wall)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(database_module, "read_clock", made.read)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "trades.sqlite"


@pytest.fixture
def open_book(file: Path) -> Iterator[Open]:
    """Each call is another process."""
    books: list[BookDatabase] = []

    def make() -> BookDatabase:
        books.append(BookDatabase(f"sqlite:///{file}"))
        books[-1]._within_s = 10.0  # a machine full of tests needs more than a bot would wait for
        return books[-1]

    yield make
    for book in books:
        book.close()


def sight_of(lease: Lease) -> LeaseSight:
    found = lease.look()
    assert found is not None
    return found


# -- lease --------------------------------------------------------------------------------------


def told_by(lease: Lease) -> SignedAnswers:
    lease.answers = SignedAnswers(lambda: 0.0)
    return lease.answers


def test_answers_are_told_with_each_renewal_and_grow_older_by_the_shared_clock(
    open_book: Open, clock: Clock
) -> None:
    bot, cli = Lease(open_book()), Lease(open_book())
    answers = told_by(bot)
    bot.renew()
    assert cli.answers_told() == LastAnswers()
    answers.answered("read")
    answers.refuse("write", "no")
    assert cli.answers_told() == LastAnswers(), "it tells with its renewals alone"
    bot.renew()
    clock.pass_s(7)
    clock.wall -= timedelta(days=300)
    refusal = KeyRefusal(request="write", s_ago=7, error="no")
    assert cli.answers_told() == LastAnswers(answered_s_ago=7, refused=(refusal,))
    clock.pass_s(60)
    assert cli.answers_told() is None, "of a bot that is silent nothing is known"


def test_answers_of_a_clock_that_is_ahead_are_of_now(open_book: Open, clock: Clock) -> None:
    bot, cli = Lease(open_book()), Lease(open_book())
    told_by(bot).answered("read")
    clock.wall += timedelta(seconds=30)
    bot.renew()
    clock.id, clock.wall = "another-machine", WALL
    assert cli.answers_told() == LastAnswers(answered_s_ago=0)


ERROR = "x" * ANSWER_LENGTH
JUNK = {
    "a text": "soon",
    "nothing in JSON": "null",
    "not a number": '{"answered_s_ago":NaN,"refused":[]}',
    "a negative age": '{"answered_s_ago":-5,"refused":[]}',
    "a huge age": '{"answered_s_ago":1e300,"refused":[]}',
    "an age that is a text": '{"answered_s_ago":"5","refused":[]}',
    "an age that is true": '{"answered_s_ago":true,"refused":[]}',
    "a list": "[]",
    "no refusals": '{"answered_s_ago":5}',
    "refusals that are none": '{"answered_s_ago":5,"refused":[7]}',
    "an unknown kind": '{"answered_s_ago":5,"refused":[{"request":"x","s_ago":1,"error":"x"}]}',
    "escape sequences": json.dumps(
        {"answered_s_ago": 5, "refused": [{"request": "read", "s_ago": 1, "error": "\x1b[2J"}]}
    ),
    "two lines": json.dumps(
        {"answered_s_ago": 5, "refused": [{"request": "read", "s_ago": 1, "error": "a\nArmed"}]}
    ),
    "a megabyte": json.dumps(
        {"answered_s_ago": 5, "refused": [{"request": "read", "s_ago": 1, "error": "x" * 10**6}]}
    ),
    "a letter too long": json.dumps(
        {"answered_s_ago": 5, "refused": [{"request": "read", "s_ago": 1, "error": ERROR + "x"}]}
    ),
    "nested": "[" * 100_000,
}


@pytest.mark.parametrize("name", JUNK)
def test_junk_in_the_answers_costs_them_and_no_lease(
    open_book: Open, file: Path, name: str
) -> None:
    bot, book = Lease(open_book()), open_book()
    bot.renew()
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE liquidation_lease SET answers = ?", (JUNK[name],))
    assert Lease(book).answers_told() is None
    assert sight_of(Lease(book)).is_fresh
    if name != "nothing in JSON":  # as if nothing were told
        (aside,) = book.border.set_aside
        assert len(str(aside)) < 200
        assert str(aside).isprintable()
    told_by(bot).answered("read")
    assert bot.renew()
    assert Lease(book).answers_told() is not None


@pytest.mark.parametrize("taken", [False, True])
def test_table_without_the_answers_costs_them_and_no_lease(
    open_book: Open, clock: Clock, file: Path, caplog: pytest.LogCaptureFixture, taken: bool
) -> None:
    """A restored table, whose version says otherwise."""
    bot = Lease(open_book())
    if taken:
        bot.renew()
    else:
        Lease(open_book()).renew()
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("ALTER TABLE liquidation_lease DROP COLUMN answers")
        if not taken:
            database.execute("DELETE FROM liquidation_lease")
    told_by(bot).answered("read")
    for _ in range(3):
        clock.pass_s(50)
        assert bot.renew()
        assert sight_of(Lease(open_book())).is_fresh
    assert Lease(open_book()).answers_told() is None
    assert (
        len([r for r in caplog.records if "not told what the exchange answers" in r.message]) == 1
    )
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("DROP TABLE liquidation_lease")
    bot.renew()
    assert Lease(open_book()).answers_told() == LastAnswers(answered_s_ago=0)


def test_many_refusals_are_one_of_each_kind(open_book: Open, file: Path) -> None:
    bot = Lease(open_book())
    bot.renew()
    refused = [{"request": "read", "s_ago": n, "error": ERROR} for n in range(5000)]
    row = json.dumps({"answered_s_ago": None, "refused": refused})
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE liquidation_lease SET answers = ?", (row,))
    told = bot.answers_told()
    assert told is not None
    assert len(told.refused) == 1


def test_no_bot_ever_ran_no_lease(open_book: Open) -> None:
    assert Lease(open_book()).look() is None


def test_lease_renewed_is_fresh_for_a_minute(open_book: Open, clock: Clock) -> None:
    bot, cli = Lease(open_book()), Lease(open_book())
    assert bot.renew()
    clock.pass_s(59)
    seen = sight_of(cli)
    assert seen.is_fresh
    assert seen.age_s == 59
    clock.pass_s(2)
    assert not sight_of(cli).is_fresh
    assert bot.renew()
    assert sight_of(cli).is_fresh
    assert seen.has_moved(sight_of(cli))
    assert not seen.has_moved(seen)


def test_lease_released_is_not_fresh(open_book: Open, clock: Clock) -> None:
    bot, cli = Lease(open_book()), Lease(open_book())
    bot.renew()
    bot.release()
    assert sight_of(cli).released
    assert not sight_of(cli).is_fresh


@pytest.mark.parametrize("jump", [timedelta(days=-300), timedelta(days=300)])
def test_wall_clock_jumps_neither_kill_nor_revive(
    open_book: Open, clock: Clock, jump: timedelta
) -> None:
    bot, cli = Lease(open_book()), Lease(open_book())
    bot.renew()
    clock.wall += jump
    assert sight_of(cli).is_fresh, "the machine's time since boot tells"
    clock.s += 61
    assert not sight_of(cli).is_fresh


def test_written_before_a_reboot_the_wall_clock_tells(open_book: Open, clock: Clock) -> None:
    """The time since boot has started anew: the old one says nothing."""
    bot, cli = Lease(open_book()), Lease(open_book())
    bot.renew()
    clock.id, clock.s = "boot-2", 1.0
    clock.wall += timedelta(seconds=90)
    assert not sight_of(cli).is_fresh


def test_time_far_ahead_is_stale_not_eternally_fresh(open_book: Open, clock: Clock) -> None:
    bot, cli = Lease(open_book()), Lease(open_book())
    clock.wall += timedelta(days=400)
    bot.renew()
    clock.id, clock.wall = "another-machine", WALL
    assert sight_of(cli).age_s < 0
    assert not sight_of(cli).is_fresh


def test_later_bot_takes_the_lease_and_the_earlier_does_not_take_it_back(
    open_book: Open, clock: Clock
) -> None:
    """Containers overlap when they are replaced."""
    old_book, new_book = open_book(), open_book()
    old, new = Lease(old_book), Lease(new_book)
    assert old.renew()
    assert new.renew()
    assert not old.renew()
    old.release()
    seen = sight_of(old)
    assert (seen.holder, seen.released) == (new_book.holder, False)
    new.release()
    assert old.renew(), "the other is gone"


# -- requests -----------------------------------------------------------------------------------


def ask(pairs: frozenset[str] | None = None) -> Request:
    return Request(trigger="cli", actor="cli eve@host", reason="fire", pairs=pairs)


def test_request_left_taken_begun_and_answered(open_book: Open) -> None:
    cli, bot = Requests(open_book()), Requests(open_book())
    assert bot.take_next() is None
    one = cli.leave(ask(BOTH))
    taken = bot.take_next()
    assert taken is not None
    assert taken.as_request() == ask(BOTH)
    assert bot.take_next() is None
    bot.begun(one, "liq_1")
    seen = cli.get(one)
    assert seen is not None
    assert (seen.state, seen.correlation_id, seen.result) == (RequestState.TAKEN, "liq_1", None)
    result = LiquidationResult(state=LiquidationState.COMPLETED, correlation_id="liq_1").to_dict()
    bot.answer(one, "liq_1", result)
    seen = cli.get(one)
    assert seen is not None
    assert (seen.state, seen.result) == (RequestState.DONE, result)


def test_request_withdrawn_is_not_taken_and_taken_is_not_withdrawn(open_book: Open) -> None:
    cli, bot = Requests(open_book()), Requests(open_book())
    one = cli.leave(ask())
    assert cli.withdraw(one)
    assert cli.withdraw(one), "it is"
    assert bot.take_next() is None
    two = cli.leave(ask())
    assert bot.take_next() is not None
    assert not cli.withdraw(two)


@pytest.mark.parametrize("seconds", [-11, 11])
def test_request_whose_asker_died_expires(open_book: Open, clock: Clock, seconds: float) -> None:
    """A bot that starts tomorrow must not close its book for yesterday's command."""
    Requests(open_book()).leave(ask())
    clock.pass_s(seconds)
    assert Requests(open_book()).take_next() is None


# -- turns --------------------------------------------------------------------------------------


def test_one_run_at_a_time_until_released(open_book: Open) -> None:
    one, two = RunClaims(open_book()), RunClaims(open_book())
    assert one.acquire("liq_1", for_s=5, pairs=BOTH)
    assert not two.acquire("liq_2", for_s=5)
    holds = two.under_way()
    assert holds is not None
    assert (holds.correlation_id, holds.pairs, holds.under_way) == ("liq_1", BOTH, True)
    one.release("liq_1", booked=True, flat=True)
    assert two.under_way() is None
    assert two.acquire("liq_2", for_s=5)


def test_turn_of_a_killed_process_expires_after_its_deadline(open_book: Open, clock: Clock) -> None:
    one, two = RunClaims(open_book()), RunClaims(open_book())
    one.acquire("liq_1", for_s=5)
    clock.wall += timedelta(days=1)
    assert not two.acquire("liq_2", for_s=5), "a clock that jumps takes nobody's turn away"
    clock.s += 6.5
    assert two.acquire("liq_2", for_s=5)
    one.release("liq_1")
    assert two.under_way() is not None, "releasing is for one's own"


def test_waiting_for_a_turn_gets_it_when_it_is_released(open_book: Open, clock: Clock) -> None:
    one = RunClaims(open_book())
    one.acquire("liq_1", for_s=5)
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        clock.s += seconds
        if len(waited) == 3:
            one.release("liq_1")

    two = RunClaims(open_book(), monotonic=lambda: clock.s, sleep=sleep)
    assert two.acquire("liq_2", for_s=5, wait_s=2)
    assert len(waited) == 3
    three = RunClaims(open_book(), monotonic=lambda: clock.s, sleep=sleep)
    began = clock.s
    assert not three.acquire("liq_3", for_s=5, wait_s=2)
    assert clock.s - began == pytest.approx(2, abs=0.1)


def test_old_turns_are_tidied_up(open_book: Open, file: Path) -> None:
    claims = RunClaims(open_book())
    for number in range(60):
        assert claims.acquire(f"liq_{number}", for_s=1)
        claims.release(f"liq_{number}")
    with sqlite3.connect(file) as connection:
        (count,) = connection.execute("SELECT count(*) FROM liquidation_claims").fetchone()
    assert count == 50


# -- the bot's loop -----------------------------------------------------------------------------


class Bot:
    """A bot's loop; its monotonic clock goes with the shared one."""

    def __init__(self, book: BookDatabase, clock: Clock) -> None:
        self.lease = Lease(book)
        self.pulse = Pulse(book, self.lease, monotonic=lambda: clock.s)


def test_pulse_renews_and_looks_at_its_own_pace(open_book: Open, clock: Clock) -> None:
    bot, cli = Bot(open_book(), clock), open_book()
    bot.pulse.beat()
    first = sight_of(Lease(cli))
    Requests(cli).leave(ask())
    assert not bot.pulse.beat().request_waits, "it has just looked"
    clock.pass_s(0.5)
    assert bot.pulse.beat().request_waits
    assert not first.has_moved(Lease(cli).look())
    clock.pass_s(5)
    bot.pulse.beat()
    assert first.has_moved(Lease(cli).look())


def test_pulse_tells_of_foreign_runs_once_and_bars_until_lifted(
    open_book: Open, clock: Clock
) -> None:
    bot, claims = Bot(open_book(), clock), RunClaims(open_book())
    bot.pulse.beat()
    claims.acquire("liq_1", for_s=5, pairs={BTC})
    held = bot.pulse.barred_by(BTC)
    assert held is not None, "asked anew, before the loop has looked"
    assert held.correlation_id == "liq_1"
    assert bot.pulse.barred_by(ETH) is None
    clock.pass_s(1)
    assert [c.correlation_id for c in bot.pulse.beat().started] == ["liq_1"]
    clock.pass_s(1)
    assert not bot.pulse.beat().started
    claims.release("liq_1", booked=False, flat=True)
    clock.pass_s(1)
    (ended,) = bot.pulse.beat().ended
    assert (ended.booked, ended.flat, ended.under_way) == (False, True, False)
    clock.pass_s(1)
    assert not bot.pulse.beat().ended
    assert bot.pulse.barred_by(BTC) is not None, "until /start"
    bot.pulse.lift()
    assert bot.pulse.barred_by(BTC) is None


def test_pulse_of_a_loop_that_slept_through_a_foreign_run_tells_its_end(
    open_book: Open, clock: Clock
) -> None:
    bot, claims = Bot(open_book(), clock), RunClaims(open_book())
    bot.pulse.beat()
    for number in (1, 2):
        claims.acquire(f"liq_{number}", for_s=5)
        claims.release(f"liq_{number}", booked=False)
    assert bot.pulse.barred_by(ETH) is not None, "the strategy was slow, and now it wants to enter"
    clock.pass_s(30)
    assert [c.correlation_id for c in bot.pulse.beat().ended] == ["liq_1", "liq_2"]


def test_pulse_foreign_run_that_was_killed_ends_and_bars(open_book: Open, clock: Clock) -> None:
    bot, claims = Bot(open_book(), clock), RunClaims(open_book())
    bot.pulse.beat()
    claims.acquire("liq_1", for_s=5)
    clock.pass_s(1)
    assert bot.pulse.beat().started
    clock.pass_s(6)
    (ended,) = bot.pulse.beat().ended
    assert (ended.booked, ended.flat) == (None, None)
    bot.pulse.lift()
    assert bot.pulse.barred_by(BTC) is None


def test_pulse_lift_leaves_a_run_under_way_barring(open_book: Open, clock: Clock) -> None:
    bot, claims = Bot(open_book(), clock), RunClaims(open_book())
    claims.acquire("liq_1", for_s=5)
    assert bot.pulse.beat().started, "under way when the bot starts"
    bot.pulse.lift()
    assert bot.pulse.barred_by(BTC) is not None


def test_pulse_runs_over_before_its_start_are_not_told(open_book: Open, clock: Clock) -> None:
    claims = RunClaims(open_book())
    claims.acquire("liq_1", for_s=5)
    claims.release("liq_1")
    bot = Bot(open_book(), clock)
    beat = bot.pulse.beat()
    assert (beat.started, beat.ended) == ((), ()) or not (beat.started or beat.ended)
    assert bot.pulse.barred_by(BTC) is None


def test_pulse_own_runs_bar_nothing(open_book: Open, clock: Clock) -> None:
    book = open_book()
    bot = Bot(book, clock)
    RunClaims(book).acquire("liq_1", for_s=5)
    assert not bot.pulse.beat().started
    assert bot.pulse.barred_by(BTC) is None


def test_pulse_locked_database_still_hears_requests(
    open_book: Open, clock: Clock, file: Path
) -> None:
    """A writer stops no reader: the renewal waits, the request is heard."""
    bot = Bot(open_book(), clock)
    bot.pulse.beat()
    Requests(open_book()).leave(ask())
    clock.pass_s(6)
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert bot.pulse.beat().request_waits


# -- a database that does not play along --------------------------------------------------------


def test_locked_database_fails_in_time_and_nothing_else_is_raised(
    open_book: Open, file: Path
) -> None:
    book = open_book()
    Lease(book).renew()
    claims, requests = RunClaims(book), Requests(book)
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        for call in (
            Lease(book).renew,
            Lease(book).look,
            Lease(book).release,
            requests.take_next,
            lambda: requests.leave(ask()),
            lambda: requests.withdraw("x"),
            claims.under_way,
            lambda: claims.acquire("liq_1", for_s=5, wait_s=2),
            lambda: claims.release("liq_1"),
            lambda: Pulse(book, Lease(book)).barred_by(BTC),
        ):
            watch = Stopwatch()
            with pytest.raises(BookUnavailable):
                call()
            assert watch.stop() < 0.4
        assert Pulse(book, Lease(book)).beat().request_waits is False


def test_file_replaced_under_us_tables_are_made_again(open_book: Open, file: Path) -> None:
    lease = Lease(open_book())
    assert lease.renew()
    file.unlink()
    with pytest.raises(BookUnavailable, match="gone"):
        lease.renew()
    assert not file.exists(), "not made anew: another one may be about to be put there"
    file.touch()
    assert lease.renew()
    assert lease.look() is not None


@pytest.mark.parametrize(
    "change",
    [
        "for_s = 'soon', holder = 'x'",
        "clock_s = 'never'",
        "claimed_at = 'soon'",
        "pairs = '{'",
        "host = x'ff'",
        "host = char(27) || '[2J'",
        "correlation_id = char(8238) || 'a'",
        "number = 9223372036854775807",
        "number = -1",
    ],
)
def test_claim_that_makes_no_sense_holds_nobody(open_book: Open, file: Path, change: str) -> None:
    """A broken row costs itself: the next run takes its turn, and the bot's loop looks on."""
    one, two = RunClaims(open_book()), open_book()
    assert one.acquire("a", for_s=5)
    with contextlib.closing(sqlite3.connect(file)) as other, other:
        other.execute(f"UPDATE liquidation_claims SET {change}")
    assert RunClaims(two).under_way() is None
    assert RunClaims(two).acquire("b", for_s=5)
    assert Pulse(two, Lease(two)).barred_by(BTC) is None


def test_claim_for_a_year_holds_the_turn_for_a_run(
    open_book: Open, file: Path, clock: Clock
) -> None:
    one, two = RunClaims(open_book()), RunClaims(open_book())
    assert one.acquire("liq_1", for_s=365 * 24 * 3600.0)
    clock.pass_s(60)
    assert not two.acquire("liq_2", for_s=5)
    clock.pass_s(2)
    assert two.under_way() is None
    assert two.acquire("liq_2", for_s=5)


@pytest.mark.parametrize("column", ["created_at", "clock_s", "pairs", "state", "actor", "reason"])
def test_request_that_makes_no_sense_is_not_taken_and_hides_no_other(
    open_book: Open, file: Path, column: str
) -> None:
    cli, bot = Requests(open_book()), Requests(open_book())
    cli.leave(ask(BOTH))
    with contextlib.closing(sqlite3.connect(file)) as other, other:
        other.execute(f"UPDATE liquidation_requests SET {column} = x'ff00'")
    good = cli.leave(ask())
    taken = bot.take_next()
    assert taken is not None
    assert taken.id == good
    assert bot.take_next() is None


@pytest.mark.parametrize("away", ["+1 hour", "-1 hour", "+2 seconds"])
def test_rows_of_others_crowd_out_no_request(open_book: Open, file: Path, away: str) -> None:
    """A hundred requests of tomorrow hid the one of now."""
    cli, bot = Requests(open_book()), Requests(open_book())
    good = cli.leave(ask())
    with contextlib.closing(sqlite3.connect(file)) as other, other:
        other.execute(
            "INSERT INTO liquidation_requests WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT "
            "x + 1 FROM n WHERE x < 250) SELECT 'other' || x, strftime('%Y-%m-%d %H:%M:%f000', "
            "created_at, ?), 'elsewhere', 0, 'no json', actor, reason, state, NULL, NULL, NULL "
            "FROM liquidation_requests, n",
            (away,),
        )
    taken = bot.take_next()
    assert taken is not None
    assert taken.id == good
    waits = cli.leave(ask())
    cli.leave(ask())
    taken = bot.take_next()
    assert taken is not None
    assert taken.id == waits


def test_lease_that_makes_no_sense_is_none_and_is_taken(open_book: Open, file: Path) -> None:
    bot, cli = Lease(open_book()), Lease(open_book())
    bot.renew()
    with contextlib.closing(sqlite3.connect(file)) as other, other:
        other.execute("UPDATE liquidation_lease SET counter = 'many', renewed_at = 'soon'")
    assert cli.look() is None
    assert bot.renew()
    assert sight_of(cli).is_fresh


def test_old_requests_are_tidied_up(open_book: Open, file: Path) -> None:
    """A bot that runs for years is asked thousands of times."""
    cli = Requests(open_book())
    last = [cli.leave(ask()) for _ in range(160)][-1]
    with contextlib.closing(sqlite3.connect(file)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM liquidation_requests").fetchone()
    assert count <= 51
    assert cli.get(last) is not None


def test_in_memory_database_is_nobody_elses(clock: Clock) -> None:
    book = BookDatabase("sqlite://")
    assert not book.is_shared
    pulse = Pulse(book, Lease(book))
    assert not pulse.beat().request_waits
    assert pulse.barred_by(BTC) is None
    with pytest.raises(BookUnavailable, match="in memory"):
        RunClaims(book).acquire("liq_1", for_s=5)


def test_holders_are_random_not_process_ids(open_book: Open) -> None:
    """Two containers both run as process 1."""
    assert open_book().holder != open_book().holder


def test_shared_clock_on_linux_is_the_machines_time_since_boot(open_book: Open) -> None:
    if not clock_module.BOOT_ID.exists():
        pytest.skip("no boot id on this system: the wall clock must do")
    moments: list[Moment] = []
    book = open_book()
    Lease(book).renew()
    book.read(lambda connection, now: moments.append(now), empty=None)
    assert moments[0].clock_id == clock_module.BOOT_ID.read_text().strip()
    assert moments[0].clock_s == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=5)
