"""What is ours of a pair, and which orders are: by trades, open orders, found orders and closes."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from freqtrade_liquidation.model import ClosingOrder, OpenOrder, OrderRole, Side
from freqtrade_liquidation.orders.executions import Close, Executions, PutBack
from freqtrade_liquidation.orders.ownership import Ownership
from freqtrade_liquidation.orders.trades import KnownOrder, KnownTrade

BTC, ETH = "BTC/USDT", "ETH/USDT"
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


def trade(amount: float, *orders: KnownOrder, side: Side = Side.LONG, **values: Any) -> KnownTrade:
    usual: dict[str, Any] = {
        "trade_id": 1, "pair": BTC, "base_currency": "BTC", "leverage": 1.0, "open_rate": 100.0,
        "fee_open": 0.001, "opened_at": MOMENT, "last_fill_at": MOMENT,
        "order_ids": frozenset(order.order_id for order in orders),
    }  # fmt: skip
    return KnownTrade(amount=amount, side=side, open_orders=orders, **{**usual, **values})


def order(order_id: str, side: str, filled: float = 0.0) -> KnownOrder:
    stop = side == "stoploss"
    return KnownOrder(order_id=order_id, role_side=side, is_stop=stop, amount=0.9, filled=filled)


def close(filled: float | None, *, order_id: str = "9", pair: str = BTC, **values: Any) -> Close:
    sent = ClosingOrder(pair=pair, side=Side.LONG, amount=1.0, client_order_id="ftl1")
    answer = {"id": order_id, "status": "closed", "filled": filled, "average": 100.0}
    return Close(order=sent, answer=None if filled is None else answer, **values)


def state(order_id: str, filled: float, *, status: str = "open", **values: Any) -> dict[str, Any]:
    return {"id": order_id, "symbol": BTC, "status": status, "filled": filled, **values}


def ours(
    trades: Sequence[KnownTrade],
    *closes: Close,
    in_air: Sequence[str] = (),
    fees_in_coins: bool = False,
) -> Ownership:
    executions = Executions(closes=list(closes))
    return Ownership(trades, executions, in_air, fees_in_coins=fees_in_coins)


# -- amounts --------------------------------------------------------------------------------------


def test_trade_without_open_orders_is_ours_as_it_is() -> None:
    share = ours([trade(0.5)]).share(BTC)
    assert (share.pair, share.side, share.amount, share.doubt) == (BTC, Side.LONG, 0.5, None)
    assert (share.entry_price, share.trade_ids) == (100.0, (1,))


@pytest.mark.parametrize("side", [Side.LONG, Side.SHORT])
@pytest.mark.parametrize("told_by", ["database", "exchange"])
@pytest.mark.parametrize(
    ("amount", "kind", "filled", "expected"),
    [
        (0.0, "entry", 0.003, 0.003),
        (0.5, "entry", 0.1, 0.6),
        (0.5, "exit", 0.1, 0.4),
        (0.5, "stop", 0.1, 0.4),
    ],
    ids=["first entry", "position adjustment", "exit", "stop"],
)
def test_fills_of_open_orders_count_in_their_direction(
    side: Side, told_by: str, amount: float, kind: str, filled: float, expected: float
) -> None:
    """``Trade.amount`` leaves them out, and is 0 while the first entry rests."""
    entry_side = "sell" if side is Side.SHORT else "buy"
    sides = {"entry": entry_side, "exit": side.exit_side, "stop": "stoploss"}
    known = order("1", sides[kind], filled if told_by == "database" else 0.0)
    found = ours([trade(amount, known, side=side)])
    if told_by == "exchange":
        found.states["1"] = state("1", filled)
    share = found.share(BTC)
    assert share.side is side
    assert share.amount == pytest.approx(expected)


def test_exchanges_word_replaces_the_databases_and_is_not_added_to_it() -> None:
    found = ours([trade(0.5, order("1", "buy", 0.1))])
    found.states["1"] = state("1", 0.3)
    assert found.share(BTC).amount == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("net_fills", "expected"), [(None, 0.5), (0.2, 0.2), (0.7, 0.5), (0.0, 0.0), (-0.1, 0.0)]
)
def test_no_more_is_ours_than_the_trade_says_and_no_more_than_its_orders_show(
    net_fills: float | None, expected: float
) -> None:
    """What the trade says beyond its orders is the user's; without orders it stands as it is."""
    own = ours([trade(0.5, order("1", "buy", 0.1), net_fills=net_fills)])
    assert own.share(BTC).amount == pytest.approx(expected + 0.1), "an open order's fill besides"
    assert own.recorded(BTC) == expected


