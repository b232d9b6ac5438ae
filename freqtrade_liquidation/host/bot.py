"""freqtrade's bot with a door that can be barred and a state that wakes the loop."""

import logging
import threading
import time
from typing import Any

from freqtrade.constants import RETRY_TIMEOUT
from freqtrade.enums import State, TradingMode
from freqtrade.exceptions import (
    InvalidOrderException,
    OperationalException,
    PricingError,
    TemporaryError,
)
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Trade

from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.host.control import patiently
from freqtrade_liquidation.host.earlier import sells_unbooked
from freqtrade_liquidation.host.neighbours import LOOK_EVERY_S
from freqtrade_liquidation.host.protection import Protection, current
from freqtrade_liquidation.host.snapshot import known_trade

logger = logging.getLogger(__name__)

DEFINITE_REFUSALS = (InvalidOrderException, PricingError, OperationalException)
"""Raised by ``execute_entry`` when no order can have been placed."""


class LiquidatingBot(FreqtradeBot):
    """Put in ``FreqtradeBot``'s place before freqtrade builds one. No method is patched.

    :ivar fatal_error: what made freqtrade stop by itself; ``None`` = an operator stopped it.
    """

    fatal_error: BaseException | None = None

    def __init__(self, config: dict[str, Any]) -> None:
        self._protection: Protection = current()
        self._built = False
        self._state = State.STOPPED
        self.wake = threading.Event()
        self._protection.prepare_channels(config)
        super().__init__(config)
        if not hasattr(self, "_exit_lock"):
            raise OperationalException("freqtrade's bot has no _exit_lock: it does not fit")
        self._protection.attach(self)
        self._built = True

    @property
    def state(self) -> State:
        """freqtrade's state."""
        return self._state

    @state.setter
    def state(self, wanted: State) -> None:
        """Set by freqtrade and by RPC commands, from any thread; wakes the loop."""
        self._state = (
            self._protection.allow_state(self, self._state, wanted) if self._built else wanted
        )
        self.wake.set()

    def set_state(self, state: State) -> None:
        """A change of ours: no trigger, no question."""
        self._state = state
        self.wake.set()

    def resume(self, state: State) -> None:
        """Ends a reload that was not done; a ``/stop`` that came meanwhile stands."""
        if self._state == State.RELOAD_CONFIG:
            self.set_state(state)

    def startup(self) -> None:
        """freqtrade's own, then the booking that an earlier run left."""
        super().startup()
        self._protection.watch.started()

    def process(self) -> None:
        """One loop; an error that will make freqtrade stop is remembered as the reason."""
        self.fatal_error = None
        try:
            super().process()
        except OperationalException as error:
            self.fatal_error = error
            raise
        except TemporaryError as error:
            # As freqtrade's worker, whose sleep would let a ``/stop`` wait for half a minute.
            logger.warning("Error: %s, retrying in %s seconds...", error, RETRY_TIMEOUT)
            self.wake.clear()
            self._wait(RETRY_TIMEOUT)

    def _wait(self, seconds: float) -> None:
        """Trades nothing for *seconds*; a change of state ends it, a repeat that is due, too."""
        protection, until = self._protection, time.monotonic() + seconds
        while self.state in (State.RUNNING, State.PAUSED):
            left_s = until - time.monotonic()
            if left_s <= 0 or protection.after.repeats.are_due_now:
                return
            if self.wake.wait(min(left_s, LOOK_EVERY_S)):
                return
            protection.watch.look()

    def execute_entry(self, pair: str, *args: Any, **kwargs: Any) -> bool:
        """The one place that all entries pass: noted before it is sent, refused when barred."""
        side = "sell" if kwargs.get("is_short") else "buy"
        note = self._protection.door.note(pair, side)
        if note is None:
            self._protection.log.info("Entry into %s refused: a liquidation barred it.", pair)
            return False
        if (why := self._protection.neighbours.refuse_entry(pair)) is not None:
            self._protection.door.settle(note)
            logger.warning("Entry into %s refused: %s.", pair, why)
            return False
        try:
            entered = super().execute_entry(pair, *args, **kwargs)
        except DEFINITE_REFUSALS:
            self._protection.door.settle(note)
            raise
        # Whatever else is raised (a timeout, the signal that ends us) leaves the note standing:
        # the exchange may execute what this process has let go of.
        self._protection.door.settle(note)
        return entered

    def execute_trade_exit(self, trade: Trade, *args: Any, **kwargs: Any) -> bool:
        """On spot never beside a sell of ours that *trade* does not know of yet.

        freqtrade would sell the same amount again: coins of the user's own. On futures its exits
        are reduce-only. Once the sell is booked, or known to have never arrived, exits go on.
        """
        if (why := self._why_no_exit(trade)) is not None:
            logger.warning("Exit of %s refused: %s.", trade.pair, why)
            return False
        return super().execute_trade_exit(trade, *args, **kwargs)

    def create_stoploss_order(self, trade: Trade, stop_price: float) -> bool:
        """On spot not for coins that may be sold already: it would sell the user's own later."""
        if (why := self._why_no_exit(trade)) is not None:
            logger.warning("Stop of %s not placed: %s.", trade.pair, why)
            return False
        return bool(super().create_stoploss_order(trade, stop_price))

    def _why_no_exit(self, trade: Trade) -> str | None:
        if self.trading_mode != TradingMode.SPOT or self.config["dry_run"]:
            return None
        try:
            orders = patiently(lambda: sells_unbooked(self._protection.audit, known_trade(trade)))
        except LiquidationError as error:
            return f"what a liquidation has sold of it cannot be read: {error}"
        return f"sold by a liquidation, not booked yet ({', '.join(orders)})" if orders else None

    def cleanup(self) -> None:
        """freqtrade's own, without cancelling orders one by one after a run has done so."""
        if self._protection.after.has_run:
            self.config["cancel_open_orders_on_exit"] = False
        super().cleanup()
