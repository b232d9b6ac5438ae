"""Blocking calls in threads that nobody has to wait for.

``ThreadPoolExecutor`` and ``asyncio.run`` join their workers at the end: one hung request would
hold up the exit. Ours are daemons, one a call; an answer that nobody awaits any more is dropped.
"""

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import TypeVar

from freqtrade_liquidation.bounded import bounded, start_thread

__all__ = ["bounded", "in_loop", "in_thread", "start_thread"]

T = TypeVar("T")


async def in_thread(
    function: Callable[[], T], *, name: str, ended: Callable[[], None] | None = None
) -> T:
    """What *function* returns or raises, called in a daemon thread.

    Where no thread is granted, *function* is called in the loop, which stands still meanwhile.

    :param ended: called in the loop when the thread has come to its end, whether or not anybody
        still waits for it: whoever stops waiting does not stop the thread.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if ended is not None:
            ended()
        if future.cancelled():
            return
        if isinstance(error, Exception) and not isinstance(error, StopIteration):
            future.set_exception(error)
        elif error is not None:  # asyncio lets these end the loop, or refuses them
            future.set_exception(RuntimeError(f"{type(error).__name__}: {error}"))
        else:
            future.set_result(value)  # type: ignore[arg-type]

    def work() -> None:
        value, error = None, None
        try:
            value = function()
        except BaseException as raised:  # noqa: BLE001 - handed to the caller, whatever it is
            error = raised
        try:
            loop.call_soon_threadsafe(settle, value, error)
        except RuntimeError:
            return  # the run is over and its loop closed: nobody asks for this answer

    if start_thread(work, name=name) is None:
        work()
    return await future


def in_loop(
    loop: asyncio.AbstractEventLoop, function: Callable[[], bool], *, timeout_s: float
) -> bool:
    """What *function* returns, called in *loop* from another thread.

    :returns: ``False`` where the loop is over or does not get to it in time; then it is not called.
    """
    future: concurrent.futures.Future[bool] = concurrent.futures.Future()

    def call() -> None:
        if future.set_running_or_notify_cancel():
            future.set_result(function())

    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        return False  # it is over
    try:
        return future.result(timeout_s)
    except TimeoutError:
        return False if future.cancel() else future.result()
