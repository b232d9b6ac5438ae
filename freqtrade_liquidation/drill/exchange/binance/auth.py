"""Who is asking: API key, signature, clock."""

import hashlib
import hmac
from collections.abc import Mapping

from freqtrade_liquidation.drill.exchange.refusals import refuse

_DEFAULT_WINDOW_MS = 5_000
_AHEAD_MS = 1_000


def check_signed(
    api_key: str | None, signed_text: str, params: Mapping[str, str], *,
    key: str, secret: str, now_ms: int,
) -> None:  # fmt: skip
    """Refuse a signed request that is not ours.

    :param signed_text: query and body as they arrived, joined, with the signature.
    :raises Refusal: −2014 or −2015 (401) for the key, −1022 for the signature, −1021 for the clock.
    """
    if not api_key:
        raise refuse(-2014, status=401)
    if api_key != key:
        raise refuse(-2015, status=401)
    payload, _, signature = signed_text.rpartition("signature=")
    expected = hmac.new(secret.encode(), payload.rstrip("&").encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise refuse(-1022)
    timestamp = params.get("timestamp", "")
    if not timestamp.isdigit():
        raise refuse(-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null.")
    window = int(params.get("recvWindow") or _DEFAULT_WINDOW_MS)
    if not now_ms - window <= int(timestamp) <= now_ms + _AHEAD_MS:
        raise refuse(-1021)
