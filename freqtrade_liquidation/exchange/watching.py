"""How fast the exchange answers the bot itself, without a request of ours."""

import time
from typing import Any

import requests
from freqtrade.exchange import Exchange

from freqtrade_liquidation.round_trips import RoundTrips


def watch_round_trips(exchange: Exchange, seen: RoundTrips) -> None:
    """Puts the round trips of *exchange*'s signed requests into *seen*, from now on.

    Source: ``requests``, event hooks; a response's ``elapsed`` is the time from sending to headers.
    """
    api: Any = exchange._api
    secret = str(api.apiKey or api.walletAddress or "")

    def hear(response: requests.Response, *args: Any, **kwargs: Any) -> None:
        signed = bool(secret) and any(secret in str(v) for v in response.request.headers.values())
        if signed and response.ok:
            seen.add(response.elapsed.total_seconds(), at=time.monotonic())

    if isinstance(api.session, requests.Session):
        api.session.hooks["response"].append(hear)
