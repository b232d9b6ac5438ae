"""Free text: which fields of a record hold it, and how it is shown without steering a terminal.

Words come from an exchange, a person or a library. Everything else in a record is an identifier, a
time, a number or a word of ours; the bot reads it back, so nothing may change it. A password such
as ``2026`` would otherwise turn ``until`` and order ids into something that no longer parses.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

WORDS: Final = frozenset(
    {"actor", "by", "error", "errors", "missing", "obstacle", "reason"},
)
"""Fields of free text: columns of the tables, and keys at any depth of their JSON."""
EXACT: Final = frozenset(
    {"timestamp", "event_type", "operation", "correlation_id", "trigger", "pair", "config"}
    | {"state", "scope", "pairs", "started_at", "finished_at", "positions_closed"}
    | {"positions_failed", "orders_cancelled", "total_realized_pnl", "duration_seconds"}
    | {"amount", "appeared", "attempt", "average", "cancelled_count", "changes"}
    | {"client_order_id", "dust", "entry_price", "filled", "finishes", "first_trigger"}
    | {"in_the_air", "last_price", "lifecycle_state", "mark_price", "order_id", "order_ids"}
    | {"positions_count_expected", "protected", "quantity", "realized_pnl", "repaired"}
    | {"repeat", "repeats_left", "replaces", "request", "residual_amount", "role", "run_digest"}
    | {"side", "signal", "signals"}
    | {"stop_price", "to_finish", "tracked", "trade_ids", "until"}
)
"""Fields that are read back or counted. Never changed, whatever the configuration's secrets are."""
NESTED: Final = frozenset(
    {"additional_data", "open_positions", "orders", "outcome", "positions", "remainder"}
)
"""Fields that hold records: each key inside is judged by its own name."""

_CLOSED: Final = re.compile(
    r"liq_\d{8}_\d{6}_[0-9a-f]{1,64}"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[+-]\d\d:\d\d|Z)?"
)
"""A run's id, a time: what a string of ours that is not free text looks like."""
STEERING: Final = re.compile(
    # C0 without tab and newline, DEL, C1; soft hyphen; Arabic letter mark; Mongolian separator;
    # zero width, direction and invisible operators; interlinear, shorthand and music marks; tags;
    # lone surrogates.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f\ud800-\udfff]"
)
"""What moves the cursor, changes the order of writing, or takes no room on a line."""


def visible(text: str) -> str:
    r"""*text* with each character that could steer a terminal escaped: ``\x1b``, ``\u202e``.

    Tab and newline stay.
    """
    if text.isprintable():  # at C speed; str calls no character of STEERING printable
        return text
    return STEERING.sub(_escaped, text)


def to_json(value: Any) -> str:
    """One line of JSON that steers no terminal; parsed, it equals *value*.

    :raises TypeError: if JSON has no word for a part of *value*.
    """
    return STEERING.sub(
        lambda match: json.dumps(match[0])[1:-1], json.dumps(value, ensure_ascii=False)
    )


def with_words(row: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """*row* with its free text changed, and nothing else.

    A key that nobody has named yet is judged by its value: what has a closed format of ours stays.
    """
    return {key: _field(key, value, change) for key, value in row.items()}


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _field(key: str, value: Any, change: Callable[[str], str]) -> Any:
    if key in EXACT:
        return value
    if isinstance(value, str):
        exact = key in NESTED or (key not in WORDS and _CLOSED.fullmatch(value))
        return value if exact else change(value)
    if isinstance(value, Mapping):
        return with_words(value, change)
    if isinstance(value, (list, tuple)):
        return [_field(key, item, change) for item in value]
    return value
