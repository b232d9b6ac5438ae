"""Whole runs of the real order managers on books that are easily taken for flat."""

import asyncio
import json
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from ccxt import ExchangeError, ExchangeNotAvailable, OperationRejected
from freqtrade.exchange import Exchange

from freqtrade_liquidation import LiquidationConfig, LiquidationManager, LiquidationState
from freqtrade_liquidation.audit.memory import MemoryAuditLog
from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import PairState, Request, Side, still_open
from freqtrade_liquidation.orders.choosing import OrderManager
from freqtrade_liquidation.orders.trades import KnownTrade
from tests.integration.exchanges import BTC, ETH, SPOT, known_order, on, trade


def liquidate(
    exchange: Exchange, *trades: KnownTrade, timeout_seconds: float = 5.0, **options: Any
) -> LiquidationResult:
    """One run, as an operator's command, with nobody to book it."""

    async def run(venue: OrderManager) -> LiquidationResult:
        config = LiquidationConfig(timeout_seconds=timeout_seconds)
        manager = LiquidationManager(config, venue, MemoryAuditLog())
        return await manager.execute_liquidation("cli")

    return on(exchange, run, *trades, **options)  # type: ignore[no-any-return]


def said(result: LiquidationResult) -> list[str]:
    """The errors, without those of the booking."""
    return [error for error in result.errors if "not booked" not in error]


async def with_the_fill(
    practice: PracticeExchange, venue: OrderManager, answered: str, asked: str, fill: Any
) -> LiquidationResult:
    manager = LiquidationManager(LiquidationConfig(), venue, MemoryAuditLog())
    practice.clear_log()
    practice.add_fault("latency", path=asked, latency_ms=400, times=1)

    def first_is_answered(entries: Any) -> bool:
        return any(e.path.endswith(answered) and e.answered is not None for e in entries)

    run = asyncio.ensure_future(manager.execute_liquidation("cli"))
    assert await asyncio.to_thread(practice.core.log.wait_for, first_is_answered)
    fill()
    return await run


def test_futures_entry_that_fills_between_positions_and_orders_is_closed(
    practice: PracticeExchange, futures: Exchange
) -> None:
    practice.seed_order(BTC, "buy", 0.1, 60_000)

    def run(venue: OrderManager) -> Any:
        return with_the_fill(
            practice, venue, "/positionRisk", "/openOrders$", lambda: fill_at(practice, BTC)
        )

    result = on(futures, run)
    assert practice.positions() == {}
    assert result.state is LiquidationState.COMPLETED
    assert result.positions_closed == 1


def test_spot_entry_that_fills_between_balance_and_order_is_sold(
    practice: PracticeExchange, spot: Exchange
) -> None:
    order_id = practice.seed_order(SPOT, "buy", 0.1, 60_000)
    known = trade(SPOT, 0.0, known_order(order_id, "buy"))

    def run(venue: OrderManager) -> Any:
        return with_the_fill(
            practice, venue, "/account", "/api/v3/order$", lambda: fill_at(practice, SPOT)
        )

    result = on(spot, run, known)
    assert result.state is LiquidationState.COMPLETED
    assert result.positions_closed == 1
    assert float(practice.balances()["BTC"]["total"]) < 0.001


def fill_at(practice: PracticeExchange, pair: str) -> None:
    """The price falls through the resting buys, and the engine fills them."""
    practice.set_price(pair, 59_000)
    practice.core.tick()


# Positions that nobody may drop, and that we must not close.


def list_market_later(practice: PracticeExchange, symbol: str, pair: str) -> None:
    """A market that the exchange opened after freqtrade had loaded its markets."""
    venue = practice.core.futures
    known = venue.markets["BTCUSDT"]
    venue.markets[symbol] = replace(known, symbol=symbol, base=pair)  # type: ignore[index]
    practice.core.prices._markets[symbol] = venue.markets[symbol]  # type: ignore[index]
    practice.core.prices._phases[symbol] = practice.core.prices._phases["BTCUSDT"]
    venue.position(symbol).amount = Decimal("0.3")
    venue.position(symbol).entry_price = Decimal(65_000)


