"""Whether a book can be closed in time at the limits in force: told before it has to be."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.config.settings import LONGEST_TIMEOUT_S
from freqtrade_liquidation.exchange.limiter import LAG_S, ORDER, READ, REQUEST, WRITE, Window
from freqtrade_liquidation.exchange.limits import limits_for
from freqtrade_liquidation.run.request_runner import LOOK_NEEDS_S
from freqtrade_liquidation.run.stops import UNPROTECT_NEEDS_S

ROUND_TRIP_S: Final = 0.1
"""Of a usual line. What is told here is about limits that cost seconds."""
LISTS: Final = 3
"""Of a futures account: positions, orders, stops."""
DEFAULT_TIMEOUT_S: Final = LiquidationConfig().timeout_seconds


def too_slow(
    config: Mapping[str, Any], api: Any, *, name: str, open_now: int = 0, look: int | None = None
) -> str | None:
    """What an operator has to know where a limit leaves a run too little time for the whole book;
    ``None`` = it fits.

    :param config: freqtrade's.
    :param api: ccxt's exchange.
    :param name: of the exchange, for people.
    :param open_now: positions; more than these may be open later (``max_open_trades``).
    :param look: how many requests a look takes; ``None`` = as many as on most exchanges.
    """
    timeout_s = (config.get("liquidation") or {}).get("timeout_seconds", DEFAULT_TIMEOUT_S)
    most = config.get("max_open_trades", 1)
    if look is None:
        look = LISTS if config.get("trading_mode") == "futures" else 1
    positions = max(int(most) if 0 < most < math.inf else 1, open_now)
    needs = [
        (_needs_s(config, window, positions=positions, look=look), window)
        for window in limits_for(config, api)
    ]
    needs_s, window = max(needs, key=lambda need: need[0], default=(0.0, None))
    if window is None or needs_s <= timeout_s:
        return None
    users = window.kind == REQUEST
    whose = "the rateLimit in ccxt_config" if users else f"{name}'s own limits"
    told = (
        f"Closing {positions} position(s) within {whose} takes {math.ceil(needs_s)} s, and "
        f"timeout_seconds is {timeout_s:g}: part of the book would stay open."
    )
    lower = " or lower rateLimit" if users else ""
    if needs_s <= LONGEST_TIMEOUT_S:
        return f"{told} Set timeout_seconds to {math.ceil(needs_s)}{lower}."
    fitting = _fitting(config, window, range(1, positions), look=look)
    instead = "lower rateLimit, or " if users else ""
    return (
        f"{told} No timeout_seconds would do, {LONGEST_TIMEOUT_S:g} is the longest: {instead}"
        f"keep at most {fitting} position(s) open."
    )


def _needs_s(config: Mapping[str, Any], window: Window, *, positions: int, look: int) -> float:
    """Seconds that a run needs from its first request on; 0 where *window* holds nothing up.

    Two looks, and a close for each position. On spot each open order is looked at, too, and a stop
    is cancelled before its close, with time left to put it back.
    """
    futures = config.get("trading_mode") == "futures"
    locked = not futures and bool(config.get("order_types", {}).get("stoploss_on_exchange"))
    reads = 2 * look + (0 if futures else positions)
    writes = 2 * positions if locked else positions
    counted = {REQUEST: reads + writes, READ: reads, WRITE: writes, ORDER: writes}
    full = (counted.get(window.kind, 1) - 1) // window.limit
    if not full:
        return 0.0
    wait_s = full * (window.span_s + min(ROUND_TRIP_S, LAG_S))
    return wait_s + 2 * ROUND_TRIP_S + (UNPROTECT_NEEDS_S if locked else LOOK_NEEDS_S)


def _fitting(config: Mapping[str, Any], window: Window, sizes: Iterable[int], *, look: int) -> int:
    return max(
        (n for n in sizes if _needs_s(config, window, positions=n, look=look) <= LONGEST_TIMEOUT_S),
        default=0,
    )
