"""The practice exchange: Binance or Gate on loopback, for drills and tests.

Real freqtrade and ccxt trade on it in live mode, over real HTTP, with real error classes; no money
and no other host is involved.
"""

from typing import Final

from freqtrade_liquidation.drill.exchange.control import call
from freqtrade_liquidation.drill.exchange.core import Settings
from freqtrade_liquidation.drill.exchange.faults import KINDS, FaultRule
from freqtrade_liquidation.drill.exchange.practice import PracticeExchange
from freqtrade_liquidation.drill.exchange.refusals import Refusal

FACADES: Final = {"binance": frozenset({"spot", "futures"}), "gate": frozenset({"futures"})}
"""Whose API it speaks, by ccxt's exchange id, and for which of freqtrade's trading modes."""

__all__ = [
    "FACADES",
    "KINDS",
    "FaultRule",
    "PracticeExchange",
    "Refusal",
    "Settings",
    "call",
]
