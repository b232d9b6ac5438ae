"""The border for the tables through which processes agree: lease, requests, claims, noted orders.

See :mod:`.rows`. Nothing here is hashed: these rows live for seconds, so what bounds them is time.
A noted order lives until its fate is known; what bounds it is its name, which only a bot of ours
gives.
"""

from collections.abc import Mapping
from typing import Any, Final

from freqtrade_liquidation.audit.checks import (
    LARGEST,
    LARGEST_COUNT,
    Check,
    each_having,
    fitting,
    having,
    moment,
    name,
    number,
    one_of,
    optional,
    text,
    texts,
    truth,
    whole,
)
from freqtrade_liquidation.audit.columns import ACTOR_LENGTH, ID_LENGTH, PAIR_LENGTH
from freqtrade_liquidation.audit.rows import OUTCOME, TEXT_LENGTH, Row
from freqtrade_liquidation.state import LiquidationState

ANSWER_LENGTH: Final = 300
"""Characters of the exchange's words about a key."""
HIGHEST_CLAIM: Final = 10**9
"""A number that no count of runs comes to."""
_HOLDER: Final = name(32)
_CLOCK: Final[Mapping[str, Check]] = {"clock_id": text(64), "clock_s": number}
_RESULT: Final[Mapping[str, Check]] = {
    "state": one_of(*LiquidationState),
    "correlation_id": name(ID_LENGTH),
    "positions_closed": whole(0, LARGEST_COUNT),
    "positions_failed": whole(0, LARGEST_COUNT),
    "orders_cancelled": whole(0, LARGEST_COUNT),
    "total_realized_pnl": optional(number),
    "duration_seconds": number,
    "errors": texts(TEXT_LENGTH),
    "outcome": each_having(OUTCOME),
    "skip_reason": optional(text(TEXT_LENGTH, least=0)),
}
_LEASE: Final[Mapping[str, Check]] = {
    "id": whole(1, 1),
    "holder": _HOLDER,
    "host": name(ACTOR_LENGTH),
    "counter": whole(0, LARGEST),
    "renewed_at": moment,
    **_CLOCK,
    "released": truth,
}
_SECONDS: Final = whole(0, LARGEST_COUNT)
_KEY_REFUSAL: Final[Mapping[str, Check]] = {
    "request": one_of("read", "write"),
    "s_ago": _SECONDS,
    "error": name(ANSWER_LENGTH),
}
_ANSWERS: Final[Mapping[str, Check]] = {
    "answered_s_ago": optional(_SECONDS),
    "refused": each_having(_KEY_REFUSAL),
}
_REQUEST: Final[Mapping[str, Check]] = {
    "id": _HOLDER,
    "created_at": moment,
    **_CLOCK,
    "pairs": optional(texts(PAIR_LENGTH)),
    "actor": optional(text(ACTOR_LENGTH)),
    "reason": optional(text(TEXT_LENGTH, least=0)),
    "state": one_of("waiting", "taken", "done", "withdrawn"),
    "taken_by": optional(_HOLDER),
    "correlation_id": optional(name(ID_LENGTH)),
    "result": optional(having(_RESULT)),
}
_CLAIM: Final[Mapping[str, Check]] = {
    "number": whole(1, HIGHEST_CLAIM),
    "correlation_id": name(ID_LENGTH),
    "holder": _HOLDER,
    "host": name(ACTOR_LENGTH),
    "pairs": optional(texts(PAIR_LENGTH)),
    "for_s": number,
    "claimed_at": moment,
    **_CLOCK,
    "released": truth,
    "booked": optional(truth),
    "flat": optional(truth),
}
_NOTED_ORDER: Final[Mapping[str, Check]] = {
    "name": text(48),
    "pair": text(PAIR_LENGTH),
    "side": one_of("buy", "sell"),
    "kind": one_of("entry", "exit", "stop"),
    "amount": number,
    "price": optional(number),
    "noted_at": moment,
}


def lease(row: Row) -> dict[str, Any]:
    """:raises Misfit: if *row* is no lease."""
    return fitting(row, _LEASE)


def answers(value: Any) -> dict[str, Any]:
    """:raises Misfit: if *value* is not what a bot tells of its exchange's answers."""
    found: dict[str, Any] = having(_ANSWERS)(value)
    return found


def request(row: Row) -> dict[str, Any]:
    """:raises Misfit: if *row* is no request."""
    return fitting(row, _REQUEST)


def claim(row: Row) -> dict[str, Any]:
    """:raises Misfit: if *row* is no claim."""
    return fitting(row, _CLAIM)


def noted_order(row: Row) -> dict[str, Any]:
    """:raises Misfit: if *row* is no noted order."""
    return fitting(row, _NOTED_ORDER)
