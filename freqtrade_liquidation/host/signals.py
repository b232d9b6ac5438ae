"""Signals: the first ends the bot, the second tells how things stand, the third forces the exit.

Python calls a signal's handler in the main thread, between two of its bytecodes. A strategy can
keep that thread for minutes (``time.sleep``, a long calculation in C), and what the handler raises
is lost in a bare ``except:``. So the handler alone is not enough. What we weighed:

- ``sigwait`` in a thread hears at once, but every thread has to block the signals first, and child
  processes inherit that mask: a strategy's subprocess could not be ended any more.
- A thread that polls a flag of the handler hears nothing while the handler is not called.
- ``signal.set_wakeup_fd``: Python's C handler itself writes the signal's number into a pipe, in
  whatever the main thread is. A thread of ours reads it; it only needs the GIL for a moment.

We use the last one *beside* a handler. The handler raises ``KeyboardInterrupt``, as freqtrade's
does, and in most cases the main thread is on its way out a millisecond later. The thread counts,
answers, and calls *on_unheard* where the main thread has not begun to end within ``PATIENCE_S``.

There is one wakeup descriptor a process, and asyncio takes it in ``add_signal_handler``: the loop
takes it back (:meth:`Signals.check`), and so does our handler, if it is still called. A forked
child shares the pipe, and its signals are no concern of ours: it lets go of pipe and handlers.
Where no pipe or thread is to be had, the handler does the counting.
"""

import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, NoReturn

from freqtrade_liquidation.audit.queued_log import flush_log
from freqtrade_liquidation.exit_codes import POSITIONS_REMAIN
from freqtrade_liquidation.host.presses import Presses
from freqtrade_liquidation.threads import bounded, start_thread

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 0.7
"""What the main thread has to begin its end after the first signal."""
ASK_AGAIN_S: Final = 0.1
RECORD_WITHIN_S: Final = 0.5
BARE_WITHIN_S: Final = 0.2
LONGEST_READ: Final = 512
NO_TRIGGER: Final = (signal.SIGUSR1, signal.SIGUSR2)
"""What programs send each other for purposes of their own, such as a new log file. By default they
kill the process at once, with its positions open; here they do nothing, unless a strategy has a use
for them."""


class QueryInterrupted(BaseException):
    """A signal fell into a query of psycopg's.

    On ``KeyboardInterrupt`` that would ask the server to cancel it, and wait for up to ten seconds;
    one that is frozen never answers. Source: ``psycopg.Connection.wait``.
    """


