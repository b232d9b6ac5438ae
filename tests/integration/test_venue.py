"""The order managers with freqtrade's real exchange on the practice exchange."""

import asyncio
from typing import Any

import pytest
from freqtrade.exchange import Exchange

from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.errors import CloseBlocked, OutcomeUnknown
from freqtrade_liquidation.model import ClosingOrder, OrderRole, Position, Side
from freqtrade_liquidation.orders.choosing import OrderManager
from tests.integration.exchanges import BTC, ETH, SPOT, known_order, on, trade

ENTRY, EXIT, STOP = OrderRole.ENTRY, OrderRole.EXIT, OrderRole.PROTECTIVE


async def positions(venue: OrderManager) -> dict[str, Position]:
    return {p.pair: p for p in await venue.get_all_positions(timeout_s=5)}


async def orders(venue: OrderManager) -> Any:
    return await venue.get_open_orders(timeout_s=5)


def closing(pair: str, amount: float, name: str = "ftl-test") -> ClosingOrder:
    return ClosingOrder(pair=pair, side=Side.LONG, amount=amount, client_order_id=name)


def test_roles_of_futures_orders(practice: PracticeExchange, futures: Exchange) -> None:
    """What cannot be shown to reduce could add risk, a conditional order, too."""
    practice.seed_position(BTC, 0.5)
    expected = {
        practice.seed_order(BTC, "buy", 0.1, 60_000): (ENTRY, False),
        practice.seed_order(BTC, "sell", 0.1, 70_000, reduce_only=True): (EXIT, False),
        practice.seed_stop(BTC, "sell", 0.1, 60_000): (STOP, True),
        practice.seed_stop(BTC, "buy", 0.1, 70_000, reduce_only=False): (ENTRY, True),
    }
    shown = on(futures, orders)
    assert {o.order_id: (o.role, o.conditional) for o in shown} == expected
    assert not any(o.blocks_close for o in shown)


def test_scope_account_shows_all_and_scope_trades_no_more_than_the_bots(
    practice: PracticeExchange, futures: Exchange
) -> None:
    practice.seed_position(BTC, 0.5)
    practice.seed_position(ETH, -2)
    known = trade(BTC, 0.2)
    account = on(futures, positions, known)
    assert {p.pair: (p.side, p.amount) for p in account.values()} == {
        BTC: (Side.LONG, 0.5),
        ETH: (Side.SHORT, 2.0),
    }
    own = on(futures, positions, known, account_scope=False)
    assert {p.pair: p.amount for p in own.values()} == {BTC: 0.2}


def test_price_at_the_look_is_the_exchanges_mark_price(
    practice: PracticeExchange, futures: Exchange
) -> None:
    """Told with the position: no request of its own."""
    practice.seed_position(BTC, 0.5)
    before = futures._api.fetch_ticker(BTC)["last"]
    practice.clear_log()
    shown = on(futures, positions)[BTC]
    assert shown.mark_price == pytest.approx(before, rel=0.01)
    assert shown.last_price is None
    asked = {request["path"] for request in practice.requests()}
    assert asked == {"/fapi/v3/positionRisk", "/fapi/v1/leverageBracket"}  # ccxt wants both


def test_spot_price_at_the_look_is_freqtrades_last_and_not_asked_for(
    practice: PracticeExchange, spot: Exchange
) -> None:
    practice.seed_balance("BTC", 1)
    assert on(spot, positions, trade(SPOT, 0.2))[SPOT].last_price is None
    known = spot.get_rate(SPOT, side="exit", is_short=False, refresh=True)
    practice.clear_log()
    shown = on(spot, positions, trade(SPOT, 0.2))[SPOT]
    assert (shown.last_price, shown.mark_price) == (known, None)
    assert {request["path"] for request in practice.requests()} == {"/api/v3/account"}


def test_trade_of_the_other_side_is_not_the_bots(
    practice: PracticeExchange, futures: Exchange
) -> None:
    practice.seed_position(BTC, -0.5)
    assert on(futures, positions, trade(BTC, 0.5), account_scope=False) == {}


