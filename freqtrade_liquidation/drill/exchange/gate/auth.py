"""Who is asking, as Gate wants it proven: three headers."""

import hashlib
import hmac
from typing import Final
from urllib.parse import unquote_plus

from freqtrade_liquidation.drill.exchange.facade import Arrived
from freqtrade_liquidation.drill.exchange.gate.refusals import deny

_WINDOW_S: Final = 60


def check_signed(arrived: Arrived, *, key: str, secret: str, now_ms: int) -> None:
    """Refuse a signed request that is not ours.

    The signature covers method, path, query (decoded), the body's SHA-512 and the time.
    Source: Gate API v4, Authentication.

    :raises Refusal: 401 for headers, key, signature, and for a clock more than 60 s off.
    """
    headers = arrived.headers
    for name in ("KEY", "SIGN", "Timestamp"):
        if not headers.get(name):
            raise deny("MISSING_REQUIRED_HEADER", f"Missing required header: {name}", 401)
    if headers["KEY"] != key:
        raise deny("INVALID_KEY", "Invalid key provided", 401)
    stamp = headers["Timestamp"]
    body = hashlib.sha512(arrived.body.encode()).hexdigest()
    signed = "\n".join([arrived.method, arrived.path, unquote_plus(arrived.query), body, stamp])
    expected = hmac.new(secret.encode(), signed.encode(), hashlib.sha512).hexdigest()
    if not hmac.compare_digest(expected, headers["SIGN"]):
        raise deny("INVALID_SIGNATURE", "Signature mismatch", 401)
    if not stamp.isdigit() or abs(int(stamp) - now_ms / 1000) > _WINDOW_S:
        text = f"gap between request Timestamp and server time exceeds {_WINDOW_S}"
        raise deny("REQUEST_EXPIRED", text, 403)
