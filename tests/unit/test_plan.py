"""What is done next, by example. The rules for every book are in tests/property/test_plan.py."""

from dataclasses import replace

from freqtrade_liquidation.model import OpenOrder, OrderRole, Position, Side
from freqtrade_liquidation.plan import (
    Book,
    Limits,
    Rules,
    Urgency,
    in_scope,
    is_flat,
    leftovers,
    next_work,
)

BTC, ETH, XRP = "BTC/USDT:USDT", "ETH/USDT:USDT", "XRP/USDT:USDT"


def held(pair: str = BTC, amount: float = 1.0, price: float | None = 100.0) -> Position:
    return Position(
        pair=pair, side=Side.LONG, amount=amount, entry_price=price, minimum_amount=0.001
    )


def order(role: OrderRole, pair: str = BTC, *, blocks: bool = False) -> OpenOrder:
    return OpenOrder(
        pair=pair, order_id=f"{role}-{pair}", role=role, side="sell", amount=1, blocks_close=blocks
    )


def book(*parts: Position | OpenOrder) -> Book:
    return Book(
        positions=tuple(p for p in parts if isinstance(p, Position)),
        orders=tuple(o for o in parts if isinstance(o, OpenOrder)),
    )


ENTRY, EXIT, STOP = OrderRole.ENTRY, OrderRole.EXIT, OrderRole.PROTECTIVE


def test_stops_come_back_before_all_else_and_booking_is_last() -> None:
    """See docs/performance.md: where the exchange takes only so many requests."""
    names = "PUT_BACK LOOK CLOSE CANCEL_ENTRY TIDY_UP BOOK"
    assert [urgency.name for urgency in sorted(Urgency)] == names.split()


def test_futures_stop_stays_while_entry_and_resting_exit_go_with_the_close() -> None:
    [work] = next_work(book(held(), order(ENTRY), order(EXIT), order(STOP)), Rules(), Limits())
    assert work.close == held()
    assert {o.role for o in work.cancels} == {ENTRY, EXIT}
    assert not work.cancel_first


def test_spot_stop_that_locks_the_coins_goes_first() -> None:
    [work] = next_work(book(held(), order(STOP, blocks=True)), Rules(), Limits())
    assert work.cancel_first
    assert [o.role for o in work.cancels] == [STOP]
    assert work.close == held()


def test_late_a_locking_stop_stays_and_the_position_with_it() -> None:
    """With < 1.5 s left the position keeps its stop, and no close is sent that must fail."""
    limits = Limits(may_unprotect=False)
    assert next_work(book(held(), order(STOP, blocks=True)), Rules(), limits) == []


def test_late_a_locking_exit_order_may_still_go() -> None:
    """It protects nothing."""
    limits = Limits(may_unprotect=False)
    [work] = next_work(book(held(), order(EXIT, blocks=True)), Rules(), limits)
    assert work.close is not None
    assert work.cancel_first


def test_entry_without_a_position_is_cancelled() -> None:
    [work] = next_work(book(order(ENTRY)), Rules(), Limits())
    assert work.close is None
    assert [o.role for o in work.cancels] == [ENTRY]


def test_unread_orders_hold_up_a_close_only_where_they_could_lock_it() -> None:
    unread = Book(positions=(held(),), orders=None)
    assert [w.close for w in next_work(unread, Rules(), Limits())] == [held()]
    assert next_work(unread, Rules(closes_need_orders=True), Limits()) == []


def test_close_positions_false_cancels_entries_and_nothing_else() -> None:
    [work] = next_work(
        book(held(), order(ENTRY), order(EXIT), order(STOP, blocks=True)),
        Rules(close=False),
        Limits(),
    )
    assert work.close is None
    assert [o.role for o in work.cancels] == [ENTRY]


def test_cancel_orders_false_cancels_only_what_blocks_a_close() -> None:
    [work] = next_work(
        book(held(), order(ENTRY), order(EXIT), order(STOP, blocks=True)),
        Rules(cancel_entries=False),
        Limits(),
    )
    assert [o.role for o in work.cancels] == [STOP]


def test_close_that_an_exit_has_blocked_waits_for_its_cancel() -> None:
    """Sent beside it, it would be refused once more; what cannot be cancelled is not waited for."""
    shown = book(held(), order(EXIT), held(ETH), order(EXIT, ETH))
    of_pair = {work.pair: work for work in next_work(shown, Rules(), Limits(is_blocked=BTC.__eq__))}
    assert (of_pair[BTC].close, [o.role for o in of_pair[BTC].cancels]) == (None, [EXIT])
    assert of_pair[ETH].close == held(ETH)
    stuck = Limits(is_blocked=BTC.__eq__, may_cancel=lambda order: False)
    assert [work.close for work in next_work(book(held(), order(EXIT)), Rules(), stuck)] == [held()]