def test_position_in_a_market_that_is_not_known_is_open_and_named(
    practice: PracticeExchange, futures: Exchange
) -> None:
    practice.seed_position(ETH, 2)
    list_market_later(practice, "NEWUSDT", "NEW")
    result = liquidate(futures)
    assert result.state is LiquidationState.PARTIAL
    left = {o.pair: o for o in result.outcomes}
    assert left[ETH].state is PairState.CLOSED
    assert left["NEWUSDT"].state is PairState.OPEN
    assert left["NEWUSDT"].residual_amount == 0.3
    assert "its market is not known to freqtrade: close it by hand" in str(left["NEWUSDT"].error)


def test_nothing_but_a_position_in_a_market_that_is_not_known_is_not_flat(
    practice: PracticeExchange, futures: Exchange
) -> None:
    list_market_later(practice, "NEWUSDT", "NEW")
    result = liquidate(futures)
    assert result.state is LiquidationState.FAILED
    assert result.duration_seconds < 2.0


def test_scope_trades_leaves_unknown_markets_to_their_owner(
    practice: PracticeExchange, futures: Exchange
) -> None:
    """Unless a trade's own market is not known: then it cannot be told apart."""
    list_market_later(practice, "NEWUSDT", "NEW")
    result = liquidate(futures, trade(BTC, 0.1), account_scope=False)
    assert result.state is LiquidationState.COMPLETED
    own = liquidate(futures, trade("NEW/USDT:USDT", 0.3), account_scope=False)
    assert own.state is LiquidationState.FAILED
    assert [o.pair for o in own.outcomes] == ["NEW/USDT:USDT", "NEWUSDT"]


@pytest.mark.parametrize("kind", ["drop_after", "no_fill_answer", "bad_json", "drop_before"])
@pytest.mark.parametrize("users_own", [2, 0.5, 0])
def test_scope_trades_closes_the_bots_part_once_whatever_is_answered(
    practice: PracticeExchange, futures: Exchange, kind: str, users_own: float
) -> None:
    """The rest of the position is the user's: it looks like what the close was for. That nobody
    else holds any is not believed: contracts may be added by hand while the close is on its way."""
    practice.seed_position(BTC, 1 + users_own)
    practice.add_fault(kind, method="POST", path="/fapi/v1/order$", times=1)
    result = liquidate(futures, trade(BTC, 1), account_scope=False)
    left = sum(float(position["amount"]) for position in practice.positions().values())
    if kind == "drop_before":  # it may arrive still
        assert left == 1 + users_own
        assert [outcome.state for outcome in result.outcomes] == [PairState.NOT_PROVEN]
    else:
        assert left == users_own
        assert result.state is LiquidationState.COMPLETED


@pytest.mark.parametrize("account_scope", [True, False])
def test_entry_that_rests_though_no_list_shows_it_is_cancelled_again(
    practice: PracticeExchange,
    futures: Exchange,
    monkeypatch: pytest.MonkeyPatch,
    account_scope: bool,
) -> None:
    """Its cancel is refused as if it were gone; asked for alone, it rests."""
    entry = practice.seed_order(BTC, "buy", 0.1, 60_000)
    practice.add_fault("error", method="DELETE", path="/order$", code=-2011, times=1)
    monkeypatch.setattr(type(futures._api), "fapiPrivateGetOpenOrders", lambda *args: [])
    known = trade(BTC, 0, known_order(entry, "buy"))
    result = liquidate(futures, known, account_scope=account_scope)
    assert practice.open_orders() == []
    assert result.state is LiquidationState.COMPLETED, result.errors


