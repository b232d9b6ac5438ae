"""The places where we meet freqtrade, checked before a bot is started.

A freqtrade whose hooks do not fit stops the start: never a bot that believes it is armed. All names
stand in :mod:`.seam_names`. Checked is what a start can see without a bot: that a name is there,
and that a function takes the parameters that we count on, in this order, and needs no other.
"""

import dis
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Final

import freqtrade
from freqtrade.exceptions import OperationalException

from freqtrade_liquidation.host.seam_names import NEEDED, Names

OLDEST: Final = (2026, 4)


def check(needed: Names = NEEDED) -> None:
    """Compares the installed freqtrade with what we need.

    :raises OperationalException: naming every seam that does not fit.
    """
    faults = [*_version_faults()]
    for where, names in needed.items():
        faults += _faults(where, names)
    if faults:
        raise OperationalException(
            f"freqtrade {freqtrade.__version__} does not fit freqtrade-liquidation; "
            "the bot is not started, because it would not be protected:\n- " + "\n- ".join(faults)
        )


def substitute() -> None:
    """Puts our classes in the place of freqtrade's, before freqtrade looks them up.

    Call :func:`check` first.
    """
    import freqtrade.rpc.rpc_manager as rpc_module
    import freqtrade.worker as worker_module

    from freqtrade_liquidation.host.bot import LiquidatingBot
    from freqtrade_liquidation.host.rpc import LiquidatingRPC
    from freqtrade_liquidation.host.worker import LiquidatingWorker

    worker_module.FreqtradeBot = LiquidatingBot  # type: ignore[misc]
    worker_module.Worker = LiquidatingWorker  # type: ignore[misc]
    rpc_module.RPC = LiquidatingRPC  # type: ignore[misc]


def _version_faults() -> Iterator[str]:
    parts = freqtrade.__version__.split("-")[0].split(".")
    try:
        version = tuple(int(part) for part in parts[:2])
    except ValueError:
        yield f"version {freqtrade.__version__!r} is not of the form YEAR.MONTH"
        return
    if version < OLDEST:
        yield f"version {freqtrade.__version__} is older than {OLDEST[0]}.{OLDEST[1]}"


def _faults(where: str, names: str) -> Iterator[str]:
    try:
        owner = find(where)
    except (ImportError, AttributeError):
        yield f"{where} is missing"
        return
    for name, parameters in each(names):
        shown = f"{owner.__name__}.{name}"
        if parameters is None:
            if not has(owner, name):
                yield f"{shown} is missing"
        elif not callable(function := getattr(owner, name, None)):
            yield f"{shown} is missing"
        else:
            yield from (f"{shown} {fault}" for fault in _misfits(function, parameters))


def find(where: str) -> Any:
    """The module or class that is called *where*.

    :raises ImportError, AttributeError: if there is none.
    """
    module_name, _, class_name = where.partition(":")
    module = importlib.import_module(module_name)
    return getattr(module, class_name) if class_name else module


def each(names: str) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    """Name and parameters of each; ``None`` = not a function."""
    for name, parameters in re.findall(r"(\w+)(\([^)]*\))?", names):
        yield name, tuple(re.findall(r"\w+", parameters)) if parameters else None


def _misfits(function: Callable[..., Any], expected: tuple[str, ...]) -> Iterator[str]:
    known = inspect.signature(function).parameters
    if missing := [name for name in expected if name not in known]:
        yield f"has no parameter {', '.join(missing)}"
    elif (order := [name for name in known if name in expected]) != list(expected):
        yield f"takes its parameters in another order: {', '.join(order)}"
    required = [
        name
        for name, parameter in known.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and name not in ("self", *expected)
    ]
    if required:
        yield f"needs a parameter that we do not know: {', '.join(required)}"


def has(owner: Any, name: str) -> bool:
    """Also what a class only annotates, or sets on its objects."""
    if hasattr(owner, name):
        return True
    if not inspect.isclass(owner):
        return False
    return any(
        name in vars(base).get("__annotations__", ())
        or any(_sets(function, name) for function in vars(base).values())
        for base in owner.__mro__
    )


def _sets(function: Any, name: str) -> bool:
    """Whether the method *function* assigns ``self.name``."""
    code = getattr(inspect.unwrap(function) if callable(function) else None, "__code__", None)
    if code is None or name not in code.co_names:
        return False
    steps = list(dis.get_instructions(code))
    return any(
        of.argval == "self" and step.opname == "STORE_ATTR" and step.argval == name
        for of, step in pairwise(steps)
    )
