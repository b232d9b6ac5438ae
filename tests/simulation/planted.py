"""Known bugs, planted one at a time into the real code: each is caught, or the net has a hole.

A bug replaces one part of the run for as long as it is planted; nothing of it is in the package.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch

Plant = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Bug:
    """A mistake that somebody could make.

    :param words: what it does, for the table in docs/simulation.md.
    :param breaks: the invariant that must catch it.
    """

    words: str
    breaks: str
    planted: Plant


PLANTED: Final[dict[str, Bug]] = {}


def bug(words: str, *, breaks: str) -> Callable[[Plant], Plant]:
    """Adds a bug under the name of the function that plants it."""

    def register(plant: Plant) -> Plant:
        PLANTED[plant.__name__] = Bug(words, breaks, plant)
        return plant

    return register


def swap(owner: object, name: str, part: object) -> AbstractContextManager[Any]:
    """*owner*'s *name* is *part* while inside."""
    return patch.object(owner, name, part)


@contextmanager
def both(*plants: AbstractContextManager[Any]) -> Iterator[None]:
    """All of *plants* at once."""
    with ExitStack() as stack:
        for plant in plants:
            stack.enter_context(plant)
        yield


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """Plants the bug called *name*; ``None`` = none."""
    if name is None:
        yield
        return
    with PLANTED[name].planted():
        yield


from tests.simulation import planted_orders, planted_runs  # noqa: E402 - they add to the list

__all__ = ["PLANTED", "Bug", "bug", "planted", "planted_orders", "planted_runs"]