def test_entry_that_fills_just_before_its_cancel_is_closed_though_lists_are_late(
    practice: PracticeExchange, futures: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two lists and the answer about the pair alone, all too old, said that nothing was there."""
    entry = practice.seed_order(BTC, "buy", 0.1, 60_000)
    fill_at(practice, BTC)
    api = type(futures._api)
    ask, late_until = api.fapiPrivateV3GetPositionRisk, time.monotonic() + 2.0

    def late(self: Any, params: Any = None, *args: Any) -> Any:
        rows = ask(self, params or {}, *args)
        return rows if time.monotonic() > late_until else []

    monkeypatch.setattr(api, "fapiPrivateV3GetPositionRisk", late)
    result = liquidate(futures, trade(BTC, 0, known_order(entry, "buy")))
    assert practice.positions() == {}
    assert result.state is LiquidationState.COMPLETED, result.errors


@pytest.mark.parametrize("lag", [0, 2])
@pytest.mark.parametrize("is_known", [True, False])
def test_pair_open_on_both_sides_is_closed_side_by_side(
    practice: PracticeExchange, futures: Exchange, monkeypatch: pytest.MonkeyPatch,
    is_known: bool, lag: int,
) -> None:  # fmt: skip
    """In hedge mode, and lists that are late show a side that is closed already."""
    practice.seed_position(ETH, 2)
    account = Hedged(monkeypatch, futures, {"LONG": 0.5, "SHORT": 0.2}, lag=lag)
    result = liquidate(futures, *([trade(BTC, 0.5)] if is_known else []))
    assert result.state is LiquidationState.COMPLETED, result.errors
    assert account.held == {"LONG": 0, "SHORT": 0}
    assert practice.positions() == {}
    at_once = [("BOTH", "SELL", 0.5)] * is_known  # refused: it names no side
    assert account.sent == [*at_once, ("LONG", "SELL", 0.5), ("SHORT", "BUY", 0.2)]


def test_other_side_of_the_pair_stays_as_it_is_where_the_account_is_shared(
    practice: PracticeExchange, futures: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Hedged(monkeypatch, futures, {"LONG": 0.2, "SHORT": 0.5})
    result = liquidate(futures, trade(BTC, 0.5, side=Side.SHORT), account_scope=False)
    assert result.state is LiquidationState.COMPLETED, result.errors
    assert account.held == {"LONG": 0.2, "SHORT": 0}


def test_side_that_cannot_be_closed_keeps_the_pair_open(
    practice: PracticeExchange, futures: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Hedged(monkeypatch, futures, {"LONG": 0.5, "SHORT": 0.2}, stuck="SHORT")
    result = liquidate(futures, trade(BTC, 0.5))
    assert result.state is LiquidationState.FAILED
    [outcome] = result.outcomes
    assert (outcome.state, outcome.side) == (PairState.OPEN, Side.SHORT)
    assert outcome.residual_amount == 0.2
    assert account.held == {"LONG": 0, "SHORT": 0.2}


def test_pair_whose_rows_cannot_be_told_apart_is_named_while_others_are_closed(
    practice: PracticeExchange, futures: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice.seed_position(BTC, 0.5)
    practice.seed_position(ETH, 2)
    list_as(
        monkeypatch, futures, {"positionSide": "?", "positionAmt": "-0.2", "notional": "-13000"}
    )
    result = liquidate(futures)
    assert result.state is LiquidationState.PARTIAL
    left = {o.pair: o for o in result.outcomes}
    assert left[ETH].state is PairState.CLOSED
    assert left[BTC].state is PairState.OPEN
    assert "long 0.5 and short 0.2 at once" in str(left[BTC].error)
    assert list(practice.positions()) == [BTC]


def test_position_whose_side_ccxt_does_not_find_is_closed_by_the_sign_of_its_size(
    practice: PracticeExchange, futures: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ccxt takes binance's side from the notional's sign, and a mark price of 0 has none."""
    practice.seed_position(BTC, -0.5)
    list_as(monkeypatch, futures, {"notional": "0"}, instead=True)
    result = liquidate(futures, trade(BTC, 0.5, side=Side.SHORT), account_scope=False)
    assert result.state is LiquidationState.COMPLETED
    [outcome] = result.outcomes
    assert (outcome.pair, outcome.side, outcome.state) == (BTC, Side.SHORT, PairState.CLOSED)
    assert practice.positions() == {}


class Hedged:
    """BTC in hedge mode, as Binance answers there; the practice exchange knows one-way mode alone.

    :ivar held: by position side, base currency.
    :ivar sent: position side, side and amount of each order.
    :param lag: so many lists after a fill show what was held before it.
    :param stuck: the side whose orders are refused.
    """

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        exchange: Exchange,
        held: dict[str, float],
        *,
        lag: int = 0,
        stuck: str = "",
    ) -> None:
        self.held, self.sent = held, list[tuple[str, str, float]]()
        self._stuck, self._lag = stuck, lag
        self._late: list[dict[str, float]] = []
        api = type(exchange._api)
        ask, send = api.fapiPrivateV3GetPositionRisk, api.fapiPrivatePostOrder

        def rows(api: Any, params: Any = None, *args: Any) -> Any:
            others = [r for r in ask(api, {}, *args) if r["symbol"] != "BTCUSDT"]
            asked = (params or {}).get("symbol")
            shown = self._late.pop(0) if self._late else self.held
            own = [self._row(side, amount) for side, amount in shown.items() if amount]
            return own if asked == "BTCUSDT" else others + own

        def order(api: Any, params: Any = None, *args: Any) -> Any:
            if params["symbol"] != "BTCUSDT":
                return send(api, params, *args)
            return self._fill(params)

        monkeypatch.setattr(api, "fapiPrivateV3GetPositionRisk", rows)
        monkeypatch.setattr(api, "fapiPrivatePostOrder", order)

    @staticmethod
    def _row(side: str, amount: float) -> dict[str, Any]:
        sign = 1 if side == "LONG" else -1
        return {
            "symbol": "BTCUSDT", "positionSide": side, "positionAmt": str(sign * amount),
            "entryPrice": "65000", "markPrice": "65000", "unRealizedProfit": "0",
            "liquidationPrice": "1", "isolatedMargin": "0", "notional": str(sign * amount * 65_000),
            "marginAsset": "USDT", "isolatedWallet": "0", "initialMargin": "1", "maintMargin": "1",
            "positionInitialMargin": "1", "openOrderInitialMargin": "0", "adl": "1",
            "bidNotional": "0", "askNotional": "0", "updateTime": 1_700_000_000_000,
        }  # fmt: skip

    def _fill(self, params: dict[str, Any]) -> dict[str, Any]:
        side, amount = params.get("positionSide", "BOTH"), float(params["quantity"])
        self.sent.append((side, params["side"], amount))
        if side == "BOTH":
            raise OperationRejected(
                'binance {"code":-4061,"msg":"Order\'s position side does not match"}'
            )
        assert "reduceOnly" not in params, "refused in hedge mode"
        if side == self._stuck:
            raise ExchangeError(
                'binance {"code":-2027,"msg":"Exceeded the maximum allowable position"}'
            )
        assert params["side"] == {"LONG": "SELL", "SHORT": "BUY"}[side]
        assert amount <= self.held[side]
        self._late = [dict(self.held)] * self._lag
        self.held[side] = round(self.held[side] - amount, 9)
        return {
            "symbol": "BTCUSDT", "orderId": len(self.sent), "status": "FILLED", "type": "MARKET",
            "clientOrderId": params["newClientOrderId"], "side": params["side"],
            "positionSide": side, "origQty": str(amount), "executedQty": str(amount),
            "avgPrice": "65000", "cumQuote": str(65_000 * amount), "price": "0",
            "reduceOnly": True, "updateTime": 1_700_000_000_000, "timeInForce": "GTC",
        }  # fmt: skip