def test_uncertain_position_is_closed_only_where_there_is_no_less_of_it() -> None:
    doubtful = replace(held(), uncertain=True)
    assert next_work(book(doubtful), Rules(), Limits()) == []
    at_least = replace(doubtful, at_least=True)
    assert [work.close for work in next_work(book(at_least), Rules(), Limits())] == [at_least]


def test_exit_that_keeps_a_close_from_being_taken_goes_though_nothing_is_to_be_cancelled() -> None:
    """``cancel_orders: false``: "only what blocks a close is cancelled"."""
    shown = book(held(), order(EXIT), held(ETH), order(EXIT, ETH))
    limits = Limits(is_blocked=lambda pair: pair == ETH)
    works = {w.pair: w.cancels for w in next_work(shown, Rules(cancel_entries=False), limits)}
    assert works == {BTC: (), ETH: (order(EXIT, ETH),)}


def test_close_waits_while_what_locks_it_may_not_be_cancelled_again_and_is_not_stuck() -> None:
    """A later list has to show that it rests still; a cancel that is given up must not hold up the
    close: part of it may be free."""
    pairs = (BTC, ETH, XRP)
    shown = book(*(held(p) for p in pairs), *(order(STOP, p, blocks=True) for p in pairs))
    limits = Limits(may_cancel=lambda o: o.pair == ETH, is_stuck=lambda o: o.pair == XRP)
    works = next_work(shown, Rules(), limits)
    cancels = {w.pair: [o.pair for o in w.cancels] for w in works if w.close and w.cancel_first}
    assert cancels == {ETH: [ETH], XRP: []}
    assert next_work(shown, Rules(), Limits(may_cancel=lambda o: False)) == []


def test_position_that_may_not_be_closed_again_is_left_alone_and_the_others_are_closed() -> None:
    limits = Limits(may_close=lambda position: position.pair == ETH, busy={XRP})
    [work] = next_work(book(held(), held(ETH), held(XRP)), Rules(), limits)
    assert work.close == held(ETH)


def test_order_that_may_not_be_cancelled_again_is_not() -> None:
    limits = Limits(may_cancel=lambda o: o.pair == ETH)
    [work] = next_work(book(order(ENTRY), order(ENTRY, ETH)), Rules(), limits)
    assert work.cancels == (order(ENTRY, ETH),)


def test_largest_exposure_comes_first_and_unknown_prices_by_name() -> None:
    shown = book(held(XRP, 0.002), held(ETH, 30), held(BTC, 2), order(ENTRY, "ADA/USDT:USDT"))
    assert [w.pair for w in next_work(shown, Rules(), Limits())] == [ETH, BTC, XRP, "ADA/USDT:USDT"]
    unpriced = book(held(XRP, 9, None), held(BTC, 1, None))
    assert [w.pair for w in next_work(unpriced, Rules(), Limits())] == [BTC, XRP]


def test_leftovers_are_stops_and_exits_without_a_position() -> None:
    dust = held(ETH, 0.0001)
    shown = book(held(), order(STOP), dust, order(STOP, ETH), order(EXIT, XRP), order(ENTRY, XRP))
    assert {pair: [o.role for o in gone] for pair, gone in leftovers(shown).items()} == {
        ETH: [STOP],
        XRP: [EXIT],
    }


def test_flat_is_no_position_above_dust_and_no_entry() -> None:
    assert is_flat(book(held(amount=0.0005), order(STOP), order(EXIT)), Rules())
    assert not is_flat(book(held()), Rules())
    assert not is_flat(book(order(ENTRY)), Rules())


def test_unread_orders_are_not_flat() -> None:
    """No guard answers an error with "all clear"."""
    unread = Book(positions=(), orders=None)
    assert not is_flat(unread, Rules())
    assert not is_flat(unread, Rules(cancel_entries=False))


def test_entry_that_is_not_ours_to_cancel_is_not_flat_either() -> None:
    assert not is_flat(book(order(ENTRY)), Rules(cancel_entries=False))
    assert not is_flat(book(order(ENTRY)), Rules(cancel_entries=False, close=False))


def test_flat_asks_for_positions_only_where_closing_is_ours() -> None:
    assert is_flat(book(held()), Rules(close=False))


def test_scope_leaves_other_pairs_out_and_unread_orders_unread() -> None:
    shown = book(held(), held(ETH), order(ENTRY), order(ENTRY, ETH))
    assert in_scope(shown, None) is shown
    assert in_scope(shown, {BTC}) == book(held(), order(ENTRY))
    assert in_scope(shown, set()) == book()
    assert in_scope(Book(positions=(held(),), orders=None), {BTC}).orders is None


def test_dust_takes_float_noise_into_account() -> None:
    assert not held(amount=0.001 * (1 - 1e-12)).is_dust
    assert held(amount=0.00099).is_dust
