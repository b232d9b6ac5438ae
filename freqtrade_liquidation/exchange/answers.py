"""What one HTTP answer said beside its body, and bodies that are no answer to the question."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import ccxt

from freqtrade_liquidation.exchange.rules.envelopes import ENVELOPES
from freqtrade_liquidation.exchange.rules.kin import rule_for
from freqtrade_liquidation.exchange.rules.shapes import has_shapes, shape_of
from freqtrade_liquidation.exchange.shape import Row, Shape, WrongShape

T = TypeVar("T")

LONGEST_WAIT_S: Final = 3 * 86_400.0
"""Nobody is asked to wait longer: binance's longest ban. Source: its REST API, "Limits"."""
SHORTEST_BAN_S: Final = 120.0
"""Of a ban that does not say how long it lasts: binance's shortest. Source: the same."""

LONGEST_PAUSE_S: Final = 1.0
"""What a ``Retry-After`` counts at most that comes with no word of too many requests."""
LONGEST_UNSAID_S: Final = 900.0
"""What counts at most of an answer that is no ban (418). The longest is Kraken's lockout of 15
minutes; an answer that asks for more must not keep a bot from closing for days."""

NO_CONTENT: Final = 204
"""A cancel may be answered so: there is nothing to say. Source: RFC 9110, 15.3.5."""
_TOO_MANY_STATUS: Final = 429
_ABOUT_AN_ERROR: Final = frozenset({"code", "msg", "message", "error", "error_code", "retCode"})
"""Fields of an object that is no list but words about one, whatever the exchange."""
_BANNED: Final = 418
"""Binance: too many requests after a 429. Each further one makes the ban longer."""


LONGEST_WORDS: Final = 2_000
"""Characters of a body that are looked at."""
SAMPLE: Final = 10
"""Rows of a list that show that it is one, where nothing depends on all of them."""
_TOO_MANY: Final = re.compile(
    r'"ret_?[cC]ode"\s*:\s*"?10006\b|"(?:code|sCode)"\s*:\s*"?(?:50011|50061)\b|TOO_MANY_REQUESTS'
    r"|access too frequent|frequency limit|rate limited|can retry after time|EService:Throttled"
    r'|"err_code"\s*:\s*"?1032\b'
)
"""The exchanges' own "too many", most of them in a 200. Source: Bybit, OKX, Gate, BingX, Kraken and
HTX, "Rate limits" and "Error codes"."""
_IN_WORDS: Final = re.compile(r"(?:unblocked after|retry after time:|Throttled:)\s*(\d{10,13})")
"""The end of the wait in BingX's (ms) and Kraken's (s) words."""
_THEIR_TIME: Final = re.compile(r'"(?:time|ts|timestamp)"\s*:\s*"?(\d{13})\b')
"""The exchange's clock in its own answer, in milliseconds; ``Date`` has seconds only."""
RESET_HEADERS: Final = (
    "X-Bapi-Limit-Reset-Timestamp",
    "X-Gate-RateLimit-Reset-Timestamp",
    "X-RateLimit-Requests-Expire",
    "X-HB-RateLimit-Requests-Expire",
    "recovery-time",
    "ratelimit-reset",
)
"""When the limit is free again, as a timestamp. Source: Bybit (ms), Gate (s), BingX (ms), HTX (ms;
``recovery-time`` only while it is closed), each "Rate limits"."""
_ADDRESS_BANNED: Final = ("access too frequent", 600.0)
"""Bybit's 403: at least ten minutes. Source: Bybit, "Rate limit rules", "IP limit"."""


@dataclass(slots=True)
class Answer:
    """What one copy of a ccxt object was answered.

    :param status: of the last answer; so are *headers* and *body*, as far as it is looked at.
    :param rows: of all lists in the answers, in the exchange's words; rows of size zero left out.
    :param answers: how many there were, and of those *lists* held one.
    :param looks_refused: an answer whose shape is not known looks like words about an error.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
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
        """How long the exchange asks us to send nothing, in seconds; ``None`` = it does not.

        It does where it counts requests: with a 429 or a 418, or in its own words for them, which
        may come in a 200. The time is in ``Retry-After``, in a header of its own, or in words.
        """
        says_so = self.status in (_TOO_MANY_STATUS, _BANNED) or _TOO_MANY.search(self.body)
        if self.status is None or not says_so:
            return None
        asked = self._told_s if self.status >= 400 else None
        if asked is None and self.status == _BANNED:
            return SHORTEST_BAN_S
        if asked is None:
            asked = self._until_reset_s()
        if asked is None or self.status == _BANNED:
            return asked
        return min(asked, LONGEST_UNSAID_S)

    @property
    def retry_after_s(self) -> float | None:
        """How long the question that was answered so is not asked again, in seconds; ``None`` = it
        does not say. Where nothing is counted, a gateway speaks, of itself: what it asks for costs
        that question a moment, and no other one anything."""
        if self.wait_s is not None or self.status is None or self.status < 400:
            return self.wait_s
        return None if self._told_s is None else min(self._told_s, LONGEST_PAUSE_S)

    @property
    def _told_s(self) -> float | None:
        return retry_after_s(self.headers.get("Retry-After"), date=self.headers.get("Date"))

    @property
    def date(self) -> datetime | None:
        """When the exchange answered, by its own clock (aware UTC), in whole seconds."""
        return _moment(self.headers.get("Date"))

    def _until_reset_s(self) -> float | None:
        if _ADDRESS_BANNED[0] in self.body:
            return _ADDRESS_BANNED[1]
        told = _IN_WORDS.search(self.body)
        found = [told[1]] if told else [self.headers.get(name) for name in RESET_HEADERS]
        moments = [float(text) for text in found if text and text.isdecimal()]
        # ten digits are seconds, thirteen are milliseconds
        waits = (m / (1000 if m > 1e11 else 1) - self._their_now() for m in moments)
        return max((min(max(wait, 0.0), LONGEST_WAIT_S) for wait in waits), default=None)

    def _their_now(self) -> float:
        """The exchange's clock when it answered, in seconds since 1970: ours may be wrong."""
        if (told := _THEIR_TIME.search(self.body)) is not None:
            return float(told[1]) / 1000
        return (_moment(self.headers.get("Date")) or datetime.now(UTC)).timestamp()

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
        heard.body = str(rest[0] or "")[:LONGEST_WORDS] if rest else ""
        return on_response(code, reason, url, method, headers, *rest)

    def parse_or_raise(body: str) -> Any:
        parsed = parse(body)
        if heard.is_good and heard.status != NO_CONTENT and parsed in (None, {}):
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


def is_an_answer(api: Any, request: tuple[str, str, Any], answer: Any) -> bool:
    """Whether *answer*, in which ccxt's exchange *api* finds no error, is one to *request*.

    A list must have its endpoint's shape; anything else must come as the exchange sends all that
    is good. Where neither is known, a list is asked for, as by :meth:`Answer.believed`.

    :param request: method, address and body.
    """
    shape = shape_of(api, *request)
    shapes = rule_for(ENVELOPES, api, ()) if shape is None else (shape,)
    return any(_has_shape(answer, s) for s in shapes) if shapes else _holds_a_list(answer)


def _has_shape(answer: Any, shape: Shape) -> bool:
    try:
        shape.rows(answer, at_most=SAMPLE)
    except WrongShape:
        return False
    return True


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