def list_as(
    monkeypatch: pytest.MonkeyPatch,
    exchange: Exchange,
    changes: dict[str, str],
    *,
    instead: bool = False,
) -> None:
    """BTC's row of the exchange's answer comes with *changes*, besides or instead of its own."""
    api = type(exchange._api)
    ask = api.fapiPrivateV3GetPositionRisk

    def changed(self: Any, params: Any = None, *args: Any) -> Any:
        rows = ask(self, params or {}, *args)
        odd = [row | changes for row in rows if row["symbol"] == "BTCUSDT"]
        return [row for row in rows if not instead or row["symbol"] != "BTCUSDT"] + odd

    monkeypatch.setattr(api, "fapiPrivateV3GetPositionRisk", changed)


def test_known_market_that_is_no_linear_swap_is_named_and_no_failure(
    practice: PracticeExchange, futures: Exchange
) -> None:
    practice.seed_position(BTC, 0.5)
    practice.seed_position(ETH, 2)
    quarterly = {**futures.markets[ETH]["info"], "contractType": "CURRENT_QUARTER"}
    futures.markets[ETH].update(swap=False, future=True, info=quarterly)
    result = liquidate(futures)
    assert result.state is LiquidationState.COMPLETED
    assert said(result) == [f"{ETH}: not a linear swap: not in scope, still open"]
    assert list(practice.positions()) == [ETH]


