"""A blocking call that nobody has to wait for longer than he can."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def bounded(function: Callable[[], T], *, timeout_s: float, name: str) -> T:
    """What *function* returns or raises, called in a daemon thread.

    :raises TimeoutError: if it took longer than *timeout_s*; it goes on, unattended.
    """
    box: list[tuple[T | None, BaseException | None]] = []

    def work() -> None:
        try:
            box.append((function(), None))
        except BaseException as raised:  # noqa: BLE001 - handed to the caller, whatever it is
            box.append((None, raised))

    thread = threading.Thread(target=work, name=f"liquidation-{name}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if not box:
        raise TimeoutError(f"{name} took longer than {timeout_s:.2f} s")
    value, error = box[0]
    if error is not None:
        raise error
    return value  # type: ignore[return-value]
