"""What the bot's own requests show of the exchange, without a request of ours: how long the way to
it takes, and whether it still takes the bot's key.

ccxt's own handlers say what an answer means, as they do a moment later for freqtrade, and
:mod:`.classify` judges what they raise. They only read. They are asked here, at the session, and
not at ccxt's ``fetch``: the copies that a run makes would take a replaced one along.
"""

import contextlib
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import ccxt
import requests
from freqtrade.exchange import Exchange

from freqtrade_liquidation.audit.masking import Masker, Secret
from freqtrade_liquidation.audit.shared_rows import ANSWER_LENGTH
from freqtrade_liquidation.exchange.answers import LONGEST_WORDS, NO_CONTENT, is_an_answer
from freqtrade_liquidation.exchange.classify import codes_in, in_words, tables_of, verdict_on
from freqtrade_liquidation.exchange.codes import Verdict
from freqtrade_liquidation.exchange.codes.keys import KEY_CODES, KEY_WORDS
from freqtrade_liquidation.exchange.connections import remember_address, tls_context
from freqtrade_liquidation.exchange.last_answers import READ, WRITE, SignedAnswers
from freqtrade_liquidation.exchange.rules.kin import rule_for
from freqtrade_liquidation.exchange.secrets import secrets_of_exchange
from freqtrade_liquidation.round_trips import RoundTrips
from freqtrade_liquidation.threads import start_thread

OF_THE_KEY: Final = frozenset({Verdict.ACCOUNT_REFUSED, Verdict.CLOCK_SKEWED})
"""Refusals of whatever is asked, also where a clock that is off is the reason."""
LONGEST_LIST: Final = 100_000
"""Bytes of an answer that are parsed in freqtrade's loop, in less than a millisecond: 1,500 coins
of a balance. Of a longer one only an error at its beginning is heard."""
_SIGNED: Final = re.compile("(sign|signature|authent)$", re.IGNORECASE)
"""In the name of a header or a parameter: ``OK-ACCESS-SIGN``, ``Authent`` (Kraken Futures)."""
_NAME: Final = re.compile(r'\s*[{,]\s*"(\w{1,50})"\s*:\s*')
_DECODER: Final = json.JSONDecoder()
NO_ANSWER: Final = frozenset({Verdict.NOT_ACTED, Verdict.UNANSWERED})
"""Too many requests, maintenance, a gateway's page: they say nothing of the key."""
WRITES: Final[Mapping[str, re.Pattern[str]]] = {
    # Kraken REST API: each private endpoint is asked by POST
    "kraken": re.compile(r"/private/(Add|Amend|Edit|Cancel)"),
    # BitMart Spot API V4: orders are asked for by POST, at /spot/v4/query/…
    "bitmart": re.compile(r"/(submit|batch|cancel|modify|set)[_-]"),
}
"""Addresses of changes, of exchanges that are asked for lists by POST, too."""


def watch_answers(exchange: Exchange, seen: RoundTrips, answers: SignedAnswers) -> None:
    """From now on, puts the round trips of *exchange*'s signed requests into *seen*, and what they
    say of the key into *answers*; and remembers where its hosts are.

    Source: ``requests``, event hooks; a response's ``elapsed`` is the time from sending to headers.
    """
    api: Any = exchange._api
    mask = Masker(secrets_of_exchange(exchange)).text

    def hear(response: requests.Response, *args: Any, **kwargs: Any) -> None:
        remember_address(response)
        if not is_signed(api, response.request):
            return
        if not 300 <= response.status_code < 400:
            body = response.content  # as requests reads it next; what that raises is freqtrade's
            with contextlib.suppress(Exception):  # an answer that ccxt cannot read says nothing
                if _remember(api, response, body, answers, mask):
                    seen.add(response.elapsed.total_seconds(), at=time.monotonic())

    if isinstance(api.session, requests.Session):
        api.session.hooks["response"].append(hear)
        start_thread(lambda: _read_certificates(api), name="certificates")


def fingerprint(exchange: Exchange) -> str:
    """Tells whether another *exchange* is asked with the same key; says nothing of the key."""
    api: Any = exchange._api
    key = [api.id, *(getattr(api, name, None) for name in sorted(api.requiredCredentials))]
    return hashlib.sha256(repr(key).encode()).hexdigest()


