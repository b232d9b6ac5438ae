"""Takes requests for liquidations, carries each out once, and sees to what follows."""

import asyncio
import logging
import threading
import time
from concurrent.futures import wait
from functools import partial
from typing import TYPE_CHECKING, Final

from freqtrade.enums import TradingMode

from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.exchange.secrets import without_secrets
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.notifier import Message
from freqtrade_liquidation.host.runner import Runner
from freqtrade_liquidation.host.turns import Ticket, Turn, Turns, ends_in_time
from freqtrade_liquidation.manager import LiquidationResult, why_skip
from freqtrade_liquidation.model import Request
from freqtrade_liquidation.state import LiquidationState
from freqtrade_liquidation.threads import bounded, start_thread
from freqtrade_liquidation.trail import Listener

if TYPE_CHECKING:
    from freqtrade_liquidation.host.bot import LiquidatingBot
    from freqtrade_liquidation.host.protection import Protection

logger = logging.getLogger(__name__)

CONTROL_READ_WITHIN_S: Final = 0.3
LOCK_WITHIN_S: Final = 0.2
GIVEN_UP: Final = "the run did not end in time; what it has sent is on record"
ANOTHERS_TURN_LEAVES_S: Final = 1.5
"""Of our time, once we have waited for a run of another process: enough to look and close."""


