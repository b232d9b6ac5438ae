"""The protection of one process: what is armed, what runs, and what comes after."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from freqtrade.enums import RPCMessageType, State, TradingMode
from freqtrade.exceptions import OperationalException

from freqtrade_liquidation import config as configuration
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.identity import fallback_path
from freqtrade_liquidation.audit.log import IN_A_RUN_S, AuditLog
from freqtrade_liquidation.audit.masked_log import mask_log
from freqtrade_liquidation.audit.masking import SHORTEST_SECRET, Masker, Secret
from freqtrade_liquidation.config import LiquidationConfig, pipes
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.exchange.last_answers import SignedAnswers
from freqtrade_liquidation.exchange.rules.shortcomings import shortcomings, slow_by_limits
from freqtrade_liquidation.exchange.secrets import secrets_in, secrets_of
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.aftermath import REPEAT_AFTER_S, Aftermath
from freqtrade_liquidation.host.control import Control, patiently
from freqtrade_liquidation.host.history import close_interrupted_runs, left_open, note_config
from freqtrade_liquidation.host.liquidator import Liquidator
from freqtrade_liquidation.host.neighbours import Neighbours
from freqtrade_liquidation.host.notifier import Message, Notifier, deaf_channels
from freqtrade_liquidation.host.preview import Look, Preview, look, preview_of, scope_of
from freqtrade_liquidation.host.preview_pace import PreviewPace, looks_a_minute
from freqtrade_liquidation.host.signals import Signals
from freqtrade_liquidation.host.standing import Standing
from freqtrade_liquidation.host.turns import NotArmed, Ticket
from freqtrade_liquidation.host.watch import Watch
from freqtrade_liquidation.host.watchdog import Watchdog
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.trades import KnownTrade, ours
from freqtrade_liquidation.state import LiquidationState
from freqtrade_liquidation.trail import Listener

if TYPE_CHECKING:
    from freqtrade_liquidation.host.bot import LiquidatingBot

LAST_MESSAGE_WITHIN_S: Final = 1.0
RECALLED_WITHIN_S: Final = 5.0
"""freqtrade itself waits as long for a busy database."""
LATCHED_WITHIN_S: Final = 1.0
TRADING: Final = (State.RUNNING, State.PAUSED)


class Protection:
    """Everything of ours that outlives a ``/reload_config``.

    :param repeat_after_s: how long after a run that left something open the next one begins.
    :param prepare_channels: puts our Telegram and REST classes in place, for a configuration.
    :ivar stopped_from: somebody has stopped the bot in this state, and the loop has not yet acted.
    :ivar start_failed_by: why no bot was built.
    """

    def __init__(
        self,
        *,
        repeat_after_s: float = REPEAT_AFTER_S,
        prepare_channels: Callable[[dict[str, Any]], None] = lambda config: None,
    ) -> None:
        self.log = logging.getLogger("freqtrade_liquidation")
        self.door = EntryGate()
        self.signals = Signals(
            on_held=self._on_held_signal,
            on_third=self._on_third_signal,
            has_begun=lambda: self._end_has_run or self._closes_the_book,
        )
        self.watchdog = Watchdog()
        self.notifier = Notifier(lambda: self._bot)
        self.config = LiquidationConfig()
        self.prepare_channels = prepare_channels
        self.state_before_reload = State.STOPPED
        self.stopped_from: State | None = None
        self.start_failed_by: Exception | None = None
        self._end_has_run = False
        self.after = Aftermath(
            self.notifier, lambda: self.control, order=self.order, repeat_after_s=repeat_after_s
        )
        self._liquidator = Liquidator(self)
        self._preview_pace = PreviewPace[Look]()
        self._bot: LiquidatingBot | None = None
        self._audit: AuditLog | None = None
        self._neighbours: Neighbours | None = None
        self._announced = False
        self.watch = Watch(self)
        self.masker = Masker()
        self._secrets: frozenset[Secret] = frozenset()
        self._answers: tuple[str, SignedAnswers] = ("", SignedAnswers())

    @property
    def bot(self) -> "LiquidatingBot":
        """The bot of now.

        :raises NotArmed: if none was ever built.
        """
        if self._bot is None:
            raise NotArmed("no bot has been built in this process")
        return self._bot

    @property
    def is_armed(self) -> bool:
        """A bot has been built in this process."""
        return self._bot is not None

    @property
    def audit(self) -> AuditLog:
        """The audit log of its database.

        :raises NotArmed: if no bot was ever built.
        """
        if self._audit is None:
            raise NotArmed("no bot has been built in this process")
        return self._audit

    @property
    def neighbours(self) -> Neighbours:
        """Other processes on the same database.

        :raises NotArmed: if no bot was ever built.
        """
        if self._neighbours is None:
            raise NotArmed("no bot has been built in this process")
        return self._neighbours

    @property
    def control(self) -> Control:
        """Latch and maintenance window."""
        return Control(self.audit)

    # -- arming -------------------------------------------------------------------------------

    def attach(self, bot: "LiquidatingBot") -> None:
        """A bot was built: at the start, or by ``/reload_config``."""
        self.let_run_end()  # of the bot before: its audit log is about to be closed
        self.config = configuration.load(bot.config)
        self.keep_secret(secrets_of(bot))
        if self._audit is not None:
            self._audit.close()
        fallback = fallback_path(
            Path(bot.config["user_data_dir"]),
            bot.config["db_url"],
            bot_name=str(bot.config.get("bot_name", "")),
        )
        self._audit = AuditLog(
            bot.config["db_url"], fallback=fallback, masker=self.masker, patience_s=IN_A_RUN_S
        )
        self._audit.import_fallback()
        self._meet_neighbours(bot.config["db_url"], bot.answers)
        first, self._bot = self._bot is None, bot
        self._announced = False
        self._recall(bot, first=first)
        for channel in deaf_channels(bot.config):
            self.log.warning("A channel is enabled but cannot hear every outcome: %s.", channel)

    def _recall(self, bot: "LiquidatingBot", *, first: bool) -> None:
        """What is on record: settings, runs that were cut off, the latch.

        :raises OperationalException: at the start, if it cannot be read. After a reload the bot
            stays stopped instead: its positions are not to be left alone.
        """
        latched_by: str | None
        left = ""
        try:
            patiently(lambda: note_config(self.audit, self.config), within_s=RECALLED_WITHIN_S)
            patiently(lambda: self._take_in_notes(bot))
            if first:
                patiently(lambda: self._look_back(bot))
            latched_by = patiently(self.control.state).latched_by
            if first:
                left = patiently(lambda: self._go_on(bot, latched=latched_by is not None))
        except LiquidationError as error:
            if first:
                raise OperationalException(
                    f"Not started: whether a liquidation has latched this bot is not known. {error}"
                ) from error
            latched_by = f"the reload, for the latch cannot be read ({error})"
        if latched_by is None and not self.door.is_closed:
            self.after.stopped_by_us = False
            if left:
                self.notifier.send(Message(text=left, kind=RPCMessageType.WARNING, urgent=True))
        else:
            self.keep_stopped(latched_by, left)

    def _go_on(self, bot: "LiquidatingBot", *, latched: bool) -> str:
        """Goes on repeating what the process before this one was cut off at, if it latched.

        :returns: what it left open that is still there, in words, and what comes next.
        """
        left = left_open(self.audit)
        pairs = sorted(left.pairs & self._pairs_shown(bot)) if left is not None else []
        if left is None or not pairs:
            return ""
        repeats_left = 0
        if latched and left.to_repeat and not self.watch.has_to_finish:
            repeats_left = self.after.repeats.resume(left.request, left.repeats)
        return messages.left_open(
            left.correlation_id,
            pairs,
            repeats_left=repeats_left,
            by_telegram=_has_telegram(bot),
        )

    def _pairs_shown(self, bot: "LiquidatingBot") -> set[str]:
        trades = ours(self._liquidator.runner.read_trades(bot))
        return {*self._positions_shown(bot), *(trade.pair for trade in trades)}

    def _take_in_notes(self, bot: "LiquidatingBot") -> None:
        """Orders in the air that the process before this one noted, once a database."""
        noted = self.neighbours.noted_orders
        if self.door.keeper is not noted:
            self.door.take_in(noted.read(bot.exchange.markets.keys()))
            self.door.keeper = noted

    def _look_back(self, bot: "LiquidatingBot") -> None:
        """What a killed process left; not what another process is at."""
        cuts = close_interrupted_runs(bot, self.audit, except_for=self.neighbours.under_way)
        for cut in cuts:
            self.notifier.send(Message(text=cut.words, kind=RPCMessageType.WARNING, urgent=True))
        self.watch.finish(cuts)

    def _meet_neighbours(self, db_url: str, answers: SignedAnswers) -> None:
        """Before the latch is read: it is what outlives the runs that are over by now."""
        if self._neighbours is not None and self._neighbours.db_url != db_url:
            self._neighbours.close(for_good=True)
            self._neighbours = None
        if self._neighbours is None:
            self._neighbours = Neighbours(db_url)
            self._neighbours.lift(self.audit)
            self._neighbours.wait_for_predecessor()
        self._neighbours.tell_answers(answers)
        self._neighbours.beat()

    def keep_stopped(self, latched_by: str | None, left: str = "") -> None:
        """What a run has stopped, ``/start`` starts: no restart (latch), no reload (door).

        :param left: what is open, in words.
        """
        self.door.bar()
        self.after.stopped_by_us = True
        self.bot.set_state(State.PAUSED if self.after.repeats.are_due_later else State.STOPPED)
        text = messages.stays_stopped() if latched_by is None else messages.latched(latched_by)
        if left:
            text = f"{left}\n{text}"
        self.notifier.send(Message(text=text, kind=RPCMessageType.WARNING, urgent=bool(left)))

    def answers_to(self, key: str) -> SignedAnswers:
        """What the exchange has answered to the key with this fingerprint: a reload forgets none of
        it, another key begins anew."""
        if self._answers[0] != key:
            self._answers = (key, SignedAnswers())
        return self._answers[1]

    def keep_secret(self, secrets: Iterable[Secret]) -> None:
        """From now on they are masked, in the log, too. Earlier ones stay secret."""
        known = self._secrets.union(secrets)
        if known == self._secrets:
            return
        told, self._secrets = self.masker.too_short, known
        self.masker = Masker(known)
        mask_log(self.masker)
        for key in sorted({*self.masker.too_short} - {*told}):
            self.log.warning(
                "%s has fewer than %d characters, too few to be masked: logs, messages and the "
                "audit trail may show it. Choose a longer one.", key, SHORTEST_SECRET,
            )  # fmt: skip

    def validate(self, args: Mapping[str, Any]) -> None:
        """Reads the configuration that is about to be loaded; freqtrade logs none of its secrets.

        :param args: freqtrade's own, as its parser gave them.
        :raises ConfigurationError: if it cannot be read, or its liquidation block is not valid.
        """
        pipes.forget()  # of a reload: what they gave at the start is not what they hold now
        config = configuration.read_before_start(args)[0]
        mask_log(Masker(self._secrets.union(secrets_in(config))))

    def announce(self) -> None:
        """Once a bot: what stopping it will do."""
        if self._announced or self._bot is None:
            return
        self._announced = True
        trades = self._liquidator.runner.read_trades(self._bot)
        self._warn_of_others(trades)
        if not self.config.emergency_liquidation:
            return
        untracked = self._untracked_pairs(self._bot, trades)
        self._note_untracked(self._bot, untracked)
        text = messages.armed(
            self.config,
            scope=scope_of(self._bot, self.config),
            untracked=untracked,
            by_telegram=_has_telegram(self._bot),
            shortcomings=shortcomings(self._bot.exchange, open_now=self._open_now(self._bot)),
        )
        self.notifier.send(Message(text=text))

    def _warn_of_others(self, trades: Iterable[KnownTrade]) -> None:
        if others := [trade for trade in trades if trade.left_alone is not None]:
            text = messages.trades_left_alone(others)
            self.notifier.send(Message(text=text, kind=RPCMessageType.WARNING, urgent=True))

    def _note_untracked(self, bot: "LiquidatingBot", pairs: list[str]) -> None:
        events = [
            AuditEvent(
                event_type=AuditEventType.UNTRACKED_FOUND,
                operation="control",
                pair=pair,
                additional_data={"scope": scope_of(bot, self.config)},
            )
            for pair in pairs
        ]
        if events:
            self.audit.record(events)

    @staticmethod
    def _positions_shown(bot: "LiquidatingBot") -> list[str]:
        """From freqtrade's wallets, which it has just read: no request of ours."""
        return sorted(bot.wallets.get_all_positions())

    def _open_now(self, bot: "LiquidatingBot") -> int:
        """How many positions are open, as last read by freqtrade and by us: asks nothing."""
        known = {trade.pair for trade in self._liquidator.runner.trades}
        return len(known.union(self._positions_shown(bot)))

    def _untracked_pairs(self, bot: "LiquidatingBot", trades: Sequence[KnownTrade]) -> list[str]:
        known = {trade.pair for trade in ours(trades)}
        return sorted(set(self._positions_shown(bot)) - known)

    # -- freqtrade's state --------------------------------------------------------------------

    def allow_state(self, bot: "LiquidatingBot", old: State, wanted: State) -> State:
        """What becomes of a change of state that freqtrade or an operator wants."""
        if wanted != State.STOPPED and self.running_id is not None:
            self.log.warning("%s refused: a liquidation is under way.", wanted.name)
            return old
        if wanted == State.RELOAD_CONFIG:
            if old != State.RELOAD_CONFIG:
                self.state_before_reload = old
            return wanted
        if wanted == State.RUNNING and not self._lift():
            return old
        self.after.stopped_by_us = False
        return wanted

    def note_stop(self, old: State, new: State, *, built: bool) -> None:
        """Remembers a stop of the bot until the loop acts on it, or somebody starts the bot again.

        The loop compares the state of now with that of its last pass, and so misses a stop that
        comes while a bot is being built.

        :param built: else freqtrade itself sets the state, which revokes nothing.
        """
        if old == State.RELOAD_CONFIG:
            old = self.state_before_reload
        if new == State.STOPPED and old in TRADING:
            self.stopped_from = old
        elif new in TRADING and built:
            self.stopped_from = None

    def _lift(self) -> bool:
        """``/start``: the latch is lifted, repeats end, entries are allowed again."""
        try:
            if patiently(self.control.state).latched_by is not None:
                self.control.release(by="/start")
        except LiquidationError as error:
            self.log.error("/start refused, the latch cannot be read: %s", error)
            return False
        self.after.repeats.end()
        self.after.has_run, self.after.last_result = False, None
        self.neighbours.lift(self.audit)
        self.door.open()
        if (turn := self._liquidator.turns.running) is not None:  # it began meanwhile
            self.door.bar(turn.request.pairs)
            if (latching := self.after.latch(turn)) is not None:
                latching.wait(LATCHED_WITHIN_S)
            self.log.error("/start refused: liquidation %s has begun.", turn.correlation_id)
            return False
        return True

    def allow_barred(self) -> bool:
        """``/start`` of a bot that runs: pairs that a run has barred may be entered again."""
        return self._liquidator.turns.running is None and self._lift()

    # -- freqtrade's loop ---------------------------------------------------------------------

    def is_closing(self, pair: str) -> bool:
        """A run closes it, or has: what is left of freqtrade's loop leaves its orders alone."""
        if not self.door.is_barred(pair):
            return False
        stopped = self.after.stopped_by_us and self.bot.state == State.STOPPED
        return stopped or self._liquidator.turns.running is not None

    def let_run_end(self) -> bool:
        """Waits for a run for the whole book; ``False`` = there was none."""
        turn = self._liquidator.turns.running
        if turn is None or turn.request.pairs is not None:
            return False
        with contextlib.suppress(TimeoutError):
            turn.done.result(self._liquidator.turns.over_by(turn) - time.monotonic())
        return True

    # -- asked by the front ends --------------------------------------------------------------

    @property
    def running_id(self) -> str | None:
        """``correlation_id`` of the run under way, in this process or another."""
        turn = self._liquidator.turns.running
        return self.neighbours.under_way if turn is None else turn.correlation_id

    def standing(self) -> Standing:
        """How things stand now; reads the database.

        :raises LiquidationError: if it cannot be read, or no bot was ever built.
        """
        control = patiently(self.control.state)
        last_run = patiently(lambda: next(iter(self.audit.runs(limit=1)), None))
        return Standing(
            enabled=self.config.emergency_liquidation,
            closing_triggers=self.config.closing_triggers,
            disarmed_until=control.disarmed_until,
            disarmed_by=control.disarmed_by,
            latched_by=control.latched_by,
            running=self.running_id,
            bot_state=self.bot.state.name,
            last_run=last_run,
            too_slow=slow_by_limits(self.bot.exchange, open_now=self._open_now(self.bot)),
            exchange=self.bot.answers.last(),
        )

    def preview(self, pairs: frozenset[str] | None = None, *, confirms: bool = False) -> Preview:
        """What a liquidation of *pairs* (``None`` = the whole book) would do now.

        :param confirms: somebody has just said yes to an earlier one.
        :raises LiquidationError: if the exchange does not answer, or no bot was ever built.
        """
        bot, config = self.bot, self.config
        seen, age_s = self._preview_pace.look(
            lambda: asyncio.run(look(bot, config)),
            most=looks_a_minute(bot.exchange),
            about=(id(bot), self.running_id, id(self.after.last_result)),
            confirms=confirms,
        )
        return preview_of(bot, config, seen, pairs, age_s=age_s)

    def unknown_pairs(self, pairs: Collection[str]) -> list[str]:
        """Those of *pairs* that the exchange does not list: most likely a slip of the finger."""
        return sorted(set(pairs) - self.listed_pairs())

    def listed_pairs(self) -> set[str]:
        """Every pair of the exchange on our side of it: the same coins trade on spot and futures.

        :raises NotArmed: if no bot was ever built.
        """
        exchange = self.bot.exchange
        kind = "spot" if exchange.trading_mode == TradingMode.SPOT else "swap"
        return {pair for pair, market in exchange.markets.items() if market.get(kind)}

    def what_a_stop_does(self) -> str:
        """In words, for the reply to ``/stop``."""
        try:
            return messages.what_a_stop_does(self.standing(), self.config)
        except LiquidationError as error:
            self.log.warning("What /stop does was not looked up: %s", error)
            return messages.what_a_stop_does_in_doubt()

    # -- runs ---------------------------------------------------------------------------------

    def order(
        self, request: Request, *, listener: Listener | None = None, wait_turn: bool = True
    ) -> Ticket:
        """See :meth:`.liquidator.Liquidator.order`."""
        return self._liquidator.order(request, listener=listener, wait_turn=wait_turn)

    def liquidate(self, request: Request) -> LiquidationResult | None:
        """Orders a run and waits for its result.

        :returns: ``None`` if nothing is armed: no bot was ever built.
        """
        if self._bot is None:
            return None
        with self.signals.held():
            return self._liquidator.wait_for(self.order(request))

    def repeat_if_due(self) -> None:
        """Called by the bot's loop, where no thread of ours repeats what left something open."""
        with self.signals.held():
            self.after.repeats.begin_if_due()

    def end(self, request: Request) -> None:
        """The process ends: its last run, its last message, its lease."""
        self.after.repeats.end()
        self.liquidate(request)
        self._end_has_run = True
        self.notifier.flush(LAST_MESSAGE_WITHIN_S)
        if self._audit is not None and not self._audit.finish():
            self.log.warning("Not all of the audit trail is in the database; see the lines above.")
        if self._neighbours is not None:
            self._neighbours.close(for_good=True)

    # -- signals during a run -----------------------------------------------------------------

    @property
    def _closes_the_book(self) -> bool:
        turn = self._liquidator.turns.running
        return turn is not None and turn.ends_at is not None and turn.request.pairs is None

    def _on_held_signal(self) -> None:
        turn = self._liquidator.turns.running
        if turn is None and not self._end_has_run:
            self.log.warning("%s", messages.signal_waits())
            return
        pairs = sorted({trade.pair for trade in self._liquidator.runner.trades})
        ends_at = turn.ends_at if turn else None
        left_s = 0.0 if ends_at is None else max(0.0, ends_at - time.monotonic())
        self.log.warning("%s", messages.second_signal(pairs, left_s))

    def _on_third_signal(self) -> None:
        turn = self._liquidator.turns.running
        self.log.critical("Third signal: forced exit. Positions may be open.")
        if self._audit is not None:
            self._audit.record(
                [
                    AuditEvent(
                        event_type=AuditEventType.ABANDONED,
                        operation="run",
                        correlation_id=turn.correlation_id if turn else None,
                        trigger=turn.request.trigger if turn else None,
                        additional_data={"signals": self.signals.received},
                    )
                ]
            )

    @property
    def positions_remain(self) -> bool:
        """The last run that looked left something open, or could not show that it did not."""
        result = self.after.last_result
        return result is not None and result.state in (
            LiquidationState.PARTIAL,
            LiquidationState.FAILED,
        )


def _has_telegram(bot: "LiquidatingBot") -> bool:
    return bool(bot.config.get("telegram", {}).get("enabled"))


_current: Protection | None = None


def current() -> Protection:
    """The protection of this process.

    :raises RuntimeError: if none was installed: a bot must not believe that it is armed.
    """
    if _current is None:
        raise RuntimeError("freqtrade-liquidation was not installed in this process")
    return _current


def install(make: Callable[[], Protection] = Protection) -> Protection:
    """Makes the protection of this process."""
    global _current  # noqa: PLW0603 - one a process, as freqtrade builds our classes itself
    _current = make()
    return _current
