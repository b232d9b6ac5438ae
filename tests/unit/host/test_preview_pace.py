"""How often a preview asks the exchange, and what those hear who ask more often."""

import threading

import pytest

from freqtrade_liquidation.errors import ExchangeUnavailable
from freqtrade_liquidation.host.preview_pace import FOR_CONFIRMING, MOST, PreviewPace


class Looks:
    """Counts; each answer is the number of the look."""

    def __init__(self) -> None:
        self.now = 0.0
        self.count = 0
        self.pace = PreviewPace[int](lambda: self.now)

    def ask(self) -> int:
        self.count += 1
        return self.count

    def look(self, *, confirms: bool = False, about: object = None) -> tuple[int, float]:
        return self.pace.look(self.ask, most=MOST, about=about, confirms=confirms)


def test_who_asks_at_once_sees_the_same_look() -> None:
    looks = Looks()
    assert looks.look() == (1, 0.0)
    looks.now = 1.5
    assert looks.look() == (1, 1.5)
    looks.now = 2.5
    assert looks.look() == (2, 0.0)


def test_polling_leaves_two_looks_a_minute_for_those_who_confirm() -> None:
    looks = Looks()
    for second in range(600):
        looks.now = second / 10
        looks.look()
    assert looks.count == MOST - FOR_CONFIRMING
    assert looks.look(confirms=True) == (MOST - 1, 0.0)
    looks.now += 0.1
    assert looks.look(confirms=True) == (MOST, 0.0)
    looks.now = 59.95
    number, age_s = looks.look(confirms=True)
    assert number <= MOST
    assert age_s < 1


def test_minute_never_has_more_looks_than_the_most() -> None:
    looks, begun = Looks(), []
    for tenth in range(3000):
        looks.now = tenth / 10
        before = looks.count
        looks.look(confirms=tenth % 7 == 0)
        begun += [looks.now] * (looks.count - before)
    assert max(sum(1 for t in begun if at - 60 < t <= at) for at in begun) <= MOST


def test_confirming_looks_again_however_new_the_last_look_is() -> None:
    looks = Looks()
    looks.look()
    looks.now = 0.1
    assert looks.look(confirms=True) == (2, 0.0)


def test_look_of_before_a_run_is_not_shown_after_it() -> None:
    looks = Looks()
    looks.look(about="no run")
    assert looks.look(about="a run") == (2, 0.0)


def test_failed_look_is_told_to_who_asks_meanwhile_and_then_asked_again() -> None:
    pace, now = PreviewPace[int](lambda: moments[0]), 0.0
    moments = [now]

    def fail() -> int:
        raise ExchangeUnavailable("no answer")

    for _ in range(2):
        with pytest.raises(ExchangeUnavailable, match="no answer"):
            pace.look(fail, most=MOST)
    moments[0] = 3.0
    assert pace.look(lambda: 7, most=MOST) == (7, 0.0)


def test_those_who_ask_during_a_look_share_it() -> None:
    pace, count, go = PreviewPace[int](), [0], threading.Event()

    def ask() -> int:
        count[0] += 1
        go.wait(5)
        return count[0]

    heard: list[int] = []
    threads = [
        threading.Thread(target=lambda: heard.append(pace.look(ask, most=MOST)[0]))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(10)
    assert (heard, count) == ([1] * 20, [1])
