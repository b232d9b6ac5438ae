"""The name under which freqtrade's own stop, as our bot sends it, reaches each exchange.

The requests are freqtrade's and ccxt's; only the network is replaced. Where a name stands is
written by hand, from the exchanges' API pages.
"""

from typing import Any

import pytest
from freqtrade.exchange import Exchange

from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.drill.signing.probe import STOP_PRICE
from freqtrade_liquidation.exchange.rules.names import is_bots, name_of, stop_name
from freqtrade_liquidation.orders.entry_gate import EntryGate
from freqtrade_liquidation.orders.noted_exchange import Sending, noting

ALL = {str(setup): setup for setup in setups()}
FIELDS: dict[str, str | None] = {
    "binance spot": "newClientOrderId",
    "binance futures": "clientAlgoId",
    "binanceus spot": "newClientOrderId",
    "bingx spot": "newClientOrderId",
    "bitget spot": "clientOid",
    "bitget futures": "clientOid",
    "bybit spot": "orderLinkId",
    "bybit futures": "orderLinkId",
    "gate spot": None,
    "gate futures": None,
    "htx spot": "client-order-id",
    "hyperliquid futures": "action.orders.0.c",
    "kraken spot": "cl_ord_id",
    "krakenfutures futures": "cliOrdId",
    "okx spot": "algoClOrdId",
    "okx futures": "algoClOrdId",
}
"""``None`` = a stop takes no name there."""
LIKE = {"binanceusdm": "binance", "bybiteu": "bybit", "gateeu": "gate", "myokx": "okx"}


def stops() -> list[str]:
    """The setups in which freqtrade places stops on the exchange."""
    return [name for name in ALL if Lab(ALL[name]).exchange.get_option("stoploss_on_exchange")]


def place(lab: Lab) -> Any:
    """freqtrade's stop, noted."""
    gate = EntryGate()
    sending = Sending(gate, gate.note_exit(lab.pair, "sell"))

    def request(exchange: Exchange) -> Any:
        return noting(exchange, sending).create_stoploss(
            pair=lab.pair,
            amount=2.0,
            stop_price=STOP_PRICE,
            order_types={"stoploss": "limit"},
            side="sell",
            leverage=1.0,
        )

    sent = lab.signed(request)
    return sending.orders[-1].name, [signed.values for signed in sent]


@pytest.mark.parametrize("name", stops())
def test_stop_of_freqtrades_bears_our_name_where_the_exchange_takes_one(name: str) -> None:
    lab = Lab(ALL[name])
    exchange, mode = ALL[name].exchange, str(ALL[name].mode)
    field = FIELDS[f"{LIKE.get(exchange, exchange)} {mode}"]
    our_name, sent = place(lab)
    assert is_bots(our_name)
    assert bool(stop_name(lab.exchange._api, our_name)) is (field is not None)
    if field is None:
        assert not any(our_name in str(values) for values in sent), "it would be refused"
        return
    found = [v for values in sent for key, v in values.items() if key.split(".", 1)[-1] == field]
    found += [values[field] for values in sent if field in values]
    assert our_name in found, sent


def test_name_of_an_okx_stop_is_read_where_ccxt_reads_none() -> None:
    assert name_of({"clientOrderId": "", "info": {"algoClOrdId": "fte1"}}) == "fte1"
    assert name_of({"clientOrderId": None, "info": {}}) is None
