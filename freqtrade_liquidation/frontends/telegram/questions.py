"""Questions that wait for a button: each for one chat, one person, one preview, once, 60 s."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from freqtrade_liquidation.digits import digits
from freqtrade_liquidation.host.preview import Preview
from freqtrade_liquidation.model import AMOUNT_TOLERANCE, Side

VALID_S: Final = 60.0
REMEMBERED: Final = 50
PREFIX: Final = "liquidation"
CLOSE: Final = "close"
CANCEL: Final = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who sent a command or pressed a button.

    :param user_id: Telegram's, which nobody can change; names can be.
    """

    chat_id: int
    user_id: int
    name: str

    @property
    def actor(self) -> str:
        """For the audit trail."""
        return f"{self.user_id} ({self.name})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question.

    :param text: as it was shown.
    :param expires_at: on the clock of :class:`Questions`.
    """

    token: str
    person: Person
    preview: Preview
    text: str
    expires_at: float

    def data(self, choice: str) -> str:
        """For a button; Telegram takes 64 bytes."""
        return f"{PREFIX}:{self.token}:{choice}"


class Rejected(Exception):
    """A press that does nothing, and why, in words for whoever pressed.

    :ivar question: the one that has expired: nobody can answer it any more.
    """

    def __init__(self, words: str, question: Question | None = None) -> None:
        super().__init__(f"{words} Nothing was done.")
        self.question = question


class Questions:
    """Lives in Telegram's event loop only: between a look and a take nothing comes in between.

    :param clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, Question] = {}
        self._answered: dict[str, None] = {}

    def ask(self, person: Person, preview: Preview, text: str) -> Question:
        """A new question for *person*."""
        question = Question(
            token=secrets.token_hex(8),
            person=person,
            preview=preview,
            text=text,
            expires_at=self._clock() + VALID_S,
        )
        while len(self._open) >= REMEMBERED:
            del self._open[next(iter(self._open))]
        self._open[question.token] = question
        return question

    def take(self, data: str, person: Person) -> tuple[Question, str]:
        """The question that *person* has just answered, and the choice. It cannot be taken again.

        :raises Rejected: if it was answered, has expired, is somebody else's, or is not known.
        """
        _, _, rest = data.partition(":")
        token, _, choice = rest.partition(":")
        if token in self._answered:
            raise Rejected("This has been answered already.")
        question = self._open.get(token)
        if question is None or choice not in (CLOSE, CANCEL):
            raise Rejected("The bot does not know this question any more: ask again.")
        if (person.chat_id, person.user_id) != (
            question.person.chat_id,
            question.person.user_id,
        ):
            raise Rejected(f"Only {question.person.name}, who asked, can answer this.")
        del self._open[token]
        if self._clock() >= question.expires_at:
            raise Rejected(f"This expired after {VALID_S:.0f} s: ask again.", question)
        while len(self._answered) >= REMEMBERED:
            del self._answered[next(iter(self._answered))]
        self._answered[token] = None
        return question, choice


def widened(before: Preview, after: Preview) -> list[str]:
    """What *after* would close that *before* did not show, in words; empty = nothing."""
    shown, found = _amounts(before), _amounts(after)
    words = []
    for (pair, side), amount in found.items():
        old = shown.get((pair, side))
        if old is None:
            words.append(f"{pair} {side} is new")
        elif amount > old * (1 + AMOUNT_TOLERANCE):
            words.append(f"{pair} {side} has grown from {digits(old)} to {digits(amount)}")
    return words


def _amounts(preview: Preview) -> dict[tuple[str, Side], float]:
    amounts: dict[tuple[str, Side], float] = {}
    for line in preview.lines:
        key = (line.pair, line.side)
        amounts[key] = amounts.get(key, 0.0) + line.amount
    return amounts