def test_close_of_unknown_outcome_makes_its_position_uncertain_whatever_the_list_shows(
    practice: PracticeExchange, futures: Exchange
) -> None:
    """Scope "trades": contracts added by hand look as what the close has left. A close that is sent
    again could take them, and the list does not tell, not even where it shows the bot's amount."""
    practice.seed_position(BTC, 0.2)
    practice.add_fault("drop_before", method="POST", path="/order$", times=1)
    practice.add_fault("error", method="GET", path="/order$", status=503)

    async def close(venue: OrderManager) -> list[tuple[bool, float]]:
        looks = [(await positions(venue))[BTC]]
        with pytest.raises(OutcomeUnknown):
            await venue.execute_market_close(closing(BTC, 0.2), timeout_s=5)
        looks.append((await positions(venue))[BTC])
        practice.seed_position(BTC, 0.5)
        looks.append((await positions(venue))[BTC])
        return [(look.uncertain, look.amount) for look in looks]

    looks = on(futures, close, trade(BTC, 0.2), account_scope=False)
    assert looks == [(False, 0.2), (True, 0.2), (True, 0.2)]


def pieces(exchange: Exchange, amount: float, maximum: float | None) -> list[float]:
    async def cut(venue: OrderManager) -> list[float]:
        minimum = venue.minimum_amount(BTC)
        return list(
            venue.amount_pieces(
                Position(
                    pair=BTC, side=Side.LONG, amount=amount, minimum_amount=minimum,
                    maximum_amount=maximum,
                )
            )
        )  # fmt: skip

    return on(exchange, cut)  # type: ignore[no-any-return]


def test_amount_is_cut_by_the_market_maximum_and_rounded_down(futures: Exchange) -> None:
    assert pieces(futures, 0.5, None) == [0.5]
    assert pieces(futures, 0.5009, None) == [0.5]
    assert pieces(futures, 0.0004, None) == []
    assert pieces(futures, 250.0, 120.0) == [120.0, 120.0, 10.0]


def test_market_maximum_is_the_exchanges(practice: PracticeExchange, futures: Exchange) -> None:
    """MARKET_LOT_SIZE, not the larger LOT_SIZE of limit orders."""
    practice.seed_position(BTC, 250)
    assert on(futures, positions)[BTC].maximum_amount == 120.0


def test_cutting_loses_nothing_to_float_noise(futures: Exchange) -> None:
    assert sum(pieces(futures, 0.3, 0.1)) == pytest.approx(0.3)


@pytest.mark.parametrize("kind", ["drop_after", "bad_json"])
def test_lost_answer_is_unknown_and_found_by_our_name(
    practice: PracticeExchange, futures: Exchange, kind: str
) -> None:
    practice.seed_position(BTC, 0.5)
    practice.add_fault(kind, method="POST", path="/order$", times=1)

    async def lose(venue: OrderManager) -> Any:
        with pytest.raises(OutcomeUnknown):
            await venue.execute_market_close(closing(BTC, 0.5), timeout_s=5)
        [close] = venue.executions.closes
        assert not close.is_final
        await venue.fill_in(timeout_s=5)
        return close

    close = on(futures, lose)
    assert close.is_final
    assert close.filled == 0.5
    assert practice.positions() == {}


def test_close_is_reduce_only_and_refused_when_nothing_is_left(
    practice: PracticeExchange, futures: Exchange
) -> None:
    async def close(venue: OrderManager) -> None:
        with pytest.raises(CloseBlocked):  # binance's code does not say that the position is zero
            await venue.execute_market_close(closing(BTC, 0.5), timeout_s=5)
        with pytest.raises(ValueError, match="reduce-only"):
            await venue.execute_market_close(closing(BTC, 0.5), reduce_only=False, timeout_s=5)

    on(futures, close)
    [request] = practice.requests("/fapi/v1/order", method="POST")
    assert request["params"]["reduceOnly"] == "true"


# Spot: never more than what the bot bought.


def test_spot_shows_the_bots_amount_not_the_accounts(
    practice: PracticeExchange, spot: Exchange
) -> None:
    practice.seed_balance("BTC", 3)
    assert on(spot, positions, trade(SPOT, 0.2))[SPOT].amount == pytest.approx(0.2)
    assert on(spot, positions) == {}