def test_trade_whose_coins_are_gone_is_named_and_the_book_flat(
    practice: PracticeExchange, spot: Exchange
) -> None:
    result = liquidate(spot, trade(SPOT, 0.2))
    assert result.state is LiquidationState.COMPLETED
    assert result.outcomes == ()
    [error] = said(result)
    assert "the bot's trade says 0.2 BTC, the account holds none" in error


def test_trade_of_which_some_coins_are_gone_is_sold_and_the_rest_named(
    practice: PracticeExchange, spot: Exchange
) -> None:
    practice.seed_balance("BTC", 0.05)
    result = liquidate(spot, trade(SPOT, 0.2))
    assert result.state is LiquidationState.COMPLETED
    assert result.positions_closed == 1
    [error] = said(result)
    assert "the bot's trade says 0.15 BTC, the account holds none" in error


def test_balance_that_lacks_what_a_stop_of_the_bots_locks_is_not_believed(
    practice: PracticeExchange, spot: Exchange
) -> None:
    """Told flat, and the coins stayed on the account without their stop."""
    practice.seed_balance("BTC", 0.2)
    stop_id = practice.seed_order(SPOT, "sell", 0.2, 51_000, stop_price=52_000)
    known = trade(SPOT, 0.2, known_order(stop_id, "stoploss"))
    body = json.dumps({"balances": [{"asset": "USDT", "free": "1000", "locked": "0"}]})
    practice.add_fault("answer", path="/api/v3/account$", status=200, body=body)
    result = liquidate(spot, known)
    assert result.state is LiquidationState.FAILED
    [outcome] = result.outcomes
    assert outcome.state is PairState.NOT_PROVEN
    assert [order["orderId"] for order in practice.open_orders(futures=False)] == [int(stop_id)]


def test_spot_trade_whose_market_is_gone_fails_alone(
    practice: PracticeExchange, spot: Exchange
) -> None:
    practice.seed_balance("BTC", 0.2)
    practice.seed_balance("OLD", 7)
    result = liquidate(spot, trade(SPOT, 0.2), trade("OLD/USDT", 7.0, trade_id=2))
    left = {o.pair: o for o in result.outcomes}
    assert left[SPOT].state is PairState.CLOSED
    assert left["OLD/USDT"].state is PairState.OPEN
    assert "its market is not known to freqtrade" in str(left["OLD/USDT"].error)


