"""What the bot's own requests show of the way to the exchange, without a request of ours."""

import contextlib
import time
from typing import Any

import requests
from freqtrade.exchange import Exchange

from freqtrade_liquidation.exchange.connections import remember_address, tls_context
from freqtrade_liquidation.round_trips import RoundTrips
from freqtrade_liquidation.threads import start_thread


def watch_answers(exchange: Exchange, seen: RoundTrips) -> None:
    """From now on, puts the round trips of *exchange*'s signed requests into *seen*, and remembers
    where its hosts are.

    Source: ``requests``, event hooks; a response's ``elapsed`` is the time from sending to headers.
    """
    api: Any = exchange._api
    secret = str(api.apiKey or api.walletAddress or "")

    def hear(response: requests.Response, *args: Any, **kwargs: Any) -> None:
        remember_address(response)
        signed = bool(secret) and any(secret in str(v) for v in response.request.headers.values())
        if signed and response.ok:
            seen.add(response.elapsed.total_seconds(), at=time.monotonic())

    if isinstance(api.session, requests.Session):
        api.session.hooks["response"].append(hear)
        start_thread(lambda: _read_certificates(api), name="certificates")


def _read_certificates(api: Any) -> None:
    """Before a run needs them: reading a bundle takes as long as a round trip."""
    with contextlib.suppress(OSError):  # a run says it
        tls_context(api.verify and api.validateServerSsl, api.session.cert)
