"""What one HTTP answer said beside its body, and bodies that are no answer to the question."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import ccxt

from freqtrade_liquidation.exchange.rules.shapes import has_shapes, shape_of
from freqtrade_liquidation.exchange.shape import Row, Shape, WrongShape

T = TypeVar("T")

LONGEST_WAIT_S: Final = 3 * 86_400.0
"""Nobody is asked to wait longer: binance's longest ban. Source: its REST API, "Limits"."""
SHORTEST_BAN_S: Final = 120.0
"""Of a ban that does not say how long it lasts: binance's shortest. Source: the same."""

_NO_CONTENT: Final = 204
"""A cancel may be answered so: there is nothing to say. Source: RFC 9110, 15.3.5."""
_ABOUT_AN_ERROR: Final = frozenset({"code", "msg", "message", "error", "error_code", "retCode"})
"""Fields of an object that is no list but words about one, whatever the exchange."""
_BANNED: Final = 418
"""Binance: too many requests after a 429. Each further one makes the ban longer."""


@dataclass(slots=True)
class Answer:
    """What one copy of a ccxt object was answered.

    :param status: of the last answer; so are *headers*.
    :param rows: of all lists in the answers, in the exchange's words; rows of size zero left out.
    :param answers: how many there were, and of those *lists* held one.
    :param looks_refused: an answer whose shape is not known looks like words about an error.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    answers: int = 0
    lists: int = 0
    looks_refused: bool = False

    @property
    def is_good(self) -> bool:
        """Whether the last answer's status says that all went well."""
        return self.status is not None and self.status < 400

    @property
    def wait_s(self) -> float | None:
        """How long the exchange asks us to send nothing, in seconds; ``None`` = it does not."""
        if self.status is None or self.status < 400:
            return None
        asked = retry_after_s(self.headers.get("Retry-After"), date=self.headers.get("Date"))
        if asked is None and self.status == _BANNED:
            return SHORTEST_BAN_S
        return asked

    def believed(self, result: T) -> T:
        """*result*, which ccxt made of the answers.

        :raises ccxt.BadResponse: if *result* is an empty list, and the answers do not say so. That
            is all that can be asked of an exchange whose shapes are not known.
        """
        if result == [] and self.answers and (self.looks_refused or not self.lists):
            raise ccxt.BadResponse("ccxt made an empty list of an answer without a list")
        return result


def heard_by(api: Any) -> Answer:
    """What :func:`listen` has kept for *api*, ccxt's exchange; nothing if it does not listen."""
    heard: Answer = vars(api).get("heard", Answer())
    return heard


def listen(api: Any) -> Answer:
    """Keep what *api*, ccxt's exchange, is answered, and make *api* raise where a good status comes
    with a body that is no answer.

    A body that says nothing (empty, no JSON, ``null``, ``{}``) is refused for every endpoint: ccxt
    hands it on, and its parsers find no position, no balance and no order in it. The answer of an
    endpoint that lists something must also have the shape of that endpoint.
    Source: ccxt ``Exchange.fetch``; found with the practice exchange's ``bad_json`` and ``answer``.
    """
    heard = api.heard = Answer()
    on_response, parse, fetch = api.on_rest_response, api.parse_json, api.fetch

    def keep(code: int, reason: str, url: str, method: str, headers: Any, *rest: Any) -> Any:
        heard.status, heard.headers = code, headers
        return on_response(code, reason, url, method, headers, *rest)

    def parse_or_raise(body: str) -> Any:
        parsed = parse(body)
        if heard.is_good and heard.status != _NO_CONTENT and parsed in (None, {}):
            raise ccxt.BadResponse(f"{api.id} answered {heard.status} and says nothing")
        return parsed

    def fetch_whole(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        shape = shape_of(api, method, url, body)
        try:
            answer = fetch(url, method, headers, body)
        except ccxt.ExchangeError as error:
            if type(error) is ccxt.ExchangeError and shape is not None and heard.is_good:
                raise ccxt.BadResponse(str(error)) from error  # words that say nothing to ccxt
            raise
        heard.answers += 1
        if shape is not None:
            heard.rows += _open_rows(api, shape, answer)
            heard.lists += 1
        elif _holds_a_list(answer):
            heard.lists += 1
        elif not has_shapes(api) and not _ABOUT_AN_ERROR.isdisjoint(answer or ()):
            heard.looks_refused = True
        return answer

    api.on_rest_response, api.parse_json, api.fetch = keep, parse_or_raise, fetch_whole
    return heard


def _open_rows(api: Any, shape: Shape, answer: Any) -> list[Row]:
    try:
        return shape.open_rows(shape.rows(answer))
    except WrongShape as error:
        words = f"{api.id} answered, and not with {shape.lists}: {error}"
        raise ccxt.BadResponse(words) from error


def _holds_a_list(answer: Any) -> bool:
    if isinstance(answer, dict):
        return any(_holds_a_list(inside) for inside in answer.values())
    return isinstance(answer, list)


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
