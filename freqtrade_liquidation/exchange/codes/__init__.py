"""Where ccxt's classes mislead, the exchange's own code or words decide: the tables.

Checked against the exceptions of ccxt 4.5.90 for the exchanges that freqtrade supports officially,
and against each exchange's own page of error codes. What is not in here, ccxt's class tells
rightly: orders that are gone (``OrderNotFound``), coins that a stop locks (``InsufficientFunds``),
limits, maintenance. Comments give the exchange's words, then the class that ccxt makes of them;
"—" = ccxt does not know the code (``ExchangeError``).

Two mistakes are not equal. A close that was refused and is taken for unknown costs a look. A write
that may have acted and is taken for refused can be sent twice, or be left out of the report. So
words that leave room for the execution ("timeout", "unknown error", "request failed") are
:attr:`~.verdict.Verdict.UNANSWERED`, and :attr:`~.verdict.Verdict.NOTHING_TO_REDUCE`, which counts
as a witness that the position is zero, is only for words that say so and nothing else.

Words are looked at before codes: they tell the meanings of one code apart.
"""

from collections.abc import Mapping
from typing import Final

from freqtrade_liquidation.exchange.codes import (
    binance,
    bitget,
    bybit,
    gate,
    htx,
    okx,
    smaller,
    worded,
)
from freqtrade_liquidation.exchange.codes.verdict import Verdict

__all__ = ("CODES", "PHRASES", "Verdict")

CODES: Final[Mapping[str, Mapping[str, Verdict]]] = {
    "binance": binance.CODES,
    "bybit": bybit.CODES,
    "okx": okx.CODES,
    "gate": gate.CODES,
    "bitget": bitget.CODES,
    "bingx": smaller.BINGX,
    "bitmart": smaller.BITMART,
    "htx": htx.CODES,
}
"""By ccxt's exchange id, for those that ccxt derives from it, too."""

PHRASES: Final[Mapping[str, Mapping[str, Verdict]]] = {
    "binance": binance.PHRASES,
    "bybit": bybit.PHRASES,
    "gate": gate.PHRASES,
    "bitget": bitget.PHRASES,
    "bingx": smaller.BINGX_PHRASES,
    "htx": htx.PHRASES,
    "hyperliquid": worded.HYPERLIQUID,
    "kraken": worded.KRAKEN,
    "krakenfutures": worded.KRAKENFUTURES,
}
"""The same by words that occur in the answer; the first that does decides."""
