"""What somebody typed after ``/liquidate``, as a command."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from freqtrade_liquidation.host.control import window

LONGEST_REASON: Final = 500
ALLOWED: Final = (
    "Allowed:\n"
    "/liquidate - closes the whole book, after a question\n"
    "/liquidate BTC/USDT:USDT … - only these pairs\n"
    "/liquidate … now - without the question\n"
    "/liquidate status\n"
    "/liquidate disarm 15m [reason] - s, m or h, at most 24h\n"
    "/liquidate arm"
)


class BadCommand(ValueError):
    """Says what was found and what is allowed, in words for whoever typed it."""

    def __init__(self, found: str) -> None:
        super().__init__(f"{found}\n\n{ALLOWED}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Close the book.

    :param pairs: as typed; empty = all.
    :param at_once: without a question.
    """

    pairs: tuple[str, ...] = ()
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class ShowStatus:
    """Say how things stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disarm:
    """Open a maintenance window."""

    duration: timedelta
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """End a maintenance window."""

    reason: str | None = None


Command = Close | ShowStatus | Disarm | Arm


def parse(words: Sequence[str]) -> Command:
    """The words after ``/liquidate``; keywords in any case, as phones capitalise.

    :raises BadCommand: if they are no command.
    """
    if not words:
        return Close()
    keyword, rest = words[0].lower(), words[1:]
    match keyword:
        case "status":
            if rest:
                raise BadCommand(f"'status' stands alone, found {' '.join(rest)!r} after it.")
            return ShowStatus()
        case "disarm":
            return _disarm(rest)
        case "arm":
            return Arm(reason=_reason(rest))
    return _close(words)


def _disarm(words: Sequence[str]) -> Disarm:
    if not words:
        raise BadCommand("'disarm' needs a duration, such as 15m.")
    try:
        duration = window(words[0].lower())
    except ValueError as error:
        raise BadCommand(f"disarm: {error}.") from error
    return Disarm(duration=duration, reason=_reason(words[1:]))


def _reason(words: Sequence[str]) -> str | None:
    return " ".join(words)[:LONGEST_REASON] or None


def _close(words: Sequence[str]) -> Close:
    at_once = words[-1].lower() == "now"
    named = words[: len(words) - at_once]
    typed = [part for word in named for part in word.split(",") if part]
    if named and not typed:
        raise BadCommand(f"{' '.join(named)!r} names no pair.")  # and is not the whole book
    if any(part.lower() == "now" for part in typed):
        raise BadCommand("'now' is the last word or none.")
    if any(part.lower() == "all" for part in typed):
        raise BadCommand("The whole book is /liquidate alone, found 'all'.")
    for part in typed:
        if not re.fullmatch(r"[^/:\s]+/[^/:\s]+(:[^/:\s]+)?", part):
            raise BadCommand(f"{part!r} is neither a pair nor a command.")
    return Close(pairs=tuple(typed), at_once=at_once)


def resolve(pairs: Collection[str], listed: Collection[str]) -> frozenset[str] | None:
    """*pairs* as the exchange writes them; ``None`` = none was given, all are meant.

    Letters in another case are read as what they can only mean; nothing else is guessed.

    :param listed: every pair of the exchange.
    :raises BadCommand: naming what the exchange does not list, and what may have been meant.
    """
    if not pairs:
        return None
    found, faults = set(), []
    for pair in pairs:
        alike = [name for name in listed if name.lower() == pair.lower()]
        if pair in listed or len(alike) == 1:
            found.add(pair if pair in listed else alike[0])
        else:
            near = sorted(n for n in listed if n.lower().startswith(f"{pair.lower()}:"))[:3]
            meant = f" (did you mean {' or '.join(near)}?)" if near else ""
            faults.append(f"{pair} is not a pair of this exchange{meant}")
    if faults:
        raise BadCommand("; ".join(faults) + ".")
    return frozenset(found)
