"""From ccxt's errors to the one question: may it have acted?

ccxt's class decides, except where it misleads: then the exchange's own code does (:mod:`.codes`).
A test walks ccxt's whole hierarchy, so that a new class is a decision, not an accident.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import ccxt
import requests
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from freqtrade_liquidation.errors import (
    AccountRefused,
    ClockSkewed,
    CloseBlocked,
    ExchangeRefused,
    ExchangeUnavailable,
    LiquidationError,
    NothingToReduce,
    OutcomeUnknown,
    RefusedForNow,
)
from freqtrade_liquidation.exchange.codes import CODES, PHRASES, Verdict
from freqtrade_liquidation.exchange.rules.kin import rule_for

CLASSES: Final[Mapping[type[Exception], Verdict]] = {
    ccxt.BaseError: Verdict.UNANSWERED,
    ccxt.ExchangeError: Verdict.REFUSED,
    ccxt.AuthenticationError: Verdict.ACCOUNT_REFUSED,
    ccxt.OperationFailed: Verdict.UNANSWERED,
    ccxt.DDoSProtection: Verdict.NOT_ACTED,
    ccxt.RateLimitExceeded: Verdict.NOT_ACTED,
    ccxt.OnMaintenance: Verdict.NOT_ACTED,
    ccxt.InvalidNonce: Verdict.CLOCK_SKEWED,
}
"""The nearest class in an error's MRO decides."""

_CODE_KEYS: Final = frozenset({
    "code", "retCode", "ret_code", "sCode", "errorCode", "label", "err-code", "err_code",
})  # fmt: skip
"""As the supported exchanges spell it, in an answer and in the rows of an answer."""
_CODE: Final = re.compile(rf'"(?:{"|".join(_CODE_KEYS)})"\s*:\s*"?(-?[\w-]+)"?')
"""The same in a text that is no whole JSON."""
_DECODER: Final = json.JSONDecoder()
_MESSAGE_KEYS: Final = (
    "msg", "retMsg", "sMsg", "err-msg", "err_msg", "message", "error", "response",
)  # fmt: skip
"""The same for what people read."""
PROXY_WANTS_A_LOGIN: Final = 407
_BY_STATUS: Final = re.compile(r"\S+ (?:GET|POST|PUT|DELETE|PATCH) \S+ (\d{3}) ")
"""The exchange's id, the request and the status of its answer."""
_NEVER_LEFT: Final = (NewConnectionError, ConnectTimeoutError, NameResolutionError)
"""No connection was made, so nothing was sent. Source: urllib3."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """*error* and what it came from; freqtrade hides ccxt's class behind its own."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        reason = getattr(current, "reason", None)  # urllib3 keeps its cause here
        current = (
            current.__cause__
            or (reason if isinstance(reason, BaseException) else None)
            or next((a for a in current.args if isinstance(a, BaseException)), None)
        )


def tables_of(api: Any) -> str:
    """The exchange id by which the tables of codes know ccxt's exchange *api*."""
    return rule_for({name: name for name in (*CODES, *PHRASES)}, api, "")


def verdict_on(error: BaseException, *, exchange_id: str) -> Verdict:
    """The verdict on *error*, code before class."""
    chain = list(causes(error))
    if any(isinstance(cause, _NEVER_LEFT) for cause in chain):
        return Verdict.NOT_ACTED
    ccxt_error = next((cause for cause in chain if isinstance(cause, ccxt.BaseError)), None)
    if ccxt_error is None:
        return Verdict.UNANSWERED
    if (told := _told_by_the_exchange(str(ccxt_error), exchange_id)) is not None:
        return told
    if type(ccxt_error) is ccxt.ExchangeError and _was_on_the_way(ccxt_error):
        return Verdict.UNANSWERED
    by_class = next(CLASSES[kind] for kind in type(ccxt_error).__mro__ if kind in CLASSES)
    if by_class is Verdict.ACCOUNT_REFUSED and _is_by_status_alone(ccxt_error):
        return Verdict.UNANSWERED
    return by_class


def _told_by_the_exchange(words: str, exchange_id: str) -> Verdict | None:
    """What the tables say: by the words first, then by the code of the innermost row.

    A list of orders, or a list with one order, is answered with a code of its own around each
    row's code: OKX answers 1 ("Operation failed") around the row's 51169.
    """
    for phrase, verdict in PHRASES.get(exchange_id, {}).items():
        if phrase in words:
            return verdict
    codes = CODES.get(exchange_id, {})
    return next((codes[code] for code in codes_in(words) if code in codes), None)


