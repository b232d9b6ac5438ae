"""freqtrade's bot with a door that can be barred and a state that wakes the loop."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from freqtrade.constants import RETRY_TIMEOUT
from freqtrade.enums import State, TradingMode
from freqtrade.exceptions import OperationalException, TemporaryError
from freqtrade.exchange import Exchange
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Trade
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from freqtrade_liquidation.audit.engine import is_in_memory
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.exchange.secrets import secrets_in
from freqtrade_liquidation.exchange.watching import fingerprint, watch_answers
from freqtrade_liquidation.host.control import patiently
from freqtrade_liquidation.host.earlier import sells_unbooked
from freqtrade_liquidation.host.neighbours import LOOK_EVERY_S
from freqtrade_liquidation.host.protection import Protection, current
from freqtrade_liquidation.orders.entry_gate import OrderNote
from freqtrade_liquidation.orders.noted_exchange import DEFINITE_REFUSALS, Sending, noting
from freqtrade_liquidation.orders.trades import booked_for, known_trade
from freqtrade_liquidation.round_trips import RoundTrips
from freqtrade_liquidation.threads import bounded

logger = logging.getLogger(__name__)

BOOKED_WITHIN_S: Final = 1.0
"""The database may be locked. Without its word, the exit waits for the next loop."""


class LiquidatingBot(FreqtradeBot):
    """Put in ``FreqtradeBot``'s place before freqtrade builds one. No method is patched.

    :ivar fatal_error: what made freqtrade stop by itself; ``None`` = an operator stopped it.
    """

    fatal_error: BaseException | None = None

    def __init__(self, config: dict[str, Any]) -> None:
        self._protection: Protection = current()
        self._built = False
        self._state = State.STOPPED
        self._noted = threading.local()
        self.round_trips = RoundTrips()
        self.wake = threading.Event()
        self._protection.keep_secret(secrets_in(config))  # before freqtrade logs any of it
        self._protection.prepare_channels(config)
        super().__init__(config)
        if not hasattr(self, "_exit_lock"):
            raise OperationalException("freqtrade's bot has no _exit_lock: it does not fit")
        self.answers = self._protection.answers_to(fingerprint(self._exchange))
        watch_answers(self._exchange, self.round_trips, self.answers)
        self._protection.attach(self)
        if self._protection.stopped_from is not None:  # asked for while this bot was being built
            self.set_state(State.STOPPED)
        self._built = True

    @property
    def state(self) -> State:
        """freqtrade's state."""
        return self._state

    @state.setter
    def state(self, wanted: State) -> None:
        """Set by freqtrade and by RPC commands, from any thread; wakes the loop."""
        old = self._state
        if self._built:
            wanted = self._protection.allow_state(self, old, wanted)
        self._protection.note_stop(old, wanted, built=self._built)
        self._state = wanted
        self.wake.set()

    @property
    def is_built(self) -> bool:
        """Its RPC answers before that, while a strategy's ``bot_start`` takes its time."""
        return self._built

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
        """One loop; an error that will make freqtrade stop is remembered as the reason.

        None while a run closes the whole book: it books what the loop would look at.
        """
        if self._protection.let_run_end():
            return
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
        except (ObjectDeletedError, StaleDataError) as error:
            # A run books while the loop waits for its turn, and freqtrade deletes a trade whose
            # only entry was cancelled. The loop still holds it: nothing to die of.
            Trade.rollback()
            logger.info("A trade was booked while the loop looked at it: %s", error)

    def _wait(self, seconds: float) -> None:
        """Trades nothing for *seconds*; a change of state ends it, a repeat that is due, too."""
        protection, until = self._protection, time.monotonic() + seconds
        while self.state in (State.RUNNING, State.PAUSED):
            left_s = until - time.monotonic()
            if left_s <= 0 or protection.after.repeats.are_due_now:
                return
            if self.wake.wait(min(left_s, LOOK_EVERY_S)):
                return
            protection.watchdog.ping()
            protection.watch.look()

    def execute_entry(self, pair: str, *args: Any, **kwargs: Any) -> bool:
        """The one place that all entries pass: noted before it is sent, refused when barred."""
        protection = self._protection
        barred = protection.door.is_barred(pair)
        # Before it is noted: a signal that falls in here must leave no entry that nobody lets go.
        if not barred and (why := protection.neighbours.refuse_entry(pair, protection.audit)):
            logger.warning("Entry into %s refused: %s.", pair, why)
            return False
        note = protection.door.note(pair, "sell" if kwargs.get("is_short") else "buy")
        if note is None:
            protection.log.info("Entry into %s refused: a liquidation barred it.", pair)
            return False
        with self._in_the_air(note):
            return super().execute_entry(pair, *args, **kwargs)

    @property
    def exchange(self) -> Exchange:
        """freqtrade's exchange; while this thread sends an order that is noted, a copy of it."""
        noted: Exchange | None = getattr(self._noted, "exchange", None)
        return self._exchange if noted is None else noted

    @exchange.setter
    def exchange(self, exchange: Exchange) -> None:
        self._exchange = exchange

    @contextmanager
    def _in_the_air(self, note: OrderNote) -> Iterator[None]:
        """A timeout, or the signal that ends us: then the note stands, for the exchange may execute
        what this process has let go of."""
        gate = self._protection.door
        sending = Sending(gate, note)
        live = not self.config["dry_run"]
        self._noted.exchange = noting(self._exchange, sending) if live else None
        try:
            yield
        except BaseException as error:
            sending.is_unknown |= not isinstance(error, DEFINITE_REFUSALS)
            raise
        finally:
            self._noted.exchange = None
            if sending.is_unknown:
                gate.let_go(note)
            else:
                gate.answered(note, sending.orders)

    def create_stoploss_order(self, trade: Trade, stop_price: float) -> bool:
        """No stop for what a run is closing, nor for what may be sold already where the account may
        hold the user's own.

        It would be left over, and sell the user's own later. So would one whose answer is lost:
        each is noted.

        Committed at once. freqtrade commits when it is through with all trades, and a signal before
        that left stops that its database did not know: on spot, over coins of the user's own.
        """
        if (why := self._why_no_exit(trade)) is not None:
            logger.warning("Stop of %s not placed: %s.", trade.pair, why)
            return False
        if self.config["dry_run"]:
            return self._place_stop(trade, stop_price)
        with self._in_the_air(self._protection.door.note_exit(trade.pair, trade.exit_side)):
            return self._place_stop(trade, stop_price)

    def _place_stop(self, trade: Trade, stop_price: float) -> bool:
        placed = super().create_stoploss_order(trade, stop_price)
        Trade.commit()
        return placed

    def handle_onexchange_order(self, trade: Trade) -> bool:
        """While a run closes it, its balance is gone for a reason that the run books."""
        if self._protection.is_closing(trade.pair):
            return False
        return super().handle_onexchange_order(trade)

    def execute_trade_exit(self, trade: Trade, *args: Any, **kwargs: Any) -> bool:
        """Never beside a run's; where the account is shared, not beside a close that *trade* does
        not know of, either.

        freqtrade would close the same amount again: the user's own. Elsewhere its exits are
        reduce-only, and nothing but the bot's is there to reduce. Once the close is booked, or
        known to have never arrived, exits go on.
        """
        if (why := self._why_no_exit(trade)) is not None:
            logger.warning("Exit of %s refused: %s.", trade.pair, why)
            return False
        if not self._shares_the_account:
            return super().execute_trade_exit(trade, *args, **kwargs)
        with self._in_the_air(self._protection.door.note_exit(trade.pair, trade.exit_side)):
            return super().execute_trade_exit(trade, *args, **kwargs)

    @property
    def _shares_the_account(self) -> bool:
        """Live, on spot or in scope "trades": an exit may close what the user holds beside the
        bot."""
        is_spot = self.trading_mode == TradingMode.SPOT
        may = is_spot or self._protection.config.scope == "trades"
        return may and not self.config["dry_run"]

    def _why_no_exit(self, trade: Trade) -> str | None:
        if self._protection.is_closing(trade.pair):
            return "it is left to the liquidation"
        if not self._shares_the_account:
            return None
        try:
            known = known_trade(trade, self.config)
            orders = patiently(lambda: sells_unbooked(self._protection.audit, known))
            booked = self._booked_for(trade.id)
        except (LiquidationError, SQLAlchemyError, TimeoutError) as error:
            return f"what a liquidation has sold of it cannot be read: {error}"
        if orders:
            return f"sold by a liquidation, not booked yet ({', '.join(orders)})"
        if booked - known.order_ids:
            return "another process has booked an order of it since this loop read it"
        return None

    def _booked_for(self, trade_id: int) -> set[str]:
        """In a thread, whose session has read nothing yet. Nobody shares a database in memory."""
        if is_in_memory(self.config["db_url"]):
            return set()
        return bounded(lambda: booked_for(trade_id), timeout_s=BOOKED_WITHIN_S, name="booked")

    def check_for_open_trades(self) -> None:
        """ "Handle these trades manually": not where the exchange has shown that none is open.

        After a run that could not be booked the database still calls them open.
        """
        last = self._protection.after.last_result
        if last is None or not last.success:
            super().check_for_open_trades()  # type: ignore[no-untyped-call]

    def cleanup(self) -> None:
        """freqtrade's own, without cancelling orders one by one after a run has done so."""
        if self._protection.after.has_run:
            self.config["cancel_open_orders_on_exit"] = False
        super().cleanup()