def test_trades_of_one_pair_are_one_share() -> None:
    found = ours([trade(0.5), trade(0.2, order("2", "buy", 0.1), trade_id=2), trade(9, pair=ETH)])
    share = found.share(BTC)
    assert share.amount == pytest.approx(0.8)
    assert share.trade_ids == (1, 2)


def test_more_sold_than_bought_is_nothing_and_no_debt() -> None:
    assert ours([trade(0.5)], close(0.7)).share(BTC).amount == 0.0


def test_sums_of_amounts_leave_no_float_noise() -> None:
    """0.3 - 0.1 - 0.2 is no zero in floats, and would be a position."""
    found = ours([trade(0.3)], close(0.1, order_id="8"), close(0.2))
    assert found.share(BTC).amount == 0.0


# -- fees in coins --------------------------------------------------------------------------------


def test_entry_brings_less_than_it_fills_where_its_fee_is_taken_in_coins() -> None:
    """The coins that are sold then are there; freqtrade has taken the fee off what it booked."""
    known = order("1", "buy", 0.1)
    assert ours([trade(0.5, known)], fees_in_coins=True).share(BTC).amount == pytest.approx(0.5999)
    assert ours([trade(0.5, known)]).share(BTC).amount == pytest.approx(0.6)


def test_exit_takes_away_all_that_it_fills() -> None:
    sold = ours([trade(0.5, order("1", "sell", 0.1))], close(0.2), fees_in_coins=True)
    assert sold.share(BTC).amount == pytest.approx(0.2)


# -- orders that the database has not heard of ----------------------------------------------------


@pytest.mark.parametrize(("fees_in_coins", "bought"), [(False, 0.1), (True, 0.0999)])
def test_found_entry_is_ours_and_a_found_exit_is_taken_off(
    fees_in_coins: bool, bought: float
) -> None:
    found = ours([trade(0.5)], fees_in_coins=fees_in_coins)
    found.found["7"] = state("7", 0.1, side="buy")
    assert found.share(BTC).amount == pytest.approx(0.5 + bought)
    found.found["8"] = state("8", 0.2, side="sell")
    assert found.share(BTC).amount == pytest.approx(0.3 + bought)
    found.found["6"] = state("6", 5.0, side="buy") | {"symbol": ETH}
    assert found.share(BTC).amount == pytest.approx(0.3 + bought), "another pair's"
    found.found["5"] = state("5", 0.0, side="buy") | {"filled": None}
    assert found.share(BTC).amount == pytest.approx(0.3 + bought), "it has filled nothing"


@pytest.mark.parametrize(
    ("order_side", "fees_in_coins", "side"),
    [("buy", False, Side.LONG), ("sell", False, Side.SHORT), ("buy", True, Side.LONG)],
)
def test_found_entry_without_a_trade_opens_in_its_own_direction(
    order_side: str, fees_in_coins: bool, side: Side
) -> None:
    found = ours([], in_air=[BTC], fees_in_coins=fees_in_coins)
    found.found["7"] = state("7", 0.1, side=order_side, average=60_000.0)
    share = found.share(BTC)
    assert (share.side, share.entry_price, share.trade_ids) == (side, 60_000.0, ())
    assert share.amount == pytest.approx(0.0999 if fees_in_coins else 0.1)
    assert found.pairs() == {BTC}