def codes_in(words: str) -> list[str]:
    """Every code in ccxt's *words* (its exchange's id, then the body), the innermost first."""
    body = _body_in(words)
    if body is None:
        return _CODE.findall(words)
    return [code for _, code in sorted(_by_depth(body), key=lambda found: -found[0])]


def in_words(error: ccxt.BaseError) -> str:
    """The exchange's id, its code and what it said, without the JSON around them."""
    words = str(error)
    body = _body_in(words)
    told = body if isinstance(body, dict) else {}
    said = next((told[key] for key in _MESSAGE_KEYS if told.get(key)), None)
    if said is None:
        return words
    texts = said if isinstance(said, list) else [said]
    return " ".join([words.split(maxsplit=1)[0], *codes_in(words)[:1], *map(str, texts)])


def _body_in(words: str) -> Any:
    """The JSON in *words*; ``None`` = they hold none that is whole."""
    start = min((at for at in map(words.find, "{[") if at >= 0), default=len(words))
    try:
        body, _ = _DECODER.raw_decode(words, start)
    except (ValueError, RecursionError):
        return None
    return body


def _by_depth(body: Any) -> Iterator[tuple[int, str]]:
    level, depth = [body], 0
    while level:
        dicts = [node for node in level if isinstance(node, dict)]
        for node in dicts:
            for key, code in node.items():
                if key in _CODE_KEYS and isinstance(code, str | int):
                    yield depth, str(code)
        level = [below for node in level for below in _children(node)]
        depth += 1


def _children(node: Any) -> list[Any]:
    return list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []


def _was_on_the_way(error: BaseException) -> bool:
    """Whether a plain ``ExchangeError`` is no word of the exchange: ccxt makes one of a broken TLS
    connection, of an answer that does not unpack, of redirects without end, and of each status that
    it has no class for (Cloudflare's 524: the exchange took too long to answer, and goes on).

    Source: ccxt ``Exchange.fetch`` and ``httpExceptions``.
    """
    cause = error.__cause__ or error.__context__
    if isinstance(cause, requests.HTTPError):
        status = 500 if cause.response is None else cause.response.status_code
        return status >= 500 or status == PROXY_WANTS_A_LOGIN
    return isinstance(cause, requests.RequestException)


def _is_by_status_alone(error: BaseException) -> bool:
    """Whether an ``AuthenticationError`` is no word of the exchange: ccxt makes one of every 401,
    407 and 511, and a proxy, a portal or a gateway on the way answers with those, too. The exchange
    itself gives a reason in its own JSON, and in other numbers than those of HTTP.

    Source: ccxt ``httpExceptions`` and ``handle_http_status_code``, whose words begin with the
    request; those of an exchange's own ``handle_errors`` begin with its answer.
    """
    words = str(error)
    told = _BY_STATUS.match(words)
    return told is not None and (
        told[1] in (str(PROXY_WANTS_A_LOGIN), "511") or not {*codes_in(words)} - {told[1]}
    )


def translate(
    error: BaseException,
    *,
    exchange_id: str,
    write: bool,
    retry_after_s: float | None = None,
    mask: Callable[[str], str] = str,
) -> LiquidationError:
    """*error* as one of ours. The caller raises it ``from`` the original.

    :param write: the request could have changed something on the exchange.
    :param mask: takes secrets out of the exchange's words.
    """
    words = mask(_words(error))
    match verdict_on(error, exchange_id=exchange_id):
        case Verdict.REFUSED:
            return ExchangeRefused(words)
        case Verdict.ACCOUNT_REFUSED:
            return AccountRefused(words)
        case Verdict.NOTHING_TO_REDUCE:
            return NothingToReduce(words)
        case Verdict.CLOSE_BLOCKED:
            return CloseBlocked(words)
        case Verdict.REFUSED_FOR_NOW:
            return RefusedForNow(words, retry_after_s=retry_after_s)
        case Verdict.NOT_ACTED:
            return ExchangeUnavailable(words, retry_after_s=retry_after_s)
        case Verdict.CLOCK_SKEWED:
            return ClockSkewed(words)
        case Verdict.UNANSWERED if write:
            return OutcomeUnknown(words)
        case _:
            return ExchangeUnavailable(words, retry_after_s=retry_after_s)


def _words(error: BaseException) -> str:
    """The innermost exchange's words; ccxt's class name first, as freqtrade logs it."""
    told = next((c for c in causes(error) if isinstance(c, ccxt.BaseError)), error)
    return f"{type(told).__name__}: {told}"
