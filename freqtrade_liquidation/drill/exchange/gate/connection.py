"""How ccxt is told to trade on the practice exchange instead of Gate."""

from pathlib import Path
from typing import Any, Final

_PUBLIC: Final = (
    "wallet", "futures", "margin", "delivery", "spot", "options", "sub_accounts", "earn",
)  # fmt: skip
_PRIVATE: Final = (
    "withdrawals", "wallet", "futures", "margin", "delivery", "spot", "options", "subAccounts",
    "unified", "rebate", "earn", "account", "loan", "otc",
)  # fmt: skip


def ccxt_config(port: int, ca_file: Path | str) -> dict[str, Any]:
    """:return: freqtrade's ``exchange.ccxt_config`` for the practice exchange on *port*.

    Every base URL is replaced, so that no request can reach Gate. ``cafile`` is what async ccxt
    trusts, ``validateServerSsl`` what the sync one hands to requests as ``verify``.
    """
    base = f"https://127.0.0.1:{port}/api/v4"
    api = {"public": dict.fromkeys(_PUBLIC, base), "private": dict.fromkeys(_PRIVATE, base)}
    return {
        "urls": {"api": api}, "verify": True, "cafile": str(ca_file),
        "validateServerSsl": str(ca_file),
    }  # fmt: skip