def test_first_found_entry_without_a_trade_tells_the_side_and_an_exit_after_it_does_not() -> None:
    found = ours([])
    found.found["7"] = state("7", 0.1, side="buy")
    found.found["8"] = state("8", 0.04, side="sell")
    share = found.share(BTC)
    assert share.side is Side.LONG
    assert share.amount == pytest.approx(0.06)


def test_order_that_is_found_counts_once_whether_a_trade_has_it_open_or_none_knows_it() -> None:
    found = ours([trade(0.5, order("1", "buy", 0.1))])
    found.find(state("1", 0.2, side="buy"))
    assert found.share(BTC).amount == pytest.approx(0.7)
    found.find(state("7", 0.05, side="buy") | {"id": 7})
    assert found.share(BTC).amount == pytest.approx(0.75)
    assert found.found.keys() == {"7"}


def test_fill_of_a_found_order_is_still_known_when_freqtrade_has_only_written_the_order_down() -> (
    None
):
    found = ours([])
    found.find(state("7", 0.1, side="buy"))
    found.know([trade(0.0, order("7", "buy"))])
    assert found.share(BTC).amount == pytest.approx(0.1)


def test_found_order_that_freqtrade_has_booked_since_counts_once() -> None:
    found = ours([])
    found.found["7"] = state("7", 0.1, side="buy")
    found.know([trade(0.1, order_ids=frozenset({"7"}))])
    assert found.share(BTC).amount == pytest.approx(0.1)
    assert found.found == {}


# -- our own closes -------------------------------------------------------------------------------


def test_close_is_taken_off_once_whoever_has_booked_it() -> None:
    assert ours([trade(0.5)], close(0.2)).share(BTC).amount == pytest.approx(0.3)
    booked = trade(0.3, order_ids=frozenset({"9"}))
    assert ours([booked], close(0.2)).share(BTC).amount == pytest.approx(0.3)
    assert ours([trade(0.5)], close(0.2, pair=ETH)).share(BTC).amount == pytest.approx(0.5)


def test_close_without_a_known_outcome_makes_the_share_doubtful_and_a_refused_one_does_not() -> (
    None
):
    unanswered = ours([trade(0.5)], close(None)).share(BTC)
    assert unanswered.doubt == "a closing order has no known outcome"
    assert unanswered.amount == 0.5, "at most"
    assert ours([trade(0.5)], close(None, refused=True)).share(BTC).doubt is None
    assert ours([trade(0.5)], close(0.5)).share(BTC).doubt is None
    assert ours([trade(0.5)], close(None, pair=ETH)).share(BTC).doubt is None


def test_doubt_about_an_order_of_the_bots_is_told_in_its_words() -> None:
    found = ours([trade(0.5)])
    found.doubts["1"] = (BTC, "the exchange does not know order 1")
    assert found.share(BTC).doubt == "the exchange does not know order 1"
    assert found.share(ETH).doubt is None


@pytest.mark.parametrize(
    ("side", "known", "read", "is_doubtful"),
    [
        ("sell", False, False, True),
        ("sell", True, False, False),
        ("sell", False, True, False),
        ("buy", False, False, False),
    ],
    ids=["placed meanwhile", "known before", "read already", "entry"],
)
def test_exit_that_freqtrade_places_during_the_run_is_doubtful_until_its_end_is_read(
    side: str, known: bool, read: bool, is_doubtful: bool
) -> None:
    """It may have filled, and its trade does not count that yet."""
    placed = trade(0.5, order("1", side))
    found = ours([placed if known else trade(0.5)])
    if read:
        found.learn("1", state("1", 0.2))
    found.know([placed])
    words = "what order 1 of the bot has filled is not known yet" if is_doubtful else None
    assert found.doubt_of(BTC) == words
    found.learn("1", state("1", 0.2))
    assert found.doubt_of(BTC) == words, "it may fill more"
    found.learn("1", state("1", 0.2, status="canceled"))
    assert found.doubt_of(BTC) is None


