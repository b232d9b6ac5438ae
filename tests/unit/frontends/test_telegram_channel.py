"""freqtrade's Telegram with ours in it: whom it admits, which buttons it allows."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.exceptions import OperationalException
from freqtrade.persistence import init_db
from telegram import Chat, Message, MessageOriginHiddenUser, MessageOriginUser, User

from freqtrade_liquidation.frontends.telegram import LiquidatingTelegram, texts

GROUP = -100
ALICE, BOB = 7, 8
STRANGER = User(666, "Stranger", is_bot=False)


@pytest.fixture(autouse=True)
def database() -> None:
    """freqtrade's check begins its session anew."""
    init_db("sqlite://")


class Threadless(LiquidatingTelegram):
    """Without the application, which would talk to Telegram."""

    def _start_thread(self) -> None:
        self._conversation: Any = Recorder()


class Recorder:
    """A conversation that keeps what reached it."""

    def __init__(self) -> None:
        self.commands: list[Any] = []
        self.presses: list[Any] = []

    async def command(self, words: Any, person: Any, *, age_s: float, by_another: bool) -> None:
        self.commands.append((words, person.user_id, age_s, by_another))

    async def press(self, data: str, person: Any, message_id: int, answer: Any) -> None:
        self.presses.append((data, person.user_id, message_id))


class Query:
    """A press. ``CallbackQuery`` is frozen; the handler needs no more than this."""

    def __init__(self, message: Message | None) -> None:
        self.message = message
        self.data = "liquidation:token:close"
        self.answers: list[str | None] = []

    async def answer(self, text: str | None = None, show_alert: bool = False) -> None:
        self.answers.append(text)


def telegram(**settings: Any) -> Threadless:
    block = {"chat_id": str(GROUP), "token": "1:a", "enabled": True}
    config = {"telegram": block | settings, "dry_run": False}
    rpc: Any = SimpleNamespace(_freqtrade=None)
    return Threadless(rpc, config)


def message(
    *, chat: int = GROUP, topic: int | None = None, at: datetime | None = None, **more: Any
) -> Message:
    sent = datetime.now(UTC) if at is None else at
    return Message(5, sent, Chat(chat, "supergroup"), message_thread_id=topic, **more)


def user(number: int | None) -> User | None:
    return None if number is None else User(number, "Somebody", is_bot=False, username=f"p{number}")


def says(bot: Threadless, who: int | None, **where: Any) -> list[Any]:
    """What reaches the conversation."""
    update: Any = SimpleNamespace(
        message=message(**where), callback_query=None, effective_user=user(who)
    )
    context: Any = SimpleNamespace(args=["now"])
    asyncio.run(bot._liquidate(update, context))
    return list(bot._conversation.commands)


def presses(bot: Threadless, who: int | None, shown: Message | None) -> tuple[Query, list[Any]]:
    """The press after it was handled, and what reached the conversation."""
    query: Any = Query(shown)
    update: Any = SimpleNamespace(message=None, callback_query=query, effective_user=user(who))
    context: Any = SimpleNamespace(args=None)
    asyncio.run(bot._press(update, context))
    return query, list(bot._conversation.presses)


@pytest.mark.parametrize(
    ("settings", "who", "where", "admitted"),
    [
        ({}, ALICE, {}, True),
        ({}, ALICE, {"chat": -101}, False),
        ({"topic_id": "3"}, ALICE, {"topic": 3}, True),
        ({"topic_id": "3"}, ALICE, {"topic": 4}, False),
        ({"topic_id": "3"}, ALICE, {}, False),
        ({"authorized_users": ["7"]}, ALICE, {}, True),
        ({"authorized_users": ["7"]}, BOB, {}, False),
        ({"authorized_users": ["7"]}, None, {}, False),
        ({"authorized_users": []}, ALICE, {}, False),
        ({}, None, {}, False),
    ],
)
def test_chat_topic_and_user_are_checked_for_messages_and_presses_alike(
    settings: dict[str, Any], who: int | None, where: dict[str, Any], admitted: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """freqtrade's own check; nobody without a name of his own gets past ours."""
    said: list[str] = []

    async def send(self: Any, text: str, **values: Any) -> None:
        said.append(text)

    monkeypatch.setattr(Threadless, "_send_msg", send)
    assert bool(says(telegram(**settings), who, **where)) == admitted
    query, reached = presses(telegram(**settings), who, message(**where))
    assert bool(reached) == admitted
    assert query.answers == ([] if admitted else [texts.NOT_ALLOWED])
    assert said == ([texts.NOBODY] if who is None and not settings else [])


@pytest.mark.parametrize("shown", [None, message(at=datetime(1970, 1, 1, tzinfo=UTC))])
def test_press_under_a_message_that_telegram_shows_no_more_does_nothing_and_says_so(
    shown: Message | None,
) -> None:
    """Telegram then tells neither its topic nor its text (date 0, or no message at all)."""
    query, reached = presses(telegram(), ALICE, shown)
    assert reached == []
    assert query.answers == [texts.TOO_OLD]


@pytest.mark.parametrize(
    "passed_on",
    [
        {"forward_origin": MessageOriginUser(datetime(2026, 1, 1, tzinfo=UTC), STRANGER)},
        {"forward_origin": MessageOriginHiddenUser(datetime(2026, 1, 1, tzinfo=UTC), "x")},
        {"via_bot": User(9, "Helper", is_bot=True)},
        {},
    ],
)
def test_words_that_somebody_else_wrote_are_told_as_such(passed_on: dict[str, Any]) -> None:
    ((*_, by_another),) = says(telegram(), ALICE, **passed_on)
    assert by_another == bool(passed_on)


def test_age_of_a_command_is_told() -> None:
    ((words, who, age_s, _),) = says(telegram(), ALICE)
    assert (words, who) == (["now"], ALICE)
    assert -1 < age_s < 10


def test_freqtrade_knows_it_as_telegram() -> None:
    assert telegram().name == "telegram"


def test_keyboard_takes_our_commands_beside_freqtrades() -> None:
    rows = [["/liquidate", "/status"], ["/liquidate disarm 15m"], ["/liquidate status", "/help"]]
    bot = telegram(keyboard=rows)
    assert bot._keyboard == rows
    assert bot._config["telegram"]["keyboard"] == rows


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("/liquidate now", "without a question"),
        ("/liquidate disarm", "needs a duration"),
        ("/liquidated", "Invalid commands"),
        ("/nonsense", "Invalid commands"),
    ],
)
def test_keyboard_refuses_what_is_no_command_and_what_closes_at_one_touch(
    key: str, words: str
) -> None:
    with pytest.raises(OperationalException, match=words):
        telegram(keyboard=[["/liquidate", key]])