class Liquidator:
    """The runs of one process.

    :param protection: what is armed now: the bot, its audit log, its settings.
    """

    def __init__(self, protection: "Protection") -> None:
        self._protection = protection
        self.turns = Turns(lambda: protection.config, on_widened=self._on_widened)
        self.runner = Runner(protection.door, protection.notifier)

    def order(
        self, request: Request, *, listener: Listener | None = None, wait_turn: bool = True
    ) -> Ticket:
        """Starts a run, or joins, widens or lines up behind the one under way. Thread-safe.

        :param listener: hears each audit event; called in the run's thread, must not block.
        :raises NotArmed: if no bot was ever built: there is nothing to close anything on.
        :raises Busy: if *wait_turn* is false and the run under way is for other pairs.
        """
        bot, audit = self._protection.bot, self._protection.audit
        # Held: a turn in the line that nobody carries out would be joined by the signal's own run.
        with self._protection.signals.held():
            ticket = self.turns.enter(request, listener, wait_turn=wait_turn)
            if not ticket.joined:
                # In a thread of its own, so that nothing the run does can hold up its caller; and
                # another that ends it if it hangs, whether or not its caller waits for it.
                work = partial(self._carry_out, ticket.turn, bot, audit)
                if start_thread(work, name="run") is None:
                    work()
                else:
                    start_thread(partial(self.wait_for, ticket), name="watch")
        return ticket

    def wait_for(self, ticket: Ticket) -> LiquidationResult:
        """The result; a run that does not end in time is called failed."""
        turn = ticket.turn

        def is_over(timeout_s: float) -> bool:
            return bool(wait([turn.done], timeout_s).done)

        if not ends_in_time(is_over, self.turns.over_by(turn)):
            self._end(turn, turn.reached or self._given_up(turn))
        return turn.done.result()

    def _carry_out(self, turn: Turn, bot: "LiquidatingBot", audit: AuditLog) -> None:
        if not self.turns.wait_for_turn(turn):
            return
        turn.ends_at = time.monotonic() + self._protection.config.timeout_seconds
        try:
            with self._protection.watchdog.pinging():
                result = self._prepare_and_run(turn, bot, audit)
        except Exception:
            logger.exception("Liquidation broke off.")
            result = turn.reached or self._broken(turn, "the run broke off")
        if turn.given_up:
            logger.warning("Liquidation %s has ended after all.", turn.correlation_id)
            self._follow(turn, without_secrets(result, self._protection.masker))
        self._end(turn, result)

    def _prepare_and_run(
        self, turn: Turn, bot: "LiquidatingBot", audit: AuditLog
    ) -> LiquidationResult:
        was_closed = self._protection.door.is_closed
        self._decide(turn)
        latching = None
        if not self._will_skip(turn.request):
            self._protection.door.bar(turn.request.pairs)
            latching = self._latch(turn)
            self._say_started(turn.request)
            turn.take(bot._exit_lock, within_s=self._lock_patience_s(bot))
        result = self._run(turn, bot, audit)
        self.turns.close(turn)
        if self._leaves_open(turn.request) and turn.request.pairs is None and not was_closed:
            self._protection.door.open()
        if latching is None:
            latching = self._latch(turn)  # an operator joined it on the way
        if latching is not None:
            latching.wait(CONTROL_READ_WITHIN_S)
        return result

    def _run(self, turn: Turn, bot: "LiquidatingBot", audit: AuditLog) -> LiquidationResult:
        assert turn.ends_at is not None, "begun"
        left_s = turn.ends_at - time.monotonic()
        # Two sellers of the same coins would sell the user's own, too.
        shared = (
            bot.exchange.trading_mode == TradingMode.SPOT
            or self._protection.config.scope == "trades"
        )
        alone = self._will_skip(turn.request) or self._protection.neighbours.claim(
            turn,
            for_s=left_s,
            wait_s=max(0.0, left_s - ANOTHERS_TURN_LEAVES_S),
            insist_s=left_s / 3 if shared else 0.0,
        )
        if not alone and shared:
            return self._broken(turn, "another process is liquidating this book and has not ended")
        result = asyncio.run(self.runner.run(turn, bot, audit, self._protection.config))
        turn.result = result
        if alone:
            self._protection.neighbours.release(turn, result)
        return result

    def _latch(self, turn: Turn) -> threading.Event | None:
        return None if self._leaves_open(turn.request) else self._protection.after.latch(turn)

    def _leaves_open(self, request: Request) -> bool:
        """Closing nothing is what the configuration, or a person, wants of it."""
        return self._will_skip(request) or (
            request.automatic and not self._protection.config.close_positions
        )

    def _lock_patience_s(self, bot: "LiquidatingBot") -> float:
        """How long to wait for freqtrade's loop to end an exit of its own (it goes on, then).

        On spot a sell that neither the database nor we know of would make ours a second one.
        """
        spot = bot.exchange.trading_mode == TradingMode.SPOT
        return self._protection.config.timeout_seconds / 4 if spot else LOCK_WITHIN_S

    def _end(self, turn: Turn, result: LiquidationResult) -> None:
        """Once a turn: what follows, then its result for all who wait, then the next one."""
        if not turn.finish():
            return
        self.turns.close(turn)
        result = without_secrets(result, self._protection.masker)
        try:
            self._follow(turn, result)
        finally:
            turn.give_back()
            self.turns.leave(turn)
            turn.done.set_result(result)

    def _follow(self, turn: Turn, result: LiquidationResult) -> None:
        try:
            self._protection.after.follows(
                turn, result, self._protection.bot, on_purpose=self._leaves_open(turn.request)
            )
        except Exception:
            logger.exception("What follows from liquidation %s failed.", turn.correlation_id)

    def _given_up(self, turn: Turn) -> LiquidationResult:
        """It is still at work: what it comes to is told, and its row written, when it ends."""
        turn.given_up = True
        return self._broken(turn, GIVEN_UP)

    def _broken(self, turn: Turn, words: str) -> LiquidationResult:
        logger.critical("Liquidation: %s; treat every position as open.", words)
        took_s = 0.0
        if turn.ends_at is not None:
            took_s = time.monotonic() - turn.ends_at + self._protection.config.timeout_seconds
        return LiquidationResult(
            state=LiquidationState.FAILED,
            correlation_id=turn.correlation_id,
            positions_failed=len(self.runner.trades),
            duration_seconds=took_s,
            errors=(words,),
        )

    def _on_widened(self, turn: Turn) -> None:
        self._protection.door.bar()

    def _will_skip(self, request: Request) -> bool:
        return why_skip(request, self._protection.config) is not None

    def _decide(self, turn: Turn) -> None:
        """A maintenance window covers every automatic trigger within it. In doubt: protect."""
        if not turn.request.automatic or self._will_skip(turn.request):
            return
        try:
            state = bounded(
                self._protection.control.state, timeout_s=CONTROL_READ_WITHIN_S, name="control"
            )
        except Exception as error:  # noqa: BLE001 - whatever it is: protect
            logger.warning("Maintenance window not readable, taken as armed: %s", error)
            return
        if (until := state.disarmed_until) is not None:
            self.turns.skip(
                turn, f"disarmed by {state.disarmed_by} until {until:%Y-%m-%d %H:%M} UTC"
            )

    def _say_started(self, request: Request) -> None:
        text = messages.started(request.trigger, len(self.runner.trades))
        self._protection.notifier.send(Message(text=text))