def test_spot_look_reads_each_open_order_once_and_never_an_older_answer(
    practice: PracticeExchange, spot: Exchange
) -> None:
    practice.seed_balance("BTC", 0.2)
    stop = practice.seed_order(SPOT, "sell", 0.2, 59_000, stop_price=60_000)

    async def look(venue: OrderManager) -> list[int]:
        counts = []
        practice.clear_log()
        await asyncio.gather(
            venue.get_all_positions(timeout_s=5), venue.get_open_orders(timeout_s=5)
        )
        counts.append(len(practice.requests("/api/v3/order", method="GET")))
        await venue.get_open_orders(timeout_s=5)
        counts.append(len(practice.requests("/api/v3/order", method="GET")))
        return counts

    assert on(spot, look, trade(SPOT, 0.2, known_order(stop, "stoploss"))) == [1, 2]


@pytest.mark.parametrize("with_stop", [False, True])
@pytest.mark.parametrize("users_sell", [0.05, 0.2])
def test_coins_that_the_user_sells_beside_the_close_cost_only_themselves(
    practice: PracticeExchange, spot: Exchange, users_sell: float, with_stop: bool
) -> None:
    """The sell of all is refused: what is held then is sold, and nothing held is gone, not open."""
    practice.seed_balance("BTC", 0.2)
    known = []
    if with_stop:
        stop = practice.seed_order(SPOT, "sell", 0.2, 59_000, stop_price=60_000)
        known.append(known_order(stop, "stoploss"))
    practice.clear_log()
    practice.add_fault("latency", method="POST", path="/api/v3/order$", latency_ms=400, times=1)

    async def run(venue: OrderManager) -> LiquidationResult:
        manager = LiquidationManager(LiquidationConfig(), venue, MemoryAuditLog())
        ends = asyncio.ensure_future(manager.execute_liquidation("cli"))
        asked = lambda entries: any(  # noqa: E731
            e.method == "POST" and e.path.endswith("/order") for e in entries
        )
        assert await asyncio.to_thread(practice.core.log.wait_for, asked)
        practice.seed_order(SPOT, "sell", users_sell)
        return await ends

    result = on(spot, run, trade(SPOT, 0.2, *known))
    assert result.state is LiquidationState.COMPLETED, result.errors
    assert float(practice.balances()["BTC"]["total"]) < 0.001
    assert practice.open_orders(futures=False) == []
    [error] = said(result)
    left = f"{users_sell:g} BTC"
    assert f"the bot's trade says {left}, the account holds none" in error


def test_repeat_calls_nothing_flat_that_the_run_before_it_left_open(
    practice: PracticeExchange, futures: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No trade knows the position, and the lists lack it from now on: only the first run has seen
    it, and nothing tells where it went."""
    practice.seed_position(BTC, 0.5)
    practice.add_fault("error", method="POST", path="/fapi/v1/order$", status=400, code=-2027)
    first = liquidate(futures)
    assert [o.state for o in first.outcomes] == [PairState.OPEN]
    api = type(futures._api)
    ask = api.fapiPrivateV3GetPositionRisk

    def omits(self: Any, params: Any = None, *args: Any) -> Any:
        if (params or {}).get("symbol"):
            raise ExchangeNotAvailable("503")
        return [row for row in ask(self, params or {}, *args) if row["symbol"] != "BTCUSDT"]

    monkeypatch.setattr(api, "fapiPrivateV3GetPositionRisk", omits)
    left = still_open(outcome.to_dict() for outcome in first.outcomes)
    request = Request(trigger="cli", open_before=left, details={"repeat": 1})

    async def repeat(venue: OrderManager) -> LiquidationResult:
        manager = LiquidationManager(LiquidationConfig(timeout_seconds=3), venue, MemoryAuditLog())
        return await manager.execute_liquidation(request=request)

    result = on(futures, repeat)
    assert result.state is LiquidationState.FAILED
    assert [(o.pair, o.state) for o in result.outcomes] == [(BTC, PairState.NOT_PROVEN)]