def is_signed(api: Any, request: requests.PreparedRequest) -> bool:
    """Whether *request* carries the bot's key: in a header, in its address (HTX), or as a signature
    in its body where the exchange knows no keys (Hyperliquid, whose questions are not signed)."""
    if not api.requiredCredentials.get("apiKey"):
        return b'"signature"' in _bytes(request.body)
    key = str(api.apiKey or "")
    places = (request.url, *request.headers.values())
    return bool(key) and any(key in str(place) for place in places)


def kind_of(api: Any, request: requests.PreparedRequest) -> str:
    """``read`` or ``write``: may *request* change something?"""
    if (writes := rule_for(WRITES, api, None)) is not None:
        return WRITE if writes.search(request.url or "") else READ
    return READ if request.method == "GET" else WRITE


def _remember(
    api: Any,
    response: requests.Response,
    body: bytes,
    answers: SignedAnswers,
    mask: Callable[[str], str],
) -> bool:
    """:returns: whether it is a good answer. One that refuses an order is none: it only shows that
    the exchange takes the key."""
    error, kind = _error_in(api, response, body), kind_of(api, response.request)
    if error is None:
        answers.answered(kind)
        return True
    verdict = verdict_on(error, exchange_id=tables_of(api))
    if verdict in OF_THE_KEY or _is_about_the_key(str(error), tables_of(api)):
        own = Masker(_signatures(response.request)).text
        words = " ".join(own(mask(in_words(error))).split())
        line = "".join(letter if letter.isprintable() else "?" for letter in words)
        answers.refuse(kind, line[:ANSWER_LENGTH])
    elif verdict not in NO_ANSWER and type(error) is not ccxt.ExchangeError:
        answers.answered(kind)  # of this order alone; words that ccxt does not know say nothing
    return False


def _is_about_the_key(words: str, exchange_id: str) -> bool:
    """Whether the tables of keys say so."""
    codes, phrases = KEY_CODES.get(exchange_id, ()), KEY_WORDS.get(exchange_id, ())
    return any(p in words for p in phrases) or any(c in codes for c in codes_in(words))


def _signatures(request: requests.PreparedRequest) -> Iterator[Secret]:
    """What *request* is signed with: an exchange may say it again. In a header, in the address or
    in the body, percent-encoded or not."""
    sent = f"{urlsplit(request.url or '').query}&{_bytes(request.body).decode(errors='replace')}"
    found = [str(value) for name, value in request.headers.items() if _SIGNED.search(name)]
    found += [value for name, value in parse_qsl(sent) if _SIGNED.search(name)]
    for value in found:
        yield Secret(key="signature", value=value)


def _error_in(api: Any, response: requests.Response, body: bytes) -> ccxt.BaseError | None:
    """What ccxt will raise for *response*, or a run would; ``None`` = it was answered well.

    Source: ccxt ``Exchange.fetch``. Words about an error are short: no more of them is looked at.
    """
    longest = LONGEST_LIST if response.ok else LONGEST_WORDS
    told = body[:longest].decode("utf-8", "replace")
    parsed = api.parse_json(told) if len(body) <= longest else _beginning(told)
    if response.ok and response.status_code != NO_CONTENT and parsed in (None, {}):
        return ccxt.BadResponse(api.id)
    request, status = response.request, (response.status_code, response.reason)
    asked = (request.url, request.method)
    sent = (request.headers, _bytes(request.body).decode("utf-8", "replace"))
    try:
        api.handle_errors(*status, *asked, response.headers, told, parsed, *sent)
        if not response.ok:
            api.handle_http_status_code(*status, *asked, told)
            return ccxt.NetworkError(api.id)
        question = (str(request.method), str(request.url), request.body)
        if response.status_code != NO_CONTENT and (
            len(body) > longest or not is_an_answer(api, question, parsed)
        ):
            return ccxt.BadResponse(api.id)
    except ccxt.BaseError as error:
        return error
    return None


def _beginning(told: str) -> dict[str, Any]:
    """The members that stand whole at the beginning of an object that is too long to be read. An
    exchange puts its code there."""
    told, found, at = told[:LONGEST_WORDS], {}, 0
    with contextlib.suppress(ValueError):  # where it is cut off
        while (name := _NAME.match(told, at)) is not None:
            value, at = _DECODER.raw_decode(told, name.end())
            if told[at : at + 1].strip() in (",", "}"):
                found[name[1]] = value
    return found


def _bytes(body: object) -> bytes:
    """A request's, as ccxt hands it over."""
    return body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""


def _read_certificates(api: Any) -> None:
    """Before a run needs them: reading a bundle takes as long as a round trip."""
    with contextlib.suppress(OSError):  # a run says it
        tls_context(api.verify and api.validateServerSsl, api.session.cert)