# -- trades that are not the bot's ----------------------------------------------------------------


def test_trades_that_are_left_alone_are_nobodys() -> None:
    """The user's own coins would be sold for them."""
    never, real = trade(0.5, order("1", "buy", 0.1), left_alone="dry"), trade(0.2, pair=ETH)
    found = ours([never, real])
    assert found.left_alone == (never,)
    assert found.pairs() == found.extent == {ETH}
    assert found.share(BTC).amount == 0.0
    assert not found.owns("1")
    assert list(found.open_orders()) == []


# -- which pairs, and which orders ----------------------------------------------------------------


def test_extent_is_fixed_when_the_run_begins() -> None:
    """An order in the air that shows up puts its pair in scope by then; its note may be settled."""
    found = ours([trade(0.5)], in_air=[ETH])
    assert found.extent == {BTC, ETH}
    found.know([trade(0.5, pair="XRP/USDT")])
    assert found.extent == {BTC, ETH}
    assert found.pairs() == {"XRP/USDT"}


def test_orders_are_ours_that_the_bot_has_placed_or_a_run_has_put_back_and_no_others() -> None:
    found = ours([trade(0.5, order("1", "buy"))])
    found.found["7"] = state("7", 0.0, side="buy")
    stop = OpenOrder(pair=BTC, order_id="2", role=OrderRole.PROTECTIVE, side="sell", amount=0.5)
    found._executions.stops_put_back.append((stop, {"id": "3"}, 0.5))
    assert [found.owns(order_id) for order_id in ("1", "7", "3", "2", "99")] == [
        True, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "is_open"),
    [("open", True), (None, True), ("closed", False), ("canceled", False), ("expired", False)],
)
def test_order_is_open_until_the_exchange_shows_its_end(status: str | None, is_open: bool) -> None:
    known = trade(0.5, order("1", "buy"))
    found = ours([known])
    assert [o.order_id for _, o in found.open_orders()] == ["1"]
    found.states["1"] = state("1", 0.1) | {"status": status}
    assert [o.order_id for _, o in found.open_orders()] == (["1"] if is_open else [])
    assert found.owner_of("1") == (known, known.open_orders[0])


@pytest.mark.parametrize(
    ("known", "heard", "is_taken"),
    [
        (state("7", 0.0), state("7", 0.2), True),
        (state("7", 0.2), state("7", 0.0), False),
        (state("7", 0.2), state("7", 0.2, status="canceled"), True),
        (state("7", 0.2), state("7", 0.2, average=9.0), True),
        (state("7", 0.2, status="canceled"), state("7", 0.0), False),
        (state("7", 0.2, status="canceled"), state("7", 0.2), False),
        (state("7", 0.2, status="closed"), state("7", 0.2, status="closed", average=9.0), True),
    ],
    ids=[
        "fills",
        "fewer fills",
        "ends",
        "says more",
        "stands again",
        "stands again, as filled",
        "says more of its end",
    ],
)
def test_order_only_moves_on(known: dict[str, Any], heard: dict[str, Any], is_taken: bool) -> None:
    """The other answer was asked for earlier, however late it comes."""
    ownership = ours([trade(0.5, order("7", "stoploss"))])
    ownership.learn("7", known)
    ownership.learn("7", heard)
    assert ownership.states["7"] is (heard if is_taken else known)


def test_entries_that_are_at_their_end_are_told_by_pair() -> None:
    """Cancelled by us, say: what they have filled has to be explained."""
    orders = [order("1", "buy"), order("2", "buy"), order("3", "sell"), order("4", "stoploss")]
    found = ours([trade(0.5, *orders), trade(0.5, order("5", "buy"), pair=ETH)])
    for order_id in "1345":
        found.learn(order_id, state(order_id, 0.1, status="canceled"))
    assert [known.order_id for _, known in found.entries_of(BTC)] == ["1"]


