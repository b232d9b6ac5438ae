"""What follows from a command or a press: calls into the host, answers in the chat."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.frontends.telegram import texts
from freqtrade_liquidation.frontends.telegram.parsing import (
    Arm,
    BadCommand,
    Close,
    Disarm,
    ShowStatus,
    parse,
    resolve,
)
from freqtrade_liquidation.frontends.telegram.progress import Progress
from freqtrade_liquidation.frontends.telegram.questions import (
    CANCEL,
    CLOSE,
    Person,
    Questions,
    Rejected,
    widened,
)
from freqtrade_liquidation.frontends.telegram.sending import Chat
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.preview import Preview
from freqtrade_liquidation.host.protection import Protection
from freqtrade_liquidation.host.turns import Ticket
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.threads import in_thread

logger = logging.getLogger(__name__)

FRESH_S: Final = 60.0
"""A command older than this (Telegram was down) acts on nothing without being asked about."""
RUN_OVER_WITHIN_S: Final = 600.0

Answer = Callable[[str], Awaitable[None]]
Pairs = frozenset[str] | None


class Conversation:
    """One chat's. Every call into the host is made in a thread: Telegram's loop goes on.

    :param protection: of this process.
    """

    def __init__(self, protection: Protection, chat: Chat, questions: Questions) -> None:
        self._protection = protection
        self._chat = chat
        self._questions = questions

    async def command(
        self,
        words: Sequence[str],
        person: Person,
        *,
        age_s: float = 0.0,
        by_another: bool = False,
    ) -> None:
        """``/liquidate`` and *words*.

        :param age_s: how long ago it was sent.
        :param by_another: *person* has only passed it on.
        """
        doubt = texts.FORWARDED if by_another else texts.stale(age_s) if age_s > FRESH_S else ""
        try:
            await self._carry_out(words, person, doubt)
        except BadCommand as error:
            await self._chat.send(str(error))
        except LiquidationError as error:
            await self._chat.send(f"Nothing was done: {error}")
        except Exception:  # whatever it is: silence would leave the person believing that it works
            logger.exception("/liquidate %s failed.", " ".join(words))
            await self._chat.send(texts.UNEXPECTED)

    async def _carry_out(self, words: Sequence[str], person: Person, doubt: str) -> None:
        command = parse(words)
        match command:
            case Close():
                pairs = resolve(command.pairs, self._protection.listed_pairs())
                if command.at_once and not doubt:
                    await self._run(pairs, person)
                else:
                    await self._ask(pairs, person, doubt if command.at_once else "")
            case ShowStatus():
                standing = await in_thread(self._protection.standing, name="standing")
                await self._chat.send(texts.standing(standing, self._protection.config))
            case _ if doubt:
                await self._chat.send(f"{doubt} Nothing was done; send it again.")
            case Disarm() | Arm():
                await self._switch(command, person)

    async def _switch(self, command: Disarm | Arm, person: Person) -> None:
        control, by = self._protection.control, f"telegram {person.actor}"
        if isinstance(command, Disarm):
            disarm = partial(control.disarm, command.duration, by=by, reason=command.reason)
            await self._chat.send(texts.disarmed(await in_thread(disarm, name="disarm")))
            return
        await in_thread(partial(control.arm, by=by, reason=command.reason), name="arm")
        effect = await in_thread(self._protection.what_a_stop_does, name="standing")
        await self._chat.send(texts.armed(effect, self._protection.config))

    # -- the question -------------------------------------------------------------------------

    async def _ask(self, pairs: Pairs, person: Person, note: str = "") -> None:
        preview = await self._look(pairs)
        if preview is not None:
            await self._put_question(preview, person, note)

    async def _look(self, pairs: Pairs, *, confirms: bool = False) -> Preview | None:
        try:
            preview = partial(self._protection.preview, pairs, confirms=confirms)
            return await in_thread(preview, name="preview")
        except LiquidationError as error:
            command = " ".join(["/liquidate", *sorted(pairs or ())])
            await self._chat.send(texts.look_failed(error, command))
            return None

    async def _put_question(
        self, preview: Preview, person: Person, note: str = "", changes: Sequence[str] = ()
    ) -> None:
        text = texts.question(preview)
        text = texts.asked_again(list(changes), text) if changes else text
        text = f"{note}\n{text}" if note else text
        label = texts.button(preview)
        if label is None:
            await self._chat.send(f"{text}\n{texts.NOTHING_TO_DO}")
            return
        question = self._questions.ask(person, preview, text)
        buttons = [(label, question.data(CLOSE)), ("Cancel", question.data(CANCEL))]
        await self._chat.send(f"{text}\n{texts.VALID}", buttons)

    async def press(self, data: str, person: Person, message_id: int, answer: Answer) -> None:
        """Somebody pressed a button under *message_id*.

        :param answer: shows words to that person; must be called once.
        """
        try:
            question, choice = self._questions.take(data, person)
        except Rejected as rejected:
            await answer(str(rejected))
            if rejected.question is not None:
                await self._edit_end(message_id, rejected.question.text, texts.EXPIRED)
            return
        if choice == CANCEL:
            await answer("")
            await self._edit_end(message_id, question.text, texts.CANCELLED)
            return
        answering = asyncio.create_task(_quietly(answer("")))  # the close does not wait for it
        try:
            await self._close(question.preview, person, message_id)
        except LiquidationError as error:
            await self._chat.send(f"Nothing was done: {error}")
        except Exception:  # whatever it is: who confirmed a close must hear that it may not be done
            logger.exception("A confirmed liquidation failed.")
            await self._chat.send(texts.UNEXPECTED)
        await answering

    async def _close(self, shown: Preview, person: Person, message_id: int) -> None:
        """What was confirmed; what was not shown is asked about first."""
        now = await self._look(shown.pairs, confirms=True)
        if now is None:
            return
        if changes := widened(shown, now):
            await self._chat.edit(message_id, "Asked again below: the book has changed.")
            await self._put_question(now, person, changes=changes)
            return
        await self._run(shown.pairs, person, message_id)

    async def _edit_end(self, message_id: int, text: str, end: str) -> None:
        """The last lines of a question (it may have been long) with what became of it."""
        await self._chat.edit(message_id, f"{text[-3000:]}\n\n{end}")

    # -- the run ------------------------------------------------------------------------------

    async def _run(self, pairs: Pairs, person: Person, message_id: int | None = None) -> None:
        """Orders it first: no message delays it."""
        watched: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

        async def show(text: str) -> float:
            shown_in = await asyncio.shield(watched)
            return 0.0 if shown_in is None else await self._chat.edit(shown_in, text)

        progress = Progress(show)
        request = Request(trigger="telegram", actor=person.actor, pairs=pairs)
        order = partial(self._protection.order, request, listener=progress.hear)
        ticket = await in_thread(order, name="order")
        word = "joined" if ticket.joined else "under way"
        progress.headline = f"Liquidation {ticket.correlation_id} {word}"
        following = asyncio.create_task(progress.follow())
        try:
            if message_id is None:
                message_id = await self._chat.send(f"{progress.headline} …")
            watched.set_result(message_id)
            await progress.end(await self._ending(ticket))
        finally:
            following.cancel()

    async def _ending(self, ticket: Ticket) -> str:
        try:
            result = await in_thread(partial(ticket.wait, RUN_OVER_WITHIN_S), name="wait")
        except TimeoutError:
            return f"Liquidation {ticket.correlation_id} goes on: see /liquidate status"
        currency = self._protection.bot.config["stake_currency"]
        headline = messages.outcome(result, currency).splitlines()[0]
        return f"Liquidation {ticket.correlation_id} has ended.\n{headline}"


async def _quietly(work: Awaitable[None]) -> None:
    """For a task whose failure concerns nobody but the log."""
    try:
        await work
    except Exception:  # whatever it is: the close that the press began must go on
        logger.exception("A press was not answered.")
