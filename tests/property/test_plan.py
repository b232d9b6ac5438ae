"""Rules of the plan that hold for every book."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from freqtrade_liquidation.model import OpenOrder, OrderRole, Position, Side
from freqtrade_liquidation.plan import Book, Limits, Rules, in_scope, is_flat, leftovers, next_work

PAIRS = [f"P{number}/USDT:USDT" for number in range(6)]
pairs = st.sampled_from(PAIRS)
amounts = st.floats(min_value=1e-6, max_value=1e6)


def _possible(order: OpenOrder) -> OpenOrder:
    """An entry locks the money it spends, never the coins that a close needs."""
    return replace(order, blocks_close=False) if order.role is OrderRole.ENTRY else order


positions = st.lists(
    st.builds(
        Position,
        pair=pairs,
        side=st.sampled_from(Side),
        amount=amounts,
        entry_price=st.none() | st.floats(min_value=0.01, max_value=1e5),
        minimum_amount=st.sampled_from([0.0, 0.001, 1.0]),
        uncertain=st.booleans(),
        obstacle=st.sampled_from([None, None, "hedge mode"]),
    ),
    unique_by=lambda p: p.pair,
).map(tuple)
orders = st.lists(
    st.builds(
        OpenOrder,
        pair=pairs,
        order_id=st.uuids().map(str),
        role=st.sampled_from(OrderRole),
        side=st.sampled_from(["buy", "sell"]),
        amount=amounts,
        conditional=st.booleans(),
        blocks_close=st.booleans(),
    ),
    max_size=10,
).map(lambda made: tuple(_possible(order) for order in made))
books = st.builds(Book, positions=positions, orders=st.none() | orders)
rules = st.builds(
    Rules, cancel_entries=st.booleans(), close=st.booleans(), closes_need_orders=st.booleans()
)
limits = st.builds(
    Limits,
    busy=st.frozensets(pairs),
    may_cancel=st.sampled_from([lambda order: True, lambda order: order.side == "buy"]),
    may_close=st.sampled_from([lambda position: True, lambda position: position.amount > 1]),
    may_unprotect=st.booleans(),
)


@given(books, rules, limits)
def test_closes_are_of_shown_certain_positions_above_dust(
    book: Book, rules: Rules, limits: Limits
) -> None:
    for work in next_work(book, rules, limits):
        if work.close is not None:
            assert rules.close
            assert work.close in book.positions
            assert not work.close.uncertain
            assert work.close.obstacle is None
            assert not work.close.is_dust
            assert limits.may_close(work.close)


@given(books, rules, limits)
def test_busy_pairs_are_left_alone_and_no_pair_comes_twice(
    book: Book, rules: Rules, limits: Limits
) -> None:
    count = Counter(work.pair for work in next_work(book, rules, limits))
    assert not count.keys() & set(limits.busy)
    assert all(times == 1 for times in count.values())


@given(books, rules, limits)
def test_protective_order_goes_only_when_it_locks_a_close_that_is_sent(
    book: Book, rules: Rules, limits: Limits
) -> None:
    for work in next_work(book, rules, limits):
        for order in work.cancels:
            if order.role is OrderRole.PROTECTIVE:
                assert order.blocks_close
                assert work.close is not None
                assert work.cancel_first
                assert limits.may_unprotect


@given(books, rules, limits)
def test_a_close_is_sent_after_what_locks_it_is_cancelled(
    book: Book, rules: Rules, limits: Limits
) -> None:
    for work in next_work(book, rules, limits):
        if work.close is not None:
            blockers = [o for o in book.orders_of(work.pair) if o.blocks_close]
            assert work.cancel_first is bool(blockers)
            assert {o for o in blockers if limits.may_cancel(o)} <= set(work.cancels)


@given(books, rules, limits)
def test_work_is_about_its_own_pairs_orders_and_allowed_ones(
    book: Book, rules: Rules, limits: Limits
) -> None:
    for work in next_work(book, rules, limits):
        assert work
        assert set(work.cancels) <= set(book.orders_of(work.pair))
        assert all(limits.may_cancel(order) for order in work.cancels)
        assert len({o.order_id for o in work.cancels}) == len(work.cancels)


@given(books, rules, limits)
def test_every_entry_is_cancelled_in_the_first_round_where_that_is_ours(
    book: Book, rules: Rules, limits: Limits
) -> None:
    """Entries are cancelled at once, also of pairs whose close has to wait."""
    planned = {o for work in next_work(book, rules, limits) for o in work.cancels}
    for order in book.orders or ():
        free = order.pair not in limits.busy and limits.may_cancel(order)
        if order.role is OrderRole.ENTRY and free and rules.cancel_entries:
            assert order in planned


@given(books, rules)
def test_every_certain_position_is_closed_at_once_where_nothing_holds_it_up(
    book: Book, rules: Rules
) -> None:
    closed = {work.close for work in next_work(book, rules, Limits()) if work.close}
    held_up = not rules.close or (rules.closes_need_orders and book.orders is None)
    closable = [p for p in book.positions if not p.uncertain and p.obstacle is None]
    expected = {p for p in closable if not p.is_dust}
    assert closed == (set() if held_up else expected)


@given(books, rules, limits)
def test_largest_exposure_comes_first(book: Book, rules: Rules, limits: Limits) -> None:
    notional = {p.pair: p.notional for p in book.positions}
    sizes = [notional.get(work.pair, 0.0) for work in next_work(book, rules, limits)]
    assert sizes == sorted(sizes, reverse=True)


@given(books)
def test_leftovers_protect_nothing_and_open_nothing(book: Book) -> None:
    for pair, gone in leftovers(book).items():
        assert book.position(pair) is None
        assert gone
        assert all(o.role is not OrderRole.ENTRY and o.pair == pair for o in gone)


@given(books, rules)
def test_flat_books_need_no_close_and_hold_no_entry(book: Book, rules: Rules) -> None:
    """Whoever may cancel it, and never without having read the orders."""
    if is_flat(book, rules):
        assert book.orders is not None
        assert not book.entries
        assert all(work.close is None for work in next_work(book, rules, Limits()))


@given(books, rules, limits, st.none() | st.frozensets(pairs))
def test_scope_plans_nothing_for_other_pairs_and_the_same_for_its_own(
    book: Book, rules: Rules, limits: Limits, chosen: frozenset[str] | None
) -> None:
    narrow = next_work(in_scope(book, chosen), rules, limits)
    wide = next_work(book, rules, limits)
    assert narrow == [work for work in wide if chosen is None or work.pair in chosen]