def test_spot_balance_smaller_than_the_trade_is_the_limit(
    practice: PracticeExchange, spot: Exchange
) -> None:
    practice.seed_balance("BTC", 0.05)
    assert on(spot, positions, trade(SPOT, 0.2))[SPOT].amount == pytest.approx(0.05)


def test_spot_entry_partially_filled_counts_its_fill_less_the_fee(
    practice: PracticeExchange, spot: Exchange
) -> None:
    practice.seed_balance("BTC", 3)
    practice.add_fault("partial", method="POST", path="/order$", share=0.5)
    raw = spot._api.create_order(SPOT, "limit", "buy", 0.2, 66_000)
    assert raw["status"] == "open"
    known = trade(SPOT, 0.0, known_order(raw["id"], "buy"))
    assert on(spot, positions, known)[SPOT].amount == pytest.approx(0.1 * 0.999)
    [order] = on(spot, lambda venue: _after_look(venue), known)
    assert (order.role, order.blocks_close) == (ENTRY, False)


async def _after_look(venue: OrderManager) -> Any:
    await venue.get_all_positions(timeout_s=5)
    return await venue.get_open_orders(timeout_s=5)


def test_spot_exit_partially_filled_is_taken_off_and_locks_the_coins(
    practice: PracticeExchange, spot: Exchange
) -> None:
    practice.seed_balance("BTC", 3)
    practice.add_fault("partial", method="POST", path="/order$", share=0.25)
    raw = spot._api.create_order(SPOT, "limit", "sell", 0.2, 60_000)
    known = trade(SPOT, 0.2, known_order(raw["id"], "sell"))
    assert on(spot, positions, known)[SPOT].amount == pytest.approx(0.15)
    [order] = on(spot, orders, known)
    assert (order.role, order.blocks_close) == (EXIT, True)


def test_spot_cancel_tells_what_an_order_that_filled_in_part_had_left(
    practice: PracticeExchange, spot: Exchange
) -> None:
    """A stop may sell between the list and its cancel; nothing else may tell of it any more."""
    practice.seed_balance("BTC", 3)
    practice.add_fault("partial", method="POST", path="/order$", share=0.25)
    raw = spot._api.create_order(SPOT, "limit", "sell", 0.2, 60_000)
    whole = spot._api.create_order(SPOT, "limit", "sell", 0.2, 90_000)
    ids = [known_order(one["id"], "sell") for one in (raw, whole)]

    async def cancel(venue: OrderManager) -> dict[str, float | None]:
        found = await _after_look(venue)
        answers = await venue.cancel_all_orders(SPOT, found, timeout_s=5)
        return {answer.order.order_id: answer.left for answer in answers}

    left = on(spot, cancel, trade(SPOT, 0.4, *ids))
    assert left == {raw["id"]: 0.15, whole["id"]: 0.2}


def test_spot_look_that_left_before_a_cancel_brings_no_stop_back(
    practice: PracticeExchange, spot: Exchange
) -> None:
    """Its answer, that the stop rests, comes after the cancel's: the pair stayed uncertain, and
    nothing was sold for the whole run."""
    practice.seed_balance("BTC", 0.2)
    stop_id = practice.seed_order(SPOT, "sell", 0.2, 59_000, stop_price=60_000)
    known = trade(SPOT, 0.2, known_order(stop_id, "stoploss"))
    practice.clear_log()
    practice.set_latency(500, reads_at_arrival=True)

    async def ask(venue: OrderManager) -> Any:
        look = asyncio.ensure_future(venue.get_all_positions(timeout_s=5))
        orders = asyncio.ensure_future(venue.get_open_orders(timeout_s=5))
        assert await asyncio.to_thread(practice.wait_for_requests, "/api/v3/order")
        practice.set_latency(300)
        [stop] = venue.known_orders()
        await venue.cancel_all_orders(SPOT, [stop], timeout_s=5)
        await asyncio.gather(look, orders)
        recalled = venue.recall()
        assert recalled is not None
        return recalled.positions, venue.known_orders()

    [position], resting = on(spot, ask, known)
    assert not resting
    assert (position.amount, position.uncertain) == (pytest.approx(0.2), False)


