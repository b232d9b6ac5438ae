"""How the practice exchange is slow, and how it fails at random."""

import pytest

from freqtrade_liquidation.drill.exchange.faults import FaultBoard, FaultRule
from freqtrade_liquidation.drill.exchange.latency import Latency


@pytest.mark.parametrize(
    ("executed", "write_s", "read_s"),
    [("arrival", (0, 2), (0, 2)), ("midway", (1, 1), (0, 2)), ("answer", (2, 0), (0, 2))],
)
def test_reads_may_be_of_their_arrival_whenever_writes_take_effect(
    executed: str, write_s: tuple[float, float], read_s: tuple[float, float]
) -> None:
    latency = Latency(round_trip_ms=2000, executed=executed, reads_at_arrival=True)
    assert latency.draw_s("POST") == write_s
    assert latency.draw_s("GET") == read_s
    assert Latency(round_trip_ms=2000, executed=executed).draw_s("GET") == write_s


def test_answers_differ_by_the_spread_and_no_more() -> None:
    latency = Latency(round_trip_ms=1000, spread_ratio=0.5)
    whole = [sum(latency.draw_s("GET")) for _ in range(500)]
    assert 0.5 <= min(whole) < 0.55
    assert 1.45 < max(whole) <= 1.5


def test_moment_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="midway"):
        Latency(executed="later")


def test_fault_with_a_chance_strikes_about_so_often() -> None:
    board = FaultBoard()
    board.add(FaultRule(kind="error", chance=0.5))
    struck = sum(bool(board.take("GET", "/", {})) for _ in range(1000))
    assert 430 < struck < 570
