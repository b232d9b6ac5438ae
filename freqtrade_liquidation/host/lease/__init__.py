"""Two processes, one book: who works on a database, what others ask of it, whose turn it is.

The bot's side::

    book = BookDatabase(config["db_url"])
    lease, requests, claims = Lease(book), Requests(book), RunClaims(book)
    noted = NotedOrders(book)
    pulse = Pulse(book, lease)
    pulse.beat()            # when a bot is built, before its latch is read; then in the loop, as
                            # often as it turns: renews, and tells what is new
    requests.take_next()    # if it says that a request waits; then begun() and answer()
    noted.write(order)      # before freqtrade sends it; strike() when its fate is known
    claims.acquire(...)     # before a run's first look; release() after its last booking
    pulse.barred_by(pair)   # in execute_entry; unreadable = refuse
    pulse.lift()            # at /start
    lease.release()         # at a clean end

Every call takes at most 0.3 s and raises :class:`BookUnavailable` or nothing.
"""

from freqtrade_liquidation.host.lease.claims import Claim, RunClaims
from freqtrade_liquidation.host.lease.database import BookDatabase, BookUnavailable
from freqtrade_liquidation.host.lease.lease import FRESH_FOR_S, Lease, LeaseSight
from freqtrade_liquidation.host.lease.noted_orders import NotedOrders
from freqtrade_liquidation.host.lease.pulse import Beat, Pulse
from freqtrade_liquidation.host.lease.requests import (
    TAKEN_WITHIN_S,
    Requests,
    RequestState,
    StoredRequest,
)

__all__ = [
    "FRESH_FOR_S",
    "TAKEN_WITHIN_S",
    "Beat",
    "BookDatabase",
    "BookUnavailable",
    "Claim",
    "Lease",
    "LeaseSight",
    "NotedOrders",
    "Pulse",
    "RequestState",
    "Requests",
    "RunClaims",
    "StoredRequest",
]
