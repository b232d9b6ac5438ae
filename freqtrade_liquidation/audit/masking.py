"""Keeps secrets out of free text.

Only what is known is masked: the secrets of the configuration, the environment and the exchange, in
every common spelling. A pattern that guesses from names (``password=…``) masks too much where it is
wrong and needs more than linear time where it is clever. The two formats that the process itself
makes from a secret, a signed request's ``signature=`` and a JSON Web Token, are the exception:
nobody can know them beforehand. docs/decisions/0010-masking.md weighs the alternatives.

Every step is linear, and the text is bounded first: the masker keeps the GIL, and an exchange, or
anybody who can send a request to the API server, decides what it gets to read.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from freqtrade_liquidation.audit.free_text import visible
from freqtrade_liquidation.audit.spellings import spellings

MASK: Final = "***"
SHORTEST_SECRET: Final = 4
"""Anything shorter occurs in ordinary words and numbers: masking it would eat the text itself."""
LONG_SECRET: Final = 16
"""From this length on a secret is recognised by a part of it, too. Shorter ones are passwords that
a person made up, and parts of them are ordinary words."""
SHORTEST_PART: Final = 12
"""Characters in a row of a long secret, in any spelling, that are masked without the rest: an
exchange may echo the beginning of a key, and a text may be cut off in the middle of one."""
LONGEST_TEXT: Final = 20_000
"""Characters of a text that are kept. The rest is cut off, in words."""

_PROBE: Final = 6
"""A part of ``SHORTEST_PART`` characters covers a whole probe wherever it begins: one look-up in
every ``_PROBE`` characters finds it (2 * _PROBE - 1 <= SHORTEST_PART)."""
MADE_FROM_SECRETS: Final = {
    "signature": re.compile(
        r"(?:^|[?&]|&amp;|\\u0026|%26)signature(?:=|%3d)((?:[\w+/=-]|%(?!26)){1,1000}+)",
        re.ASCII | re.IGNORECASE,
    ),
    "eyj": re.compile(r"(?<![\w.-])(eyJ[\w-]{5,2000}+\.[\w-]{5,4000}+\.[\w-]{20,2000}+)", re.ASCII),
}
"""What a text with it contains, in lower case → where in it the secret stands. Possessive and
anchored: no character is read more often than a token has parts. HTX writes ``Signature=``; a text
about an address may be escaped for HTML, JSON or another address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Something that must never be seen.

    :param key: where it was found, as ``api_server.password``: that may be told.
    :param in_parts: whether a part of it gives it away. Not so for an address, whose path has
        ordinary words in it.
    """

    key: str
    value: str = field(repr=False)
    in_parts: bool = True


class Masker:
    """Replaces secrets by ``***``.

    :param secrets: those under ``SHORTEST_SECRET`` characters cannot be masked.
    :ivar too_short: keys of the latter, for a warning.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        known = {secret for secret in secrets if secret.value}
        usable = {secret for secret in known if len(secret.value) >= SHORTEST_SECRET}
        self.too_short: Final = tuple(sorted({secret.key for secret in known - usable}))
        in_parts = {s for s in usable if s.in_parts and len(s.value) >= LONG_SECRET}
        self._probes: Final = frozenset(
            form[at : at + _PROBE]
            for form in map(_lower, _forms(in_parts))
            for at in range(len(form) - _PROBE + 1)
        )
        whole = sorted(_forms(usable - in_parts), key=lambda form: (-len(form), form))
        self._whole: Final = re.compile("|".join(map(re.escape, whole))) if whole else None
        self._room: Final = LONGEST_TEXT + max(2 * SHORTEST_PART, *map(len, whole[:1]), 0)

    def text(self, text: str, *, with_controls: bool = False) -> str:
        """*text* without secrets, bounded, and harmless to a terminal. Never raises.

        :param with_controls: keeps the characters that steer a terminal.
        """
        shown = text[: self._room]
        if not with_controls:
            shown = visible(shown)[: self._room]
        is_cut = len(shown) > LONGEST_TEXT or len(text) > LONGEST_TEXT
        spans = sorted(self._spans(shown))
        if not (spans or is_cut):
            return shown
        parts: list[str] = []
        at = 0
        for first, end in spans:
            if first >= LONGEST_TEXT:
                break
            if first > at or not parts:
                parts += [shown[at:first], MASK]
            at = max(at, end)
        parts.append(shown[at:LONGEST_TEXT])
        return "".join(parts) + (f"… (cut off: {len(text)} characters)" if is_cut else "")

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        lower = _lower(text)
        for sign, made in MADE_FROM_SECRETS.items():
            if sign in lower:
                yield from (match.span(1) for match in made.finditer(text))
        if self._whole is not None:
            yield from (match.span() for match in self._whole.finditer(text))
        yield from self._parts(lower)

    def _parts(self, text: str) -> Iterator[tuple[int, int]]:
        """Where a part of a long secret begins and ends.

        Walks in steps of a probe; from a hit it goes as far as the text is made of probes. To the
        left that is less than a step, so that nothing is read more than twice. Upper and lower case
        are one: an address such as 0xAb… comes back in whatever case the exchange keeps it.

        :param text: in lower case.
        """
        probes, at, last = self._probes, 0, len(text) - _PROBE
        if not probes:
            return
        while at <= last:
            if text[at : at + _PROBE] not in probes:
                at += _PROBE
                continue
            first = at
            while first and text[first - 1 : first - 1 + _PROBE] in probes:
                first -= 1
            while at < last and text[at + 1 : at + 1 + _PROBE] in probes:
                at += 1
            at += _PROBE
            if at - first >= SHORTEST_PART:
                yield first, at


_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _lower(text: str) -> str:
    """*text* with ASCII letters in lower case: as many characters as before."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


def _forms(secrets: Iterable[Secret]) -> set[str]:
    every = chain.from_iterable(spellings(value) for value in {secret.value for secret in secrets})
    return {form for form in every if len(form) >= SHORTEST_SECRET}
