"""What is told of a futures run that was cut off."""

from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.enums import TradingMode
from freqtrade.persistence import Trade, init_db

from freqtrade_liquidation.errors import ExchangeUnavailable
from freqtrade_liquidation.host import cut_off
from freqtrade_liquidation.host.sent import Sent
from freqtrade_liquidation.model import ClosingOrder, PairState, Position, Side
from freqtrade_liquidation.orders.executions import Close

SPOT = "SOL/USDT"
PAIR = "BTC/USDC:USDC"
SEEN: dict[str, dict[str, Any]] = {PAIR: {"side": "long", "amount": 2.0, "trade_ids": []}}


def bot() -> Any:
    """Its wallets show nothing: freqtrade lists the stake currency's positions."""
    exchange = SimpleNamespace(_config={"stake_currency": "USDT"})
    wallets = SimpleNamespace(get_all_positions=dict)
    return SimpleNamespace(
        exchange=exchange, wallets=wallets, config={"dry_run": False},
        trading_mode=TradingMode.FUTURES,
    )  # fmt: skip


@pytest.mark.parametrize("scope", ["account", "trades"])
@pytest.mark.parametrize("answers", [True, False])
def test_position_that_freqtrade_does_not_list_is_not_called_closed(
    monkeypatch: pytest.MonkeyPatch, answers: bool, scope: str
) -> None:
    """It is looked for in the scope of the run that was cut off: in "trades" it may be the
    user's."""
    asked = []

    async def listed(*, timeout_s: float) -> list[Position]:
        if not answers:
            raise ExchangeUnavailable("no answer")
        return [Position(pair=PAIR, side=Side.LONG, amount=2.0)]

    client = SimpleNamespace(close=lambda: None)
    orders = SimpleNamespace(get_all_positions=listed)
    monkeypatch.setattr(cut_off, "ExchangeClient", lambda exchange: client)

    def make(*args: Any, account_scope: bool, **options: Any) -> Any:
        asked.append(account_scope)
        return orders

    monkeypatch.setattr(cut_off, "FuturesOrders", make)
    init_db("sqlite://")
    try:
        [outcome] = cut_off._by_positions(bot(), SEEN, scope)
    finally:
        Trade.session.remove()
    expected = (PairState.OPEN, 2.0) if answers else (PairState.NOT_PROVEN, None)
    assert (outcome.state, outcome.residual_amount) == expected
    assert asked == [scope == "account"]


def test_coins_that_were_all_sold_leave_no_dust_of_float_noise() -> None:
    """0.3 - 0.1 - 0.2 is no zero in floats."""
    closes = [
        Close(
            order=ClosingOrder(
                pair=SPOT, side=Side.LONG, amount=sold, client_order_id=f"ftl{sold}"
            ),
            answer={"id": "1", "status": "closed", "filled": sold, "average": 150.0},
        )
        for sold in (0.1, 0.2)
    ]
    sent = Sent(correlation_id="liq", trigger="cli", pair=SPOT, closes=closes)
    first = {"pair": SPOT, "side": "long", "amount": 0.3, "entry_price": 150.0, "trade_ids": [1]}
    amounts: Any = SimpleNamespace(minimum=lambda pair, price: 0.001)
    outcome = cut_off._spot_outcome(first, sent, None, amounts)
    assert (outcome.state, outcome.residual_amount) == (PairState.CLOSED, 0.0)
