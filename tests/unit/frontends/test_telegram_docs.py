"""docs/telegram.md shows each message as it is."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from freqtrade_liquidation.audit.events import AuditEvent
from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.frontends.telegram import texts
from freqtrade_liquidation.frontends.telegram.channel import check_key
from freqtrade_liquidation.frontends.telegram.parsing import parse
from freqtrade_liquidation.frontends.telegram.progress import Tally
from freqtrade_liquidation.frontends.telegram.questions import Questions, Rejected, widened
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.model import Side
from tests.unit.frontends.telegram_fakes import (
    ALICE,
    BOB,
    BTC,
    ETH,
    Clock,
    FakeHost,
    line,
    preview,
)

DOCS = (Path(__file__).parents[3] / "docs" / "telegram.md").read_text()
SOL = "SOL/USDT:USDT"
BOOK = preview(
    line(BTC, 0.009, price=64999.9, estimated_profit=-0.587, estimated_cost=0.2925),
    line(
        ETH, 0.187, side=Side.SHORT, price=3200.01, estimated_profit=-0.602, estimated_cost=0.2992
    ),
    line(SOL, 0.5, price=149.99, estimated_profit=-0.042, estimated_cost=0.0375, tracked=False),
    overrides=("close_positions is false",),
)  # fmt: skip


def shown(text: str) -> bool:
    """Whether the page has *text* as lines of its own."""
    lines = [line.strip() for line in DOCS.splitlines()]
    wanted = [line.strip() for line in text.splitlines()]
    return any(lines[i : i + len(wanted)] == wanted for i in range(len(lines)))


def test_start_question_and_what_has_changed_are_shown() -> None:
    assert shown(
        messages.armed(LiquidationConfig(), scope="account", untracked=[], by_telegram=True)
    )
    assert shown(f"{texts.question(BOOK)}\n{texts.VALID}")
    assert f"**{texts.button(BOOK)}**" in DOCS
    grown = preview(line(SOL, 0.6))
    asked_again = texts.asked_again(widened(preview(line(SOL, 0.5)), grown), "")
    assert shown(asked_again.strip())


def test_each_rejected_press_is_listed() -> None:
    clock = Clock()
    questions = Questions(clock)
    question = questions.ask(ALICE, BOOK, "")
    late = questions.ask(ALICE, BOOK, "")
    said = [texts.NOT_ALLOWED, texts.TOO_OLD]

    def press(data: str, who: Any) -> None:
        with pytest.raises(Rejected) as rejected:
            questions.take(data, who)
        said.append(str(rejected.value))

    press(question.data("close"), BOB)
    questions.take(question.data("close"), ALICE)
    press(question.data("close"), ALICE)
    press("liquidation:x:close", ALICE)
    clock.now += 60
    press(late.data("close"), ALICE)
    for words in said:
        assert f"| {words} |" in DOCS


def test_progress_status_and_windows_are_shown() -> None:
    tally = Tally()
    tally.count(event(Event.POSITIONS_QUERIED, positions=[1, 2, 3]))
    for number in range(3):
        tally.count(event(Event.CLOSE_INTENDED, client_order_id=number))
        tally.count(event(Event.CLOSE_ANSWERED, client_order_id=number))
    assert shown(tally.text())
    assert shown(texts.standing(FakeHost().standing(), LiquidationConfig()))
    assert shown(texts.disarmed(datetime(2026, 11, 25, 0, 58, tzinfo=UTC)))
    assert shown(texts.armed(FakeHost().what_a_stop_does(), LiquidationConfig()))


def event(kind: Event, **data: Any) -> AuditEvent:
    return AuditEvent(event_type=kind, operation="look", pair=BTC, additional_data=data)


def test_commands_of_the_page_and_its_keyboard_are_understood() -> None:
    rows = [r for r in DOCS.splitlines() if r.startswith("| `/liquidate")]
    commands = [c for row in rows for c in row.split("|")[1].split("`")[1::2]]
    assert len(commands) == 7
    for command in commands:
        parse(command.replace(" [reason]", "").split()[1:])
    (keyboard,) = [row for row in DOCS.splitlines() if '"keyboard"' in row]
    for key in keyboard.split('"')[3::2]:
        if key.startswith("/liquidate"):
            check_key(key)
