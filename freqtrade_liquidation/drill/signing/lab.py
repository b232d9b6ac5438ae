"""freqtrade's exchange, live and signing, with a recorder in the place of the network."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from inspect import getmembers, isclass
from typing import Any, Final

import ccxt
import freqtrade.exchange
import requests
from freqtrade.enums import MarginMode, RunMode, TradingMode
from freqtrade.exchange import MAP_EXCHANGE_CHILDCLASS, Exchange
from freqtrade.exchange.common import SUPPORTED_EXCHANGES
from freqtrade.resolvers import ExchangeResolver

from freqtrade_liquidation.drill.signing.recorder import Recorder, Signed
from freqtrade_liquidation.drill.signing.samples import SAMPLES, Answers
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.exchange.rules.kin import rule_for
from freqtrade_liquidation.orders.requests import Request

STAKE: Final = {"kraken": "USD", "krakenfutures": "USD", "hyperliquid": "USDC"}
"""Quote and settle currency of the sample markets; elsewhere USDT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One exchange in one market mode, as freqtrade supports it."""

    exchange: str
    mode: TradingMode
    margin: MarginMode

    def __str__(self) -> str:
        margin = f" {self.margin}" if self.margin else ""
        return f"{self.exchange} {self.mode}{margin}"


def setups() -> Iterator[Setup]:
    """What freqtrade officially supports.

    Source: freqtrade ``SUPPORTED_EXCHANGES`` and ``_supported_trading_mode_margin_pairs`` of each
    exchange's class.
    """
    kinds: dict[str, Any] = {n.lower(): k for n, k in getmembers(freqtrade.exchange, isclass)}
    for name in SUPPORTED_EXCHANGES:
        kind = kinds.get(MAP_EXCHANGE_CHILDCLASS.get(name, name), Exchange)
        for mode, margin in kind._supported_trading_mode_margin_pairs:
            yield Setup(exchange=name, mode=mode, margin=margin)


class Lab:
    """One exchange, ready to sign.

    :ivar exchange: freqtrade's, with credentials that are nobody's.
    :ivar wire: a run's way to it.
    :ivar at_start: what freqtrade asked when the bot would have been started.
    :param answers: go before the samples.
    """

    def __init__(self, setup: Setup, answers: Answers = ()) -> None:
        self.setup = setup
        stake = STAKE.get(setup.exchange, "USDT")
        samples = rule_for(SAMPLES, getattr(ccxt, setup.exchange)(), ())
        self._recorder = Recorder((*answers, *samples))
        self.exchange = ExchangeResolver.load_exchange(
            _config(setup, stake, self._recorder), validate=False
        )
        self.at_start = self._taken()
        self.wire = ExchangeClient(self.exchange)
        api: Any = self.exchange._api
        self.exchange._markets = api.load_markets()
        self._recorder.seen.clear()
        futures = setup.mode == TradingMode.FUTURES
        self.pair: str = next(
            symbol
            for symbol, market in self.exchange._markets.items()
            if (market["swap"] and market["linear"] and market["settle"] == stake)
            or (market["spot"] and not futures and market["quote"] == stake)
        )

    def signed(self, request: Request) -> list[Signed]:
        """What *request* would send. That the samples are no answer to it does not matter."""
        with suppress(LiquidationError):
            asyncio.run(self.wire.attempt(request, timeout_s=5.0, write=False))
        return self._taken()

    def _taken(self) -> list[Signed]:
        taken = list(self._recorder.seen)
        self._recorder.seen.clear()
        return taken


def _config(setup: Setup, stake: str, recorder: Recorder) -> dict[str, Any]:
    session = requests.Session()
    session.mount("https://", recorder)
    return {
        "dry_run": False,
        "runmode": RunMode.OTHER,
        "stake_currency": stake,
        "trading_mode": setup.mode,
        "margin_mode": setup.margin,
        "exchange": {
            "name": setup.exchange,
            "key": "key",
            "secret": "c2VjcmV0c2VjcmV0",  # kraken's is base64
            "password": "password",
            "uid": "uid",
            "wallet_address": f"0x{1:040x}",
            "private_key": f"0x{2:064x}",
            "ccxt_sync_config": {"session": session, "enableRateLimit": False},
        },
    }
