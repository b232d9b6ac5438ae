"""Refusals of the bot's key itself, in what the exchange says about it.

A run asks another question: may the request have acted, and is there any use in asking for the next
pair? To a run, a permission that is missing at one endpoint is that endpoint's refusal, and a code
that ccxt does not know is a plain one. To whoever asks whether the exchange takes the key, both are
the news. So these are looked at before a run's verdict, and stand apart from its tables. What is
not in here, the run's verdict tells: it knows the other refusals of a key.
"""

from collections.abc import Mapping
from typing import Final

KEY_CODES: Final[Mapping[str, frozenset[str]]] = {
    # "Invalid Api-Key ID". Source: Binance Spot API, "Error codes", -2008 BAD_API_ID
    "binance": frozenset({"-2008"}),
    # "This API key doesn't have permission to use this function". Source: OKX V5, "Error Code", API
    "okx": frozenset({"50120"}),
    # "Incorrect permissions, need {0} permissions", "passphrase is error", "The current ip is not
    # in the apikey ip whitelist", "user api key permission setting error", "User's ApiKey does not
    # exist", "Permission has not been obtained yet". Source: Bitget, "RestAPI Error Code"
    "bitget": frozenset({"40014", "40036", "40038", "40040", "40041", "40301"}),
    # "Permission denied as the API key was created without the permission". Source: BingX, "Error
    # Codes"; ccxt bingx.exceptions
    "bingx": frozenset({"100004"}),
}
"""By ccxt's exchange id, as the tables of a run."""

KEY_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    # Source: Kraken, spot REST "Error messages", "Authentication errors"; ccxt kraken.exceptions
    "kraken": ("EAPI:Invalid key", "EAPI:Invalid signature", "EGeneral:Permission denied"),
    # The first: Kraken Futures, "Error codes". The others are on no page, and are words about the
    # key and nothing else.
    "krakenfutures": ("authenticationError", "apiKeyInvalid", "insufficientPermission"),
    # "Signature not valid: API key has no permission". Source: ccxt htx.exceptions
    "htx": ("API key has no permission",),
}
"""The same by words that occur in the answer."""
