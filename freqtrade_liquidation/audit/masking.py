"""Keeps secrets out of whatever text passes by."""

import json
import logging
import re
import traceback
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

MASK: Final = "***"
SHORTEST_SECRET: Final = 4
"""Anything shorter occurs in ordinary words and numbers: masking it would eat the record itself."""

_NAMES: Final = (
    r"(?:[\w-]*(?:api[-_]?key|access[-_]?key|access[-_]?sign|passphrase|password|passwd|secret"
    r"|private[-_]?key|bot[-_]?token|access[-_]?token|auth[-_]?token|jwt|signature|[-_]sign)"
    r"(?:[-_]key|[-_]hash)?"
    r"|(?:proxy-)?authorization|set-cookie|cookie|token|sign)"
)
_PATTERNS: Final = (
    (
        re.compile(
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
        MASK,
    ),
    # Telegram bot token: it stands in the path of every Bot API address.
    (re.compile(r"\d+:[\w-]{30,}"), MASK),
    # Password in an address, as in db_url or a proxy.
    (re.compile(r"([A-Za-z][\w+.-]*://[^\s:/@]*:)[^\s/]+@"), rf"\1{MASK}@"),
    (
        re.compile(rf"(?i)\b((?:{_NAMES})['\"]?\s*[:=]\s*)(b?(['\"]))(?:\\.|(?!\3).)*\3"),
        rf"\1\2{MASK}\3",
    ),
    (
        re.compile(
            rf"(?i)\b({_NAMES}\\?['\"]?\s*[:=]\s*\\?['\"]?)"
            r"(?!b?['\"])((?:bearer|basic|token)\s+)?[^\s&'\",;\\)\]}]+"
        ),
        rf"\1\2{MASK}",
    ),
)
_SECRET_KEY: Final = re.compile(rf"(?i){_NAMES}")


class Masker:
    """Replaces secrets by ``***``.

    Known secrets go wherever they stand, also URL-encoded, escaped in JSON or in a ``repr``;
    besides, whatever looks like one: signatures, API key and authorisation headers, passwords in
    addresses, Telegram bot tokens, private keys.

    :param secrets: as in the configuration. Empty ones and ones under 4 characters are left out
        (see ``SHORTEST_SECRET``); ``ignored`` says how many of the latter.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret for secret in secrets if secret}
        usable = {secret for secret in known if len(secret) >= SHORTEST_SECRET}
        self.ignored: Final = len(known) - len(usable)
        forms = {form for secret in usable for form in _forms(secret)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, text: str) -> str:
        """*text* without secrets."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def value(self, value: Any) -> Any:
        """*value* without secrets, through mappings (keys, too), lists and tuples.

        Under a key that names a secret (``apiKey``, ``password``, …) any text is masked.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self._key(key): self._under(key, item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return type(value)(self.value(item) for item in value)
        if isinstance(value, (bytes, bytearray)):
            return self.text(bytes(value).decode("utf-8", "backslashreplace"))
        return value

    def _key(self, key: Any) -> Any:
        return self.text(key) if isinstance(key, str) else key

    def _under(self, key: Any, item: Any) -> Any:
        if isinstance(key, str) and isinstance(item, str) and item and _SECRET_KEY.fullmatch(key):
            return MASK
        return self.value(item)


def _forms(secret: str) -> set[str]:
    encoded = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    lower = {re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), form) for form in encoded}
    escaped = {
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    }
    return {secret} | encoded | lower | escaped


class MaskingFilter(logging.Filter):
    """Masks log records: message, arguments, traceback and stack.

    Put it on handlers, not on loggers: a logger's filters do not see what its children log.
    """

    def __init__(self, masker: Masker) -> None:
        super().__init__()
        self._masker = masker

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass."""
        record.msg, record.args = self._masker.text(_message(record)), None
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = "".join(traceback.format_exception(record.exc_info[1])).rstrip("\n")
        # Handlers that format exc_info themselves would show the traceback as it was.
        record.exc_info = None
        if record.exc_text:
            record.exc_text = self._masker.text(record.exc_text)
        if record.stack_info:
            record.stack_info = self._masker.text(record.stack_info)
        return True


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - arguments that do not fit: a log call must not fail
        return f"{record.msg!s} % {record.args!r} ({type(error).__name__}: {error})"