def test_spot_amount_left_after_an_exit_is_exact_and_sold_whole(
    practice: PracticeExchange, spot: Exchange
) -> None:
    """In floats 0.3 - 0.1 is less than 0.2: rounded down to the step, a trade would stay open."""
    practice.seed_balance("BTC", 3)
    practice.add_fault("partial", method="POST", path="/order$", share=0.5)
    raw = spot._api.create_order(SPOT, "limit", "sell", 0.2, 60_000)
    known = trade(SPOT, 0.3, known_order(raw["id"], "sell"))

    async def look(venue: OrderManager) -> Any:
        [shown] = await venue.get_all_positions(timeout_s=5)
        return shown.amount, sum(venue.amount_pieces(shown))

    assert on(spot, look, known) == (0.2, 0.2)


def test_spot_stop_locks_and_protects(practice: PracticeExchange, spot: Exchange) -> None:
    practice.seed_balance("BTC", 0.2)
    stop = practice.seed_order(SPOT, "sell", 0.2, 59_000, stop_price=60_000)
    [order] = on(spot, orders, trade(SPOT, 0.2, known_order(stop, "stoploss")))
    assert (order.role, order.blocks_close, order.stop_price) == (STOP, True, 60_000)


def test_spot_orders_of_others_are_not_the_bots(practice: PracticeExchange, spot: Exchange) -> None:
    practice.seed_order(SPOT, "buy", 0.1, 60_000)
    assert on(spot, orders, trade(SPOT, 0.2)) == []


def test_spot_lost_answer_is_uncertain_until_it_is_found(
    practice: PracticeExchange, spot: Exchange
) -> None:
    """A second sell would take coins that the bot never bought."""
    practice.seed_balance("BTC", 3)
    practice.add_fault("drop_after", method="POST", path="/order$", times=1)
    hidden = practice.add_fault("error", method="GET", path="/order$", status=503)

    async def sell(venue: OrderManager) -> tuple[Position, dict[str, Position]]:
        with pytest.raises(OutcomeUnknown):
            await venue.execute_market_close(closing(SPOT, 0.2), timeout_s=5)
        uncertain = (await positions(venue))[SPOT]
        practice.remove_fault(hidden)
        return uncertain, await _once_known(venue)

    uncertain, found = on(spot, sell, trade(SPOT, 0.2))
    assert uncertain.uncertain
    assert found == {}
    assert float(practice.balances()["BTC"]["total"]) == pytest.approx(2.8)


def test_spot_coins_bought_by_hand_while_a_sell_is_uncertain_are_seen_as_the_users(
    practice: PracticeExchange, spot: Exchange
) -> None:
    """A stop that is put back then could sell them."""
    practice.seed_balance("BTC", 0.2)
    practice.add_fault("drop_before", method="POST", path="/order$", times=1)
    practice.add_fault("error", method="GET", path="/order$", status=503)

    async def sell(venue: OrderManager) -> list[tuple[bool, bool]]:
        looks = [(await positions(venue))[SPOT]]
        with pytest.raises(OutcomeUnknown):
            await venue.execute_market_close(closing(SPOT, 0.2), timeout_s=5)
        looks.append((await positions(venue))[SPOT])
        practice.seed_balance("BTC", 1)
        looks.append((await positions(venue))[SPOT])
        return [(look.uncertain, look.exclusive) for look in looks]

    looks = on(spot, sell, trade(SPOT, 0.2))
    assert looks == [(False, True), (True, True), (True, False)]


async def _once_known(venue: OrderManager) -> dict[str, Position]:
    """A look does not wait for an order that is asked for again after a pause."""
    async with asyncio.timeout(10):
        found = await positions(venue)
        while any(shown.uncertain for shown in found.values()):
            await asyncio.sleep(0.02)
            found = await positions(venue)
    return found


def test_spot_remainder_below_the_minimum_notional_is_dust(
    practice: PracticeExchange, spot: Exchange
) -> None:
    """3 USDT are above the smallest amount, yet binance takes no order below 5 USDT."""
    practice.seed_balance("BTC", 3)
    shown = on(spot, positions, trade(SPOT, 0.00005))[SPOT]
    assert shown.is_dust
