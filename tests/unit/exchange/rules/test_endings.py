"""An order is at its end, whatever word the exchange has for it."""

import ccxt
import pytest

from freqtrade_liquidation.exchange.rules.endings import ended
from freqtrade_liquidation.orders.executions import FINAL_STATUSES


@pytest.mark.parametrize(
    "word",
    ["filled", "cancelled", "liquidated", "ioc", "auto_deleveraged", "reduce_only",
     "position_closed", "reduce_out", "stp"],
)  # fmt: skip
def test_every_end_that_gate_documents_is_one_for_freqtrade(word: str) -> None:
    """Source: Gate API v4, FuturesOrder.finish_as."""
    gate = ccxt.gate()
    raw = {
        "id": 1, "contract": "BTC_USDT", "size": "-3", "left": "-1", "price": "0", "tif": "ioc",
        "fill_price": "65000", "status": "finished", "finish_as": word, "is_reduce_only": True,
    }  # fmt: skip
    order = ended(gate, gate.parse_order(raw))
    assert order["status"] in FINAL_STATUSES
    assert (order["filled"], order["average"]) == (2.0, 65000.0)


def test_word_of_one_exchange_says_nothing_on_another() -> None:
    assert ended(ccxt.binance(), {"status": "stp"}) == {"status": "stp"}
