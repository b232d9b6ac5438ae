"""Two processes, one book: turns and requests between real processes, on both databases."""

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from freqtrade_liquidation.host.lease import (
    BookDatabase,
    BookUnavailable,
    Lease,
    Pulse,
    Requests,
    RequestState,
    RunClaims,
)
from freqtrade_liquidation.model import Request
from tests.stopwatch import Stopwatch

T = TypeVar("T")
ROOT = Path(__file__).parents[2]

CLAIMER = """
import os, sys
from freqtrade_liquidation.host.lease import BookDatabase, BookUnavailable, RunClaims
url, flag, name = sys.argv[1:]
claims = RunClaims(BookDatabase(url))
print("ready", flush=True)
sys.stdin.readline()
done = 0
while done < 15:
    try:
        if not claims.acquire(f"{name}_{done}", for_s=20, wait_s=20):
            sys.exit("no turn within 20 s")
    except BookUnavailable:
        continue
    os.close(os.open(flag, os.O_CREAT | os.O_EXCL))  # fails if another has its turn now
    os.unlink(flag)
    while True:
        try:
            claims.release(f"{name}_{done}")
            break
        except BookUnavailable:
            continue
    done += 1
print(done)
"""

TAKER = """
import sys
from pathlib import Path
from freqtrade_liquidation.host.lease import BookDatabase, BookUnavailable, Requests
requests, all_are_left = Requests(BookDatabase(sys.argv[1])), Path(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
idle = 0
while idle < 2:
    is_last = all_are_left.exists()
    try:
        taken = requests.take_next()
    except BookUnavailable:
        print("unheard", flush=True)  # one may have been taken all the same
        continue
    idle = idle + 1 if taken is None and is_last else 0
    if taken is not None:
        print(taken.id, flush=True)
"""


class Pair:
    """Two processes of the same script, let go at once."""

    def __init__(self, script: str, *arguments: str) -> None:
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-c", script, *arguments, *([name] if arguments[1:] else [])],
                cwd=ROOT,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
            for name in ("A", "B")
        ]
        for process in self.processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"

    def go(self) -> None:
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()

    def results(self) -> list[str]:
        """What each printed; both ended well."""
        ended = [process.communicate(timeout=90) for process in self.processes]
        assert [p.returncode for p in self.processes] == [0, 0], [error for _, error in ended]
        return [out for out, _ in ended]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that both processes reach."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql"))
    return f"sqlite:///{tmp_path}/t.sqlite"


def test_turns_of_two_processes_never_overlap(url: str, tmp_path: Path) -> None:
    claims = RunClaims(BookDatabase(url))
    answered(lambda: claims.acquire("makes the tables", for_s=0))
    pair = Pair(CLAIMER, url, str(tmp_path / "flag"))
    pair.go()
    assert pair.results() == ["15\n", "15\n"]


def test_request_is_taken_once_or_withdrawn_never_both(url: str, tmp_path: Path) -> None:
    requests = Requests(BookDatabase(url))
    left: list[str] = []
    withdrawn: set[str] = set()
    takers = Pair(TAKER, url, str(tmp_path / "all are left"))
    takers.go()
    for number in range(30):
        try:
            left.append(requests.leave(Request(trigger="cli")))
            if number % 2 and requests.withdraw(left[-1]):
                withdrawn.add(left[-1])
        except BookUnavailable:
            continue  # a lock: whoever is not withdrawn is taken
    (tmp_path / "all are left").touch()
    taken = Counter(line for out in takers.results() for line in out.split())
    unheard = taken.pop("unheard", 0)
    assert max(taken.values()) == 1
    assert not withdrawn & taken.keys()
    assert len(left) > 10
    state = {request_id: stored_state(requests, request_id) for request_id in left}
    assert set(state.values()) <= {RequestState.TAKEN, RequestState.WITHDRAWN}
    assert {state[request_id] for request_id in left if request_id in taken} == {RequestState.TAKEN}
    assert {state[request_id] for request_id in withdrawn} <= {RequestState.WITHDRAWN}
    others = [request_id for request_id in left if request_id not in taken]
    assert sum(state[request_id] is RequestState.TAKEN for request_id in others) <= unheard


def stored_state(requests: Requests, request_id: str) -> RequestState:
    stored = answered(lambda: requests.get(request_id))
    assert stored is not None
    return stored.state


def answered(ask: Callable[[], T]) -> T:
    """A server has 0.3 s to answer, which a machine full of tests may need."""
    for _ in range(9):
        with contextlib.suppress(BookUnavailable):
            return ask()
    return ask()


def test_lease_ages_by_the_databases_clock(url: str) -> None:
    bot, cli = Lease(BookDatabase(url)), Lease(BookDatabase(url))
    assert answered(cli.look) is None
    assert answered(bot.renew)
    seen = answered(cli.look)
    assert seen is not None
    assert 0 <= seen.age_s < 5
    assert seen.is_fresh
    answered(bot.release)
    seen = answered(cli.look)
    assert seen is not None
    assert not seen.is_fresh


def test_server_that_is_frozen_is_not_waited_for(postgresql: str) -> None:
    """It accepts connections and never answers: each call ends in time, the bot's look in two
    seconds, and then it leaves the server alone."""
    lease = Lease(BookDatabase(postgresql))
    answered(lease.renew)
    folder = Path(postgresql.rsplit("host=", 1)[1])
    server = int((folder / "d" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(server, signal.SIGSTOP)
    try:
        book = BookDatabase(postgresql)
        pulse = Pulse(book, Lease(book))
        for call in (Lease(book).look, Requests(book).take_next, lambda: pulse.barred_by("X")):
            watch = Stopwatch()
            with pytest.raises(BookUnavailable):
                call()
            assert watch.stop() < 0.6
        watch = Stopwatch()
        assert not pulse.beat().request_waits
        assert watch.stop() < 3
        watch = Stopwatch()
        pulse.beat()
        assert watch.stop() < 0.1
    finally:
        os.kill(server, signal.SIGCONT)
