"""No words and no button get an exception out, or order what nobody has clearly ordered."""

import asyncio
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from freqtrade_liquidation.frontends.telegram.conversation import Conversation
from freqtrade_liquidation.frontends.telegram.questions import Person, Questions
from tests.fuzz.bounds import cheap
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

OURS = ("now", "NOW", "all", "status", "disarm", "arm", "15m", "24h", "25h", "0m", "٣m", "3m")
LISTED = {name.lower() for name in (BTC, ETH)}
words = st.lists(
    st.one_of(
        st.sampled_from([*OURS, BTC, ETH, "btc/usdt:usdt", "BTC/USDT", "BTC", f"{BTC},{ETH}", ","]),
        st.text(min_size=1, max_size=12),
    ),
    max_size=5,
)


class Scene:
    """A host and a chat, for one command."""

    def __init__(self) -> None:
        self.host = FakeHost(preview(line(BTC)))
        self.chat = FakeChat()
        host: Any = self.host
        chat: Any = self.chat
        self.conversation = Conversation(host, chat, Questions(Clock()))

    def says(self, typed: list[str], **how: Any) -> None:
        asyncio.run(self.conversation.command(typed, ALICE, **how))


@cheap
@given(words, st.sampled_from([{}, {"by_another": True}, {"age_s": 61.0}, {"age_s": -1e9}]))
def test_words_order_only_what_they_clearly_say(typed: list[str], how: dict[str, Any]) -> None:
    scene = Scene()
    scene.says(typed, **how)
    assert scene.chat.said, "whoever types is answered"
    assert not any("unexpected" in text.lower() for text in scene.chat.said)
    doubtful = "by_another" in how or how.get("age_s", 0.0) > 60
    for request in scene.host.ordered:
        *pairs, last = typed
        assert last.lower() == "now"
        assert not doubtful
        named = {part.lower() for word in pairs for part in word.split(",") if part}
        assert named <= LISTED
        assert bool(named) == (request.pairs is not None), "no pair that was named became the book"
    for duration, *_ in scene.host.windows:
        assert not doubtful
        if duration is not None:
            assert re.fullmatch("[0-9]+[smh]", typed[1].lower())
            assert 0 < duration.total_seconds() <= 86_400
        else:
            assert typed[0].lower() == "arm"


tokens = st.one_of(
    st.text(max_size=64),
    st.builds("liquidation:{}:{}".format, st.text(max_size=20), st.text(max_size=10)),
    st.builds("liquidation:{}:close".format, st.from_regex("[0-9a-f]{16}", fullmatch=True)),
)


@cheap
@given(tokens, st.sampled_from([ALICE, BOB]), st.integers(-(2**31), 2**31))
def test_button_that_nobody_was_shown_closes_nothing(data: str, who: Any, message_id: int) -> None:
    scene = Scene()
    scene.says([])
    answers: list[str] = []

    async def answer(text: str) -> None:
        answers.append(text)

    asyncio.run(scene.conversation.press(data, who, message_id, answer))
    assert scene.host.ordered == []
    assert len(answers) == 1


people = st.builds(Person, chat_id=st.integers(6, 8), user_id=st.integers(6, 9), name=st.text())


@cheap
@given(people.filter(lambda who: (who.chat_id, who.user_id) != (ALICE.chat_id, ALICE.user_id)))
def test_button_that_was_shown_to_somebody_else_closes_nothing(who: Person) -> None:
    """By whatever name."""
    scene = Scene()
    scene.says([])
    (buttons,) = scene.chat.buttons
    answers: list[str] = []

    async def answer(text: str) -> None:
        answers.append(text)

    for data in buttons.values():
        asyncio.run(scene.conversation.press(data, who, 1, answer))
    assert len(answers) == len(buttons) == 2
    assert all("Nothing was done" in words for words in answers)
    assert scene.host.ordered == []