class Signals:
    """The process's handlers for SIGINT, SIGTERM, SIGQUIT, and SIGHUP unless it was ignored at
    start.

    All callbacks are called in a thread of ours, or in the handler where there is none.

    :param on_held: says that a signal is heard, and what comes first.
    :param on_third: puts the forced exit on record.
    :param has_begun: whether a run for the book has begun: without one, no exit is forced.
    :param on_unheard: ends the process without the main thread; ``False`` = not possible yet.
    """

    def __init__(
        self,
        *,
        on_held: Callable[[], None],
        on_third: Callable[[], None],
        has_begun: Callable[[], bool] = lambda: True,
        on_unheard: Callable[[], bool] | None = None,
    ) -> None:
        self.received: list[str] = []
        self.on_unheard = on_unheard
        self._on_held = on_held
        self._on_third = on_third
        self._has_begun = has_begun
        self._presses = Presses()
        self._first: str | None = None
        self._due_at: float | None = None
        self._interrupted = False
        self._exiting = False
        self._holds = 0
        self._builds = 0
        self._handled: list[signal.Signals] = []
        self._pipe: tuple[int, int] | None = None

    def install(self) -> None:
        """Replaces the handlers, in the main thread. freqtrade's own come earlier and lose."""
        self._handled = [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            self._handled.append(signal.SIGHUP)
        self._open_pipe()
        for number in NO_TRIGGER:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _do_nothing)
        self._take_hold()
        os.register_at_fork(after_in_child=self._let_go)

    def _open_pipe(self) -> None:
        try:
            self._pipe = os.pipe()
        except OSError as error:
            logger.warning("Signals are heard by the main thread alone: %s", error)
            return
        for descriptor in self._pipe:
            os.set_blocking(descriptor, False)
        if start_thread(self._read, name="signals") is None:
            for descriptor in self._pipe:
                os.close(descriptor)
            self._pipe = None

    def _take_hold(self) -> None:
        """In the main thread. asyncio or a strategy may have put its own in their place."""
        for number in self._handled:
            if signal.getsignal(number) != self._handle:
                signal.signal(number, self._handle)
        if self._pipe is not None:
            signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)

    def _let_go(self) -> None:
        """In a forked child: what it is sent must not end the bot."""
        with suppress(ValueError):
            signal.set_wakeup_fd(-1)
            for number in NO_TRIGGER:
                if signal.getsignal(number) is _do_nothing:
                    signal.signal(number, signal.SIG_DFL)
            for number in self._handled:
                if signal.getsignal(number) == self._handle:
                    asks = number in (signal.SIGINT, signal.SIGTERM)
                    signal.signal(number, signal.default_int_handler if asks else signal.SIG_DFL)

    @property
    def first(self) -> str | None:
        """The name of the signal that ended the bot, if one did."""
        return self._first

    @property
    def is_exiting(self) -> bool:
        """The main thread has begun to end the process."""
        return self._exiting

    def check(self) -> None:
        """Raises again what a destructor, a callback, a strategy or :meth:`held` kept back."""
        if self._handled and threading.current_thread() is threading.main_thread():
            self._take_hold()
        if self._first is not None and not self._exiting:
            self._interrupted = True
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """A run in the bot's loop is not interrupted: call :meth:`check` after it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._holds += 1
        try:
            yield
        finally:
            if self._due_at is not None:
                self._due_at = time.monotonic() + PATIENCE_S
            self._holds -= 1

    @contextmanager
    def building(self) -> Iterator[None]:
        """As :meth:`held`, but it may last as long as a strategy likes: *on_unheard* decides."""
        self._builds += 1
        try:
            yield
        finally:
            self._builds -= 1

    def exiting(self) -> None:
        """From now on a signal interrupts nothing."""
        self._exiting = True

    # -- in the main thread ---------------------------------------------------------------------

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """May have interrupted the holder of any lock, so it takes none."""
        if self._first is None:
            self._first = signal.Signals(number).name
        if self._pipe is None:
            self._count(number)
        else:
            self._pass_on(number, self._pipe[1])
        if self._is_busy or self._interrupted:
            return
        self._interrupted = True
        raise QueryInterrupted if _is_in_query(frame) else KeyboardInterrupt

    @staticmethod
    def _pass_on(number: int, ours: int) -> None:
        """Where somebody else has the wakeup descriptor, our thread has not heard of it."""
        taken_by = signal.set_wakeup_fd(ours, warn_on_full_buffer=False)
        if taken_by != ours:
            with suppress(BlockingIOError):
                os.write(ours, bytes([number]))
        if taken_by not in (ours, -1):
            signal.set_wakeup_fd(taken_by, warn_on_full_buffer=False)

    @property
    def _is_busy(self) -> bool:
        return self._exiting or self._holds > 0 or self._builds > 0

    # -- in the thread that listens -------------------------------------------------------------

    def _read(self) -> None:
        assert self._pipe is not None, "opened"
        while True:
            ready, _, _ = select.select([self._pipe[0]], [], [], self._patience_left_s())
            try:
                if ready:
                    for number in os.read(self._pipe[0], LONGEST_READ):
                        self._count(number)
                elif self._is_overdue():
                    self._end_without_main()
            except Exception:
                logger.exception("What a signal sets off failed.")

    def _patience_left_s(self) -> float | None:
        if self._due_at is None or self._exiting:
            return None
        return max(ASK_AGAIN_S, self._due_at - time.monotonic())

    def _is_overdue(self) -> bool:
        waits = self._exiting or self._holds > 0
        return self._due_at is not None and not waits and time.monotonic() >= self._due_at

    def _end_without_main(self) -> None:
        if self.on_unheard is None or self.on_unheard():
            self._due_at = None

    def _count(self, number: int) -> None:
        if number not in self._handled:  # the descriptor hears of every signal that Python handles
            if number in NO_TRIGGER and signal.getsignal(number) is _do_nothing:
                logger.warning("%s ends nothing. To stop: SIGTERM.", signal.Signals(number).name)
            return
        name = signal.Signals(number).name
        if self._first is None:
            self._first = name
        self.received.append(name)
        now_s = time.monotonic()
        if not self._presses.press(name, now_s, may_force=self._has_begun()):
            if self._presses.count >= 2 and name != "SIGHUP":
                self._on_held()  # an impatient person is answered, also where no exit is forced
            return
        if self._presses.count == 1:
            self._due_at = now_s + PATIENCE_S
        if self._presses.count >= 3:
            self._force_exit()
        elif self._presses.count == 2 or (self._is_busy and not self._interrupted):
            self._on_held()

    def _force_exit(self) -> None:
        try:
            bounded(self._on_third, timeout_s=RECORD_WITHIN_S, name="third-signal")
        except Exception as error:  # noqa: BLE001 - the exit is forced all the same
            _say_bare(f"Forced exit could not be put on record: {error}")
        exit_now(POSITIONS_REMAIN)


def _all_is_written() -> bool:
    """Whether log and standard streams are written out, which is waited for a moment."""

    def flush() -> None:
        sys.stdout.flush()
        sys.stderr.flush()

    if not flush_log(RECORD_WITHIN_S):
        return False
    try:
        bounded(flush, timeout_s=BARE_WITHIN_S, name="flush")
    except Exception:  # noqa: BLE001 - whatever it is: Python would end with a code of its own
        return False
    return True


def exit_now(code: int) -> NoReturn:
    """Ends the process, whatever its other threads do; the log is written out, if it can be."""
    try:
        if _all_is_written():
            bounded(logging.shutdown, timeout_s=RECORD_WITHIN_S, name="last-words")
        else:
            _say_bare("The log may lack its last lines: what it is written to does not take them.")
    except Exception as error:  # noqa: BLE001 - the exit comes all the same
        _say_bare(f"The log may lack its last lines: {error}")
    finally:
        os._exit(code)


def _say_bare(words: str) -> None:
    """Past the log, whose locks may be taken; for a moment, for nobody may read."""
    with suppress(Exception):
        line = f"{words}\n".encode()
        bounded(lambda: os.write(2, line), timeout_s=BARE_WITHIN_S, name="last-words")


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """A handler, not ``SIG_IGN``: what a strategy starts would inherit that."""


def _is_in_query(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") == "psycopg.connection":
            return True
        frame = frame.f_back
    return False
