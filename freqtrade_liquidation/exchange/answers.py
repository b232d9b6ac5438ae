"""What one HTTP answer said beside its body, and bodies that say nothing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import ccxt

LONGEST_WAIT_S: Final = 3 * 86_400.0
"""Nobody is asked to wait longer: binance's longest ban. Source: its REST API, "Limits"."""
SHORTEST_BAN_S: Final = 120.0
"""Of a ban that does not say how long it lasts: binance's shortest. Source: the same."""

_NO_CONTENT: Final = 204
"""A cancel may be answered so: there is nothing to say. Source: RFC 9110, 15.3.5."""
_BANNED: Final = 418
"""Binance: too many requests after a 429. Each further one makes the ban longer."""


@dataclass(slots=True)
class Answer:
    """Status and headers of the last answer that one copy of a ccxt object got."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def wait_s(self) -> float | None:
        """How long the exchange asks us to send nothing, in seconds; ``None`` = it does not."""
        if self.status is None or self.status < 400:
            return None
        asked = retry_after_s(self.headers.get("Retry-After"), date=self.headers.get("Date"))
        if asked is None and self.status == _BANNED:
            return SHORTEST_BAN_S
        return asked


def listen(api: Any) -> Answer:
    """Keeps what *api*, ccxt's exchange, is answered; and makes it raise where a good status comes
    with a body that says nothing.

    ccxt hands such a body on as text (or as an empty object), and its parsers find no position, no
    balance and no order in it: a flat book, as far as they can tell. No exchange answers a question
    about them with nothing, or with ``{}``; one without positions answers ``[]``, or says so.
    Source: ccxt ``Exchange.fetch``; found with the practice exchange's ``bad_json`` and ``answer``.
    """
    heard = Answer()
    on_response, parse = api.on_rest_response, api.parse_json

    def keep(code: int, reason: str, url: str, method: str, headers: Any, *rest: Any) -> Any:
        heard.status, heard.headers = code, headers
        return on_response(code, reason, url, method, headers, *rest)

    def parse_or_raise(body: str) -> Any:
        parsed = parse(body)
        good = heard.status is not None and heard.status < 400 and heard.status != _NO_CONTENT
        if good and parsed in (None, {}):
            raise ccxt.BadResponse(f"{api.id} answered {heard.status} and says nothing")
        return parsed

    api.on_rest_response, api.parse_json = keep, parse_or_raise
    return heard


def retry_after_s(value: str | None, *, date: str | None = None) -> float | None:
    """``Retry-After`` in seconds, within 0 and :data:`LONGEST_WAIT_S`; ``None`` = it says nothing.

    :param date: the answer's own ``Date``: a moment is told by the exchange's clock, not by ours.
    Source: RFC 9110, 10.2.3: a number of seconds, or a date.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        moment = _moment(value)
        if moment is None:
            return None
        seconds = (moment - (_moment(date) or datetime.now(UTC))).total_seconds()
    return None if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_WAIT_S)


def _moment(value: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
