"""Threads that nothing waits for: start one, or call a blocking function and stop waiting."""

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
logger = logging.getLogger(__name__)


def start_thread(work: Callable[[], object], *, name: str) -> threading.Thread | None:
    """Starts *work* in a daemon thread.

    Where the system grants no further thread (a pids limit, no memory for its stack), the caller
    decides: most call *work* themselves, so that a run goes on in the thread that it is in.

    :returns: ``None`` if no thread was granted; *work* has not begun then.
    """
    thread = threading.Thread(target=work, name=f"liquidation-{name}", daemon=True)
    try:
        thread.start()
    except (RuntimeError, MemoryError) as error:
        logger.warning("No thread for %s (%s): it is done without.", name, error)
        return None
    return thread


def bounded(function: Callable[[], T], *, timeout_s: float, name: str) -> T:
    """Calls *function* in a daemon thread; stops waiting after *timeout_s* seconds.

    Where no thread is granted, *function* is called at once, as long as it takes.

    :returns: what *function* returns.
    :raises TimeoutError: if it took longer; it goes on, unattended. Else what *function* raises.
    """
    box: list[tuple[T | None, BaseException | None]] = []

    def work() -> None:
        try:
            box.append((function(), None))
        except BaseException as raised:  # noqa: BLE001 - handed to the caller, whatever it is
            box.append((None, raised))

    thread = start_thread(work, name=name)
    if thread is None:
        return function()
    thread.join(timeout_s)
    if not box:
        raise TimeoutError(f"{name} took longer than {timeout_s:.2f} s")
    value, error = box[0]
    if error is not None:
        raise error
    return value  # type: ignore[return-value]
