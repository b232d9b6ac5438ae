"""A question: one chat, one person, one preview, one use, 60 seconds."""

from dataclasses import replace

import pytest

from freqtrade_liquidation.frontends.telegram.questions import (
    CANCEL,
    CLOSE,
    VALID_S,
    Questions,
    Rejected,
    widened,
)
from freqtrade_liquidation.model import Side
from tests.unit.frontends.telegram_fakes import ALICE, BOB, BTC, ETH, Clock, line, preview


def test_question_is_answered_once_by_whoever_asked() -> None:
    questions = Questions(Clock())
    shown = preview(line())
    question = questions.ask(ALICE, shown, "text")
    assert len(question.data(CANCEL).encode()) <= 64, "Telegram takes no more"
    with pytest.raises(Rejected, match="Only alice, who asked"):
        questions.take(question.data(CLOSE), BOB)
    with pytest.raises(Rejected, match="Only alice"):
        questions.take(question.data(CLOSE), replace(ALICE, chat_id=9))
    taken, choice = questions.take(question.data(CLOSE), ALICE)
    assert (taken.preview, choice) == (shown, CLOSE)
    for choice in (CLOSE, CANCEL):
        with pytest.raises(Rejected, match="answered already"):
            questions.take(question.data(choice), ALICE)


@pytest.mark.parametrize(("after_s", "valid"), [(VALID_S - 0.01, True), (VALID_S, False)])
def test_question_is_valid_for_sixty_seconds(after_s: float, valid: bool) -> None:
    clock = Clock()
    questions = Questions(clock)
    question = questions.ask(ALICE, preview(line()), "text")
    clock.now += after_s
    if valid:
        questions.take(question.data(CLOSE), ALICE)
        return
    with pytest.raises(Rejected, match="expired after 60 s") as raised:
        questions.take(question.data(CLOSE), ALICE)
    assert raised.value.question is question


@pytest.mark.parametrize("data", ["liquidation:abc:close", "liquidation:", "liquidation:a:b:c"])
def test_question_of_another_life_of_the_bot_is_not_known(data: str) -> None:
    with pytest.raises(Rejected, match="does not know this question"):
        Questions(Clock()).take(data, ALICE)


def test_choice_that_is_none_leaves_the_question_open() -> None:
    questions = Questions(Clock())
    question = questions.ask(ALICE, preview(line()), "text")
    with pytest.raises(Rejected):
        questions.take(question.data("sell"), ALICE)
    questions.take(question.data(CANCEL), ALICE)


def test_book_is_wider_when_a_pair_or_side_is_new_or_an_amount_has_grown() -> None:
    before = preview(line(BTC, 0.1), line(ETH, 2))
    assert widened(before, before) == []
    assert widened(before, preview(line(BTC, 0.05))) == []
    assert widened(before, preview(line(BTC, 0.1 + 1e-16))) == []
    assert widened(before, preview(line(BTC, 0.2))) == [f"{BTC} long has grown from 0.1 to 0.2"]
    assert widened(before, preview(line(BTC, 0.1, side=Side.SHORT))) == [f"{BTC} short is new"]
    assert widened(before, preview(line("SOL/USDT:USDT", 1))) == ["SOL/USDT:USDT long is new"]


def test_amounts_of_one_pair_in_two_trades_are_taken_together() -> None:
    before = preview(line(BTC, 0.1), line(BTC, 0.2))
    assert widened(before, preview(line(BTC, 0.3))) == []
    assert widened(before, preview(line(BTC, 0.1), line(BTC, 0.3)))