def test_contract_that_the_exchange_has_renamed_is_that_of_the_trade() -> None:
    """A perpetual that is being delisted becomes a delivery contract, and keeps its position."""
    perpetual, delivery = "BTC/USDT:USDT", "BTC/USDT:USDT-261129"

    def trade_pair(name: str, pairs: Collection[str]) -> str:
        return perpetual if name == delivery and perpetual in pairs else name

    closes = Executions(closes=[close(0.2, pair=delivery)])
    trades = [trade(0.5, pair=perpetual), trade(9, pair=ETH)]
    found = Ownership(trades, closes, (), fees_in_coins=False, trade_pair=trade_pair)
    found.found["7"] = state("7", 0.1, side="buy") | {"symbol": delivery}
    for name in (perpetual, delivery):
        assert found.share(name).amount == pytest.approx(0.4)
    assert found.share(ETH).amount == 9
    assert found.pairs() == {perpetual, ETH}


def test_trades_that_freqtrades_loop_wrote_to_are_read_anew() -> None:
    found = ours([trade(0.5, order("1", "buy", 0.1))])
    found.know([replace(trade(0.6), order_ids=frozenset({"1"}))])
    assert found.share(BTC).amount == 0.6


def test_end_of_an_order_stays_its_end_whatever_a_late_list_shows() -> None:
    known = ours([trade(0.5, order("1", "stoploss"))])
    known.learn("1", state("1", 0.5, status="closed"))
    known.learn("1", state("1", 0.0))
    assert known.share(BTC).amount == 0.0
    known.learn("1", state("1", 0.2, status="canceled"))
    assert known.share(BTC).amount == pytest.approx(0.3), "a later end is better known"


@pytest.mark.parametrize(
    ("closes", "amount", "exceeds"),
    [
        ([], 0.5, False),
        ([], 0.51, True),
        ([close(0.3)], 0.2, False),
        ([close(0.3)], 0.3, True),
        ([close(None, refused=True)], 0.5, False),
        ([close(None)], 0.1, True),
    ],
    ids=["whole", "more", "rest", "more than the rest", "refused", "beside one on its way"],
)
def test_order_for_more_than_what_is_ours_still_is_told(
    closes: Sequence[Close], amount: float, exceeds: bool
) -> None:
    """A close on its way counts as if it filled whole: here, 1.0."""
    sent = ClosingOrder(pair=BTC, side=Side.LONG, amount=amount, client_order_id="ftl2")
    assert ours([trade(0.5)], *closes).would_exceed(sent) is exceeds


@pytest.mark.parametrize(
    ("known", "age_h", "owned"), [((), 1, True), (("7",), 1, False), ((), -1, False)]
)
def test_stop_that_an_earlier_run_has_put_back_is_an_order_of_its_trade(
    known: Sequence[str], age_h: int, owned: bool
) -> None:
    """Unless that has booked it, or was opened later; and however often trades are read anew."""
    placed_at = MOMENT + timedelta(hours=age_h)
    owner = ours([])
    owner.put_back = (PutBack(pair=BTC, order=order("7", "stoploss"), placed_at=placed_at),)
    read = [
        trade(0.5, order_ids=frozenset(known)),
        trade(0.5, trade_id=2, order_ids=frozenset()),
        trade(0.5, trade_id=3, pair=ETH),
    ]
    for _ in range(2):
        owner.know(read)
        assert owner.owns("7") is owned
        assert [(t.trade_id, o.order_id) for t, o in owner.open_orders()] == [(1, "7")] * owned
    owner.learn("7", state("7", 0.2, status="canceled"))
    assert owner.share(BTC).amount == pytest.approx(0.8 if owned else 1.0)


def test_close_of_the_other_side_takes_nothing_off_what_is_ours() -> None:
    """Scope account: the user's short was closed, and then an entry of the bot's turned up."""
    users = replace(close(1.0), order=replace(close(1.0).order, side=Side.SHORT))
    owner = ours([trade(0.4)], users)
    assert owner.share(BTC).amount == 0.4
    assert owner.recorded(BTC) == 0.4
