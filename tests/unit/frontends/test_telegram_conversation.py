"""From a command or a press to a call into the host, and to what people read."""

import asyncio
from typing import Any

import pytest

from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.frontends.telegram import texts
from freqtrade_liquidation.frontends.telegram.conversation import FRESH_S, Conversation
from freqtrade_liquidation.frontends.telegram.questions import VALID_S, Questions
from freqtrade_liquidation.host.telegram_sending import pages
from tests.unit.frontends.telegram_fakes import (
    ALICE,
    BOB,
    BTC,
    ETH,
    Clock,
    FakeChat,
    FakeHost,
    line,
    preview,
)


class Scene:
    """A conversation with everything around it."""

    def __init__(self, *previews: Any) -> None:
        self.host = FakeHost(*previews)
        self.chat = FakeChat()
        self.clock = Clock()
        self.answers: list[str] = []
        host: Any = self.host
        chat: Any = self.chat
        self._conversation = Conversation(host, chat, Questions(self.clock))

    def says(self, words: str, **how: Any) -> None:
        asyncio.run(self._conversation.command(words.split(), ALICE, **how))

    def presses(self, label: str, who: Any = ALICE, message: int = -1) -> None:
        shown = self.chat.buttons[message]
        (data,) = [data for text, data in shown.items() if label in text]

        async def answer(text: str) -> None:
            self.answers.append(text)

        asyncio.run(self._conversation.press(data, who, 1, answer))


def test_confirmed_close_orders_what_was_shown_for_whoever_asked() -> None:
    scene = Scene(preview(line(BTC), line(ETH, 2)))
    scene.says("")
    assert list(scene.chat.buttons[-1]) == ["Close 2 positions", "Cancel"]
    assert scene.host.ordered == []
    scene.presses("Close")
    (request,) = scene.host.ordered
    assert (request.trigger, request.actor, request.pairs) == ("telegram", "7 (alice)", None)
    assert scene.answers == [""]
    assert all(name.startswith("liquidation-") for name in scene.host.threads), "own threads"
    assert "has ended" in scene.chat.edits[-1][1]


@pytest.mark.parametrize("who", [ALICE, BOB])
def test_second_press_orders_nothing_and_says_so(who: Any) -> None:
    scene = Scene(preview(line(BTC)))
    scene.says("")
    scene.presses("Close")
    scene.presses("Close", who)
    assert len(scene.host.ordered) == 1
    assert "answered already" in scene.answers[-1]


def test_expired_press_orders_nothing_and_says_so_in_the_chat_too() -> None:
    scene = Scene(preview(line(BTC)))
    scene.says("")
    scene.clock.now += VALID_S
    scene.presses("Close")
    assert scene.host.ordered == []
    assert "expired after 60 s" in scene.answers[-1]
    assert texts.EXPIRED in scene.chat.edits[-1][1]


def test_press_while_the_exchange_cannot_be_looked_at_orders_nothing_and_names_now() -> None:
    scene = Scene(preview(line(BTC)), LiquidationError("timeout"))
    scene.says(BTC)
    scene.presses("Close")
    assert scene.host.ordered == []
    assert "Nothing was done" in scene.chat.said[-1]
    assert "timeout" in scene.chat.said[-1]


def test_press_after_the_book_has_grown_asks_again_and_the_new_answer_counts() -> None:
    scene = Scene(preview(line(BTC)), preview(line(BTC), line(ETH, 2)))
    scene.says("")
    scene.presses("Close")
    assert scene.host.ordered == []
    assert f"! {ETH} long is new" in scene.chat.said[-1]
    scene.presses("Close 2 positions")
    assert len(scene.host.ordered) == 1


def test_failed_preview_names_the_command_that_needs_none() -> None:
    scene = Scene(LiquidationError("timeout"))
    scene.says(f"{ETH} {BTC}")
    assert f"/liquidate {BTC} {ETH} now" in scene.chat.said[-1]


@pytest.mark.parametrize("how", [{"age_s": FRESH_S + 1}, {"by_another": True}])
def test_command_that_is_old_or_somebody_elses_acts_on_nothing_by_itself(
    how: dict[str, Any],
) -> None:
    scene = Scene(preview(line(BTC)))
    for words in ("now", "disarm 15m", "arm"):
        scene.says(words, **how)
    assert scene.host.ordered == []
    assert scene.host.windows == []
    assert "Close 1 position" in scene.chat.buttons[0]


def test_disarm_and_arm_are_written_down_with_who_and_why() -> None:
    scene = Scene(preview())
    scene.says("disarm 15m new disk")
    scene.says("arm")
    assert [w[1:] for w in scene.host.windows] == [
        ("telegram 7 (alice)", "new disk"),
        ("telegram 7 (alice)", None),
    ]
    assert "DISARMED until 2026-01-02 03:04 UTC" in scene.chat.said[0]
    assert scene.chat.said[1] == "ARMED. If stopped by /stop: its positions are closed at market."


def test_help_tells_what_a_window_covers() -> None:
    """It said "once": disarm, stop and restart keep the positions."""
    (line,) = [line for line in texts.HELP.splitlines() if "disarm" in line]
    assert "every automatic trigger within that time" in line
    assert "once" not in line


def test_bot_that_no_trigger_closes_is_not_called_armed() -> None:
    config = LiquidationConfig(triggers=[])
    assert texts.armed("Its positions stay open.", config).startswith("NOT ARMED. ")


def test_nothing_open_is_said_without_buttons() -> None:
    scene = Scene(preview(not_open=(BTC,)))
    scene.says(BTC)
    assert texts.NOTHING_TO_DO in scene.chat.said[-1]
    assert scene.chat.buttons[-1] == {}


def test_question_marks_what_is_not_usual() -> None:
    shown = preview(
        line(BTC, price=None, estimated_profit=None, estimated_cost=None),
        line(ETH, 1234567.125, tracked=False),
        line("DUST/USDT:USDT", dust=True),
        line("ODD/USDT:USDT", obstacle="its market is not known"),
        entry_orders=3,
        overrides=("close_positions is false",),
    )
    text = texts.question(shown)
    assert f"- {BTC} long 0.1 price not known: profit not known, cost not known" in text
    assert f"- {ETH} long 1234567.125 at about 65000, UNKNOWN TO THE DATABASE: profit +1.50" in text
    assert "dust, below the exchange's minimum, stays" in text
    assert "CANNOT BE CLOSED, its market is not known" in text
    assert "Entry orders to cancel: 3" in text
    assert "Together: profit not known" in text
    assert texts.button(shown) == "Close 2 positions"


@pytest.mark.parametrize(
    ("shown", "label"),
    [
        (preview(line(BTC)), "Close 1 position"),
        (preview(line(BTC, dust=True)), None),
        (preview(line(BTC, obstacle="x"), entry_orders=2), "Cancel 2 entry order(s)"),
        (preview(), None),
    ],
)
def test_button_says_what_it_does(shown: Any, label: str | None) -> None:
    assert texts.button(shown) == label


def test_question_of_a_large_book_fits_into_several_messages() -> None:
    book = preview(*(line(f"COIN{i}/USDT:USDT") for i in range(150)))
    found = pages(texts.question(book))
    assert len(found) > 1
    assert all(len(page) <= 4096 for page in found)
