"""freqtrade's Telegram with ``/liquidate`` in it."""

import re
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

from freqtrade.exceptions import OperationalException
from freqtrade.rpc import RPC
from freqtrade.rpc.telegram import Telegram, authorized_only
from telegram import Message, Update
from telegram.ext import Application, CallbackContext, CallbackQueryHandler, CommandHandler
from telegram.ext.filters import UpdateType

from freqtrade_liquidation.frontends.telegram import texts
from freqtrade_liquidation.frontends.telegram.conversation import Conversation
from freqtrade_liquidation.frontends.telegram.parsing import BadCommand, Close, parse
from freqtrade_liquidation.frontends.telegram.questions import PREFIX, Person, Questions
from freqtrade_liquidation.frontends.telegram.sending import Chat, pop_up
from freqtrade_liquidation.host.protection import current
from freqtrade_liquidation.threads import in_thread

COMMAND: Final = "liquidate"
App = Application[Any, Any, Any, Any, Any, Any]
Context = CallbackContext[Any, Any, Any, Any]


class LiquidatingTelegram(Telegram):
    """Put in ``Telegram``'s place. No method is patched."""

    _config: dict[str, Any]
    _rpc: RPC

    def __init__(self, rpc: RPC, config: dict[str, Any]) -> None:
        self._questions = Questions()
        super().__init__(rpc, config)  # starts Telegram's thread

    def _init_telegram_app(self) -> App:
        """Called in Telegram's thread; ours do not block the handlers after them.

        An edited message is no command: who corrects an old ``/liquidate now`` orders nothing.
        """
        app: App = super()._init_telegram_app()
        protection = current()

        def mask(text: str) -> str:
            return protection.masker.text(text)  # the one of now: a bot's secrets come later

        chat = Chat(app.bot, self._config["telegram"], mask)
        self._conversation = Conversation(protection, chat, self._questions)
        app.add_handler(
            CommandHandler(COMMAND, self._liquidate, filters=UpdateType.MESSAGE, block=False)
        )
        app.add_handler(CallbackQueryHandler(self._press, pattern=rf"^{PREFIX}:", block=False))
        return app

    @property
    def name(self) -> str:
        """freqtrade names a channel after its class: to it, and in its log, this is the same."""
        return "telegram"

    # -- handlers -------------------------------------------------------------------------------

    @authorized_only
    async def _admits(self, update: Update, context: Context) -> bool:
        """``True`` behind freqtrade's own authorisation (chat, topic, user), else ``None``."""
        return True

    async def _liquidate(self, update: Update, context: Context) -> None:
        if not await self._admits(update, context) or update.message is None:
            return
        person = _person(update, update.message)
        if person is None:
            await self._send_msg(texts.NOBODY)
            return
        sent = update.message
        await self._conversation.command(
            context.args or [],
            person,
            age_s=(datetime.now(UTC) - sent.date).total_seconds(),
            by_another=sent.forward_origin is not None or sent.via_bot is not None,
        )

    async def _press(self, update: Update, context: Context) -> None:
        """A button of ours.

        Of a message that Telegram shows no more its topic is not known: freqtrade's check could
        not be right.
        """
        query = update.callback_query
        if query is None:
            return
        message = query.message
        if not isinstance(message, Message) or not message.is_accessible:
            await pop_up(query, texts.TOO_OLD)
            return
        person = _person(update, message)
        if not await self._admits(update, context) or person is None:
            await pop_up(query, texts.NOT_ALLOWED)
            return
        await self._conversation.press(
            query.data or "", person, message.message_id, lambda text: pop_up(query, text)
        )

    # -- freqtrade's own ------------------------------------------------------------------------

    @authorized_only
    async def _stop(self, update: Update, context: Context) -> None:
        """As freqtrade's; what it says of the positions is looked up in the database."""
        reply = await in_thread(self._rpc._rpc_stop, name="stop")
        await self._send_msg(f"Status: `{reply['status']}`")

    @authorized_only
    async def _start(self, update: Update, context: Context) -> None:
        """As freqtrade's; the latch is lifted in the database."""
        reply = await in_thread(self._rpc._rpc_start, name="start")
        await self._send_msg(f"Status: `{reply['status']}`")

    async def _help(self, update: Update, context: Context) -> None:
        """freqtrade's, and ours in a message of its own: one message takes no more."""
        await super()._help(update, context)
        if await self._admits(update, context):
            await self._send_msg(texts.HELP, parse_mode=None)

    def _init_keyboard(self) -> None:
        """freqtrade checks its own buttons, we ours.

        :raises OperationalException: as freqtrade does, for a button that is no command, and for
            one that would close without a question: keys are hit by mistake.
        """
        telegram = self._config["telegram"]
        wanted = telegram.get("keyboard", [])
        ours = [key for key in chain.from_iterable(wanted) if _is_ours(key)]
        if not ours:
            super()._init_keyboard()
            return
        for key in ours:
            check_key(key)
        others = [[key for key in row if key not in ours] for row in wanted]
        whole = self._config
        self._config = whole | {"telegram": telegram | {"keyboard": others}}
        try:
            super()._init_keyboard()
        finally:
            self._config = whole
        self._keyboard = wanted


def _is_ours(key: str) -> bool:
    return re.match(rf"/{COMMAND}(\s|$)", key) is not None


def check_key(key: str) -> None:
    """:raises OperationalException: if *key* has no place on a keyboard."""
    try:
        command = parse(key.split()[1:])
    except BadCommand as error:
        raise OperationalException(f"config.telegram.keyboard: {key!r}: {error}") from error
    if isinstance(command, Close) and command.at_once:
        raise OperationalException(
            f"config.telegram.keyboard: {key!r} would close without a question; leave out 'now'"
        )


def _person(update: Update, message: Message) -> Person | None:
    user = update.effective_user
    if user is None:
        return None
    return Person(chat_id=message.chat_id, user_id=user.id, name=user.username or user.first_name)
