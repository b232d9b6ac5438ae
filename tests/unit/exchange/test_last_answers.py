"""What is remembered of the exchange's answers to the bot's key."""

import pytest

from freqtrade_liquidation.exchange.last_answers import (
    READ,
    WRITE,
    KeyRefusal,
    LastAnswers,
    SignedAnswers,
)

WORDS = "binance -2015 Invalid API-key, IP, or permissions for action."


class Clock:
    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answers(clock: Clock) -> SignedAnswers:
    return SignedAnswers(clock)


def refusal(request: str, s_ago: int) -> KeyRefusal:
    return KeyRefusal(request=request, s_ago=s_ago, error=WORDS)


def test_nothing_signed_nothing_said(answers: SignedAnswers) -> None:
    assert answers.last() == LastAnswers(answered_s_ago=None, refused=())


def test_good_answer_is_told_with_its_age(answers: SignedAnswers, clock: Clock) -> None:
    answers.answered(READ)
    clock.s += 12.9
    assert answers.last() == LastAnswers(answered_s_ago=12)


@pytest.mark.parametrize("kind", [READ, WRITE])
def test_refusal_stands_until_its_own_kind_is_answered_well(
    answers: SignedAnswers, clock: Clock, kind: str
) -> None:
    """A key that may read and not trade is refused at orders alone."""
    other = WRITE if kind == READ else READ
    answers.answered(kind)
    clock.s += 10
    answers.refuse(kind, WORDS)
    clock.s += 5
    answers.answered(other)
    clock.s += 1
    assert answers.last() == LastAnswers(answered_s_ago=1, refused=(refusal(kind, 6),))
    answers.answered(kind)
    assert answers.last() == LastAnswers(answered_s_ago=0)


def test_newest_refusal_of_each_kind_counts_and_the_newest_comes_first(
    answers: SignedAnswers, clock: Clock
) -> None:
    answers.refuse(READ, "an older one")
    answers.refuse(WRITE, WORDS)
    clock.s += 3
    answers.refuse(READ, WORDS)
    assert answers.last().refused == (refusal(READ, 0), refusal(WRITE, 3))
    answers.answered(READ)
    assert answers.last().refused == (refusal(WRITE, 3),)


def test_ages_grow_by_what_has_passed_since_they_were_written_and_never_shrink() -> None:
    told = LastAnswers(answered_s_ago=7, refused=(refusal(READ, 2),)).to_dict()
    assert told["refused"] == [{"request": "read", "s_ago": 2, "error": WORDS}]
    assert LastAnswers.of(told, later_s=4.6) == LastAnswers(
        answered_s_ago=11, refused=(refusal(READ, 6),)
    )
    assert LastAnswers.of(told, later_s=-9000.0).answered_s_ago == 7, "a clock that was behind"
