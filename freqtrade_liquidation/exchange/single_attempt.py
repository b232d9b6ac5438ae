"""freqtrade's exchange without its repeats: one call, one attempt.

``retrier`` repeats four or five times and sleeps up to 17 s in between. Its ``count=0`` switches
that off, but only where the method that is called is the decorated one: Hyperliquid's
``fetch_positions`` and ``fetch_order``, Bybit's and Krakenfutures' ``fetch_order`` override it and
take no ``count``.
"""

import functools
import inspect
from typing import Any

from freqtrade.exchange import Exchange
from freqtrade.exchange import common as freqtrade_common


def asking_once(exchange: Exchange) -> Exchange:
    """*exchange* itself, each of its methods from now on without repeats. For copies only."""
    kind: Any = type(exchange)
    exchange.__class__ = _class_without_repeats(kind)
    return exchange


@functools.cache  # by class
def _class_without_repeats(kind: type[Exchange]) -> type[Exchange]:
    """A subclass of *kind*, with the undecorated methods in front of it and behind it.

    Behind it, so that ``super().fetch_order(...)`` in *kind* finds the undecorated one, too.
    """
    behind = type("OneAttempt", (Exchange,), _undecorated(Exchange))
    bases = (behind,) if kind is Exchange else (kind, behind)
    return type(kind.__name__, bases, _undecorated(kind))


def _undecorated(kind: type[Exchange]) -> dict[str, Any]:
    """*kind*'s methods that ``retrier`` decorates, inherited ones included, as they were before.

    Source: ``functools.wraps`` keeps the original in ``__wrapped__``; other decorators do, too, but
    their wrappers are not defined in ``freqtrade.exchange.common``.
    """
    methods = {name: inspect.getattr_static(kind, name) for name in dir(kind)}
    return {name: m.__wrapped__ for name, m in methods.items() if _is_repeating(m)}


def _is_repeating(method: Any) -> bool:
    return (
        inspect.isfunction(method)
        and hasattr(method, "__wrapped__")
        and method.__globals__ is vars(freqtrade_common)
        and not inspect.iscoroutinefunction(method)
    )
