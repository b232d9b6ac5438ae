"""How ccxt is told to trade on the practice exchange instead of Binance."""

from pathlib import Path
from typing import Any

JsonDict = dict[str, Any]


def ccxt_config(port: int, ca_file: Path | str) -> JsonDict:
    """:return: freqtrade's ``exchange.ccxt_config`` for the practice exchange on *port*.

    The user name in the URLs (``https://demo-fapi@127.0.0.1…``) makes ccxt pick the error table of
    the right market. ``cafile`` is what async ccxt trusts, ``validateServerSsl`` what the sync one
    hands to requests as ``verify``.
    Source: ccxt 4.5.90, ``binance.get_exceptions_by_url`` and both ``Exchange.fetch``.
    """
    spot = f"https://demo-api@127.0.0.1:{port}"
    linear = f"https://demo-fapi@127.0.0.1:{port}"
    inverse = f"https://demo-dapi@127.0.0.1:{port}"
    api = {
        "public": f"{spot}/api/v3", "private": f"{spot}/api/v3", "v1": f"{spot}/api/v1",
        "sapi": f"{spot}/sapi/v1", "sapiV2": f"{spot}/sapi/v2", "sapiV3": f"{spot}/sapi/v3",
        "sapiV4": f"{spot}/sapi/v4", "papi": f"{spot}/papi/v1", "papiV2": f"{spot}/papi/v2",
        "eapiPublic": f"{spot}/eapi/v1", "eapiPrivate": f"{spot}/eapi/v1",
        "fapiPublic": f"{linear}/fapi/v1", "fapiPublicV2": f"{linear}/fapi/v2",
        "fapiPublicV3": f"{linear}/fapi/v3", "fapiPrivate": f"{linear}/fapi/v1",
        "fapiPrivateV2": f"{linear}/fapi/v2", "fapiPrivateV3": f"{linear}/fapi/v3",
        "fapiData": f"{linear}/futures/data", "dapiPublic": f"{inverse}/dapi/v1",
        "dapiPrivate": f"{inverse}/dapi/v1", "dapiPrivateV2": f"{inverse}/dapi/v2",
        "dapiData": f"{inverse}/futures/data",
    }  # fmt: skip
    return {
        "urls": {"api": api}, "verify": True, "cafile": str(ca_file),
        "validateServerSsl": str(ca_file),
    }  # fmt: skip
