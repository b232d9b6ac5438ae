"""What a run makes of lists, fills and the exchange's word about one pair, as it hears them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from freqtrade_liquidation.model import Position, Side
from freqtrade_liquidation.run.history import (
    APART_AFTER_FILL_S,
    APART_S,
    LATE_AT_MOST_S,
    LATE_IN_ANY_CASE_S,
    PairHistory,
)
from freqtrade_liquidation.run.proof import Verdict

PAIR = "BTC/USDT:USDT"
T = 1_000.0
"""When the run begins, on the loop's clock."""


def long(amount: float, *, minimum: float = 0.0) -> Position:
    return Position(pair=PAIR, side=Side.LONG, amount=amount, minimum_amount=minimum)


def short(amount: float) -> Position:
    return Position(pair=PAIR, side=Side.SHORT, amount=amount)


def claimed(amount: float = 0.5) -> PairHistory:
    history = PairHistory()
    history.claim(long(amount))
    return history


def listed(amount: float = 0.5, *, at: float = T) -> PairHistory:
    history = PairHistory()
    history.listed(long(amount), asked_at=at)
    return history


def left(history: PairHistory) -> float:
    return 0.0 if history.left is None else history.left.amount


# -- truly flat: each must end as flat ------------------------------------------------------------


def closed_by_a_list_alone(history: PairHistory) -> None:
    history.listed(None, asked_at=T)


def closed_by_our_fill(history: PairHistory) -> None:
    history.closed(0.5, at=T + 0.1)
    history.listed(None, asked_at=T + 0.2)


def closed_in_three_parts(history: PairHistory) -> None:
    for at, part in enumerate((0.1, 0.15, 0.25), start=1):
        history.closed(part, at=T + at)
    history.listed(None, asked_at=T + 4)


def told_by_the_bots_own_orders(history: PairHistory) -> None:
    history.listed(None, asked_at=T)
    history.explained(0.0, at=T + 0.2)


def told_by_the_exchanges_word(history: PairHistory) -> None:
    history.said_zero(sent_at=T, at=T + 0.1)
    history.listed(None, asked_at=T + 0.2)


def told_by_two_lists_and_a_witness(history: PairHistory) -> None:
    history.listed(None, asked_at=T)
    history.witnessed(asked_at=T + 0.5)
    history.listed(None, asked_at=T + APART_S)


@pytest.mark.parametrize(
    ("before", "then"),
    [
        (PairHistory, closed_by_a_list_alone),
        (claimed, closed_by_our_fill),
        (claimed, closed_in_three_parts),
        (listed, closed_by_our_fill),
        (claimed, told_by_the_bots_own_orders),
        (claimed, told_by_the_exchanges_word),
        (claimed, told_by_two_lists_and_a_witness),
    ],
    ids=[
        "never known",
        "closed by the run, as the bot knew it",
        "closed in parts",
        "closed by the run, as a list showed it",
        "closed by a stop long ago",
        "closed by hand last week, and a close was refused",
        "liquidated by the exchange, or delisted",
    ],
)
def test_flat_book_ends_as_flat(
    before: Callable[[], PairHistory], then: Callable[[PairHistory], None]
) -> None:
    history = before()
    then(history)
    assert history.verdict() is Verdict.FLAT
    assert history.left is None


def test_two_trades_of_one_pair_are_one_position() -> None:
    """The bot's books say their sum; what an earlier run left is the same position once more."""
    history = claimed(0.5)
    history.claim(long(0.5))
    history.closed(0.5, at=T + 0.1)
    history.listed(None, asked_at=T + 0.2)
    assert history.verdict() is Verdict.FLAT


def test_dust_is_all_that_is_left_and_counts_as_covered() -> None:
    history = PairHistory()
    history.claim(long(0.5, minimum=0.01))
    history.closed(0.495, at=T + 0.1)
    history.listed(None, asked_at=T + 0.2)  # the run drops dust from its lists
    assert history.verdict() is Verdict.FLAT
    assert history.left is None


def test_smallest_amount_that_can_be_closed_is_not_dust() -> None:
    history = PairHistory()
    history.claim(long(0.5, minimum=0.01))
    history.closed(0.49, at=T + 0.1)
    history.listed(None, asked_at=T + 0.2)
    assert history.verdict() is Verdict.CONTRADICTED


def test_reduce_only_order_of_no_position_needs_a_second_list_and_no_more() -> None:
    history = PairHistory()
    history.listed(None, asked_at=T)
    assert history.verdict(reduce_only_rests=True) is Verdict.CONTRADICTED
    history.listed(None, asked_at=T + APART_S)
    assert history.verdict(reduce_only_rests=True) is Verdict.FLAT


# -- open, or not known: none of them may end as flat ---------------------------------------------


def test_list_that_is_empty_by_mistake_contradicts_what_is_known() -> None:
    """Two of them in 32 ms are one mistake, told twice."""
    for history in (claimed(), listed(at=T - 1)):
        history.listed(None, asked_at=T)
        history.listed(None, asked_at=T + 0.03)
        assert history.verdict() is Verdict.CONTRADICTED
        history.listed(None, asked_at=T + 60)
        assert history.verdict() is Verdict.CONTRADICTED, "lists alone are one witness"
        history.listed(long(0.5), asked_at=T + 61)
        assert (history.verdict(), left(history)) == (Verdict.OPEN, 0.5)


def test_witness_without_two_lists_is_not_enough() -> None:
    history = claimed()
    history.listed(None, asked_at=T)
    history.witnessed(asked_at=T + 0.2)
    history.listed(None, asked_at=T + APART_S - 0.01)
    assert history.verdict() is Verdict.CONTRADICTED


def test_list_that_shows_it_again_takes_back_the_lists_and_the_witness_before() -> None:
    history = claimed()
    history.listed(None, asked_at=T)
    history.witnessed(asked_at=T + 0.2)
    history.listed(long(0.5), asked_at=T + 0.5)
    history.listed(None, asked_at=T + APART_S)
    assert history.verdict() is Verdict.CONTRADICTED


@pytest.mark.parametrize("asked_s", [-0.1, 0.05, 0.9, 2.9])
def test_list_that_shows_what_our_fill_has_closed_is_late(asked_s: float) -> None:
    """Asked for before the fill or after it: wait and look again, send nothing."""
    for history in (claimed(), listed(at=T - 1)):
        history.closed(0.5, at=T)
        history.listed(long(0.5), asked_at=T + asked_s)
        assert (history.verdict(), history.left) == (Verdict.LATE, None)
        history.listed(None, asked_at=T + 5)
        assert history.verdict() is Verdict.FLAT


def test_position_that_the_exchange_calls_zero_is_late_in_a_list_and_believed_in_the_end() -> None:
    """The first close's answer was lost and the second refused: so is each further one."""
    history = listed(at=T - 1)
    history.said_zero(sent_at=T - 0.1, at=T)
    for after_s in (-0.2, 0.1, LATE_AT_MOST_S - 0.1):
        history.listed(long(0.5), asked_at=T + after_s)
        assert history.verdict() is Verdict.LATE
    history.listed(long(0.5), asked_at=T + LATE_AT_MOST_S)
    assert (history.verdict(), left(history)) == (Verdict.OPEN, 0.5), "it was about another mode"


def test_exchanges_word_beside_a_reduce_only_order_may_be_about_that_order() -> None:
    history = claimed()
    history.said_zero(sent_at=T - 0.1, at=T)
    history.listed(None, asked_at=T + 0.1)
    assert history.verdict(reduce_only_rests=True) is Verdict.CONTRADICTED
    assert history.verdict() is Verdict.FLAT


@pytest.mark.parametrize("covers", [0.3, 0.45])
def test_partial_fill_leaves_the_rest_open_whatever_a_late_list_shows(covers: float) -> None:
    history = claimed()
    history.closed(covers, at=T)
    history.listed(long(0.5), asked_at=T + 0.1)
    assert history.verdict() is Verdict.OPEN
    assert left(history) == pytest.approx(0.5 - covers), "never more than our fills have left"
    history.listed(None, asked_at=T + 0.2)
    assert history.verdict() is Verdict.CONTRADICTED


def test_no_list_is_no_verdict_until_our_fills_cover_it() -> None:
    history = claimed()
    assert history.verdict() is Verdict.UNREAD
    history.closed(0.3, at=T)
    assert history.verdict() is Verdict.UNREAD
    history.closed(0.2, at=T + 0.1)
    assert history.verdict() is Verdict.FILLED


def test_no_list_and_an_entry_that_may_have_filled_is_no_verdict() -> None:
    history = claimed()
    history.closed(0.5, at=T)
    history.entry_is_gone("1", at=T + 0.1)
    assert history.verdict() is Verdict.UNREAD


def test_two_positions_of_one_pair_take_more_than_the_end_of_one_of_them() -> None:
    """Both sides in hedge mode, say: a fill closes one, and a refusal is about one."""
    filled = PairHistory()
    filled.listed(replace(long(0.5), has_others=True), asked_at=T)
    filled.closed(0.5, at=T + 0.1)
    filled.listed(None, asked_at=T + 0.2)
    assert filled.verdict() is Verdict.CONTRADICTED
    refused = PairHistory()
    refused.listed(replace(long(0.5), has_others=True), asked_at=T)
    refused.listed(long(0.5), asked_at=T + 0.1)
    refused.said_zero(sent_at=T + 0.1, at=T + 0.2)
    refused.listed(None, asked_at=T + 0.3)
    assert refused.verdict() is Verdict.CONTRADICTED


def test_amount_of_a_cheap_coin_is_the_same_whatever_noise_its_float_bears() -> None:
    """Hundreds of millions, of contracts that were multiplied by their size."""
    history = listed(300_000_000.1, at=T - 1)
    history.closed(300_000_000.1, at=T)
    history.listed(long(300_000_000.1 + 1e-6), asked_at=T + 0.1)
    assert history.verdict() is Verdict.LATE


# -- at the end of a run, when no further list comes ----------------------------------------------


@pytest.mark.parametrize(
    ("filled", "asked_s", "verdict"),
    [
        (0.5, -0.1, Verdict.FILLED),
        (0.5, 0.1, Verdict.LATE),
        (0.3, -0.1, Verdict.UNREAD),
        (0.3, 0.0, Verdict.OPEN),
        (0.3, 0.1, Verdict.OPEN),
        (0.0, -0.1, Verdict.OPEN),
    ],
)
def test_list_that_was_asked_for_before_the_last_fill_was_heard_says_nothing_of_it(
    filled: float, asked_s: float, verdict: Verdict
) -> None:
    history = listed(at=T - 1)
    history.closed(filled, at=T)
    history.listed(long(0.5), asked_at=T + asked_s)
    assert history.verdict(list_asked_at=T + asked_s) is verdict


def by_a_stop(history: PairHistory) -> None:
    """The answer to its cancel tells that it has filled in part."""
    history.closed(0.1, at=T + 0.1, may_be_listed=True)
    history.closed(0.1, at=T + 0.1, may_be_listed=True)


def by_a_close_in_flight(history: PairHistory) -> None:
    history.closed(0.2, at=T + 0.1, order="in flight")


def by_a_close_in_flight_and_listed_late(history: PairHistory) -> None:
    history.closed(0.2, at=T + 0.1, order="in flight")
    history.listed(long(0.5), asked_at=T + 0.15)


def by_a_later_close(history: PairHistory) -> None:
    history.closed(0.2, at=T + 0.1, order="sent after the list")


@pytest.mark.parametrize(
    ("fill", "is_covered"),
    [
        (by_a_stop, False),
        (by_a_close_in_flight, False),
        (by_a_close_in_flight_and_listed_late, False),
        (by_a_later_close, True),
    ],
)
def test_fill_that_the_list_may_count_already_covers_nothing_for_sure(
    fill: Callable[[PairHistory], None], is_covered: bool
) -> None:
    """The list showed 0.5: what is left of 0.7 after this fill, or before it."""
    history = PairHistory()
    history.claim(long(0.7, minimum=0.15))
    history.in_doubt("in flight")
    history.listed(long(0.5), asked_at=T)
    fill(history)
    history.closed(0.3, at=T + 0.2)
    verdict = history.verdict(list_asked_at=T + 0.15)
    assert verdict is (Verdict.FILLED if is_covered else Verdict.UNREAD)


def test_fill_of_an_exit_whose_position_nobody_has_told_leaves_that_unknown() -> None:
    """The answer to its cancel tells what it has filled, and no list is answered."""
    history = PairHistory()
    history.closed(0.1, at=T, may_be_listed=True)
    assert history.verdict() is Verdict.UNREAD


# -- the bot's books are wrong --------------------------------------------------------------------


@pytest.mark.parametrize("claim", [0.45, 0.55], ids=["too little", "too much"])
def test_claim_that_is_a_tenth_off_is_corrected_by_the_first_list(claim: float) -> None:
    """The list was asked for beside the close, and shows the truth before it or after it."""
    truth = 0.5
    filled = min(claim, truth)
    before, after = claimed(claim), claimed(claim)
    for history in (before, after):
        history.closed(filled, at=T + 0.1)
    before.listed(long(truth), asked_at=T)
    if truth > filled:
        assert before.verdict() is Verdict.OPEN
        assert left(before) == pytest.approx(truth - filled)
        after.listed(long(truth - filled), asked_at=T)
        assert after.verdict() is Verdict.LATE, "it may be what there was before the fill"
        after.listed(long(truth - filled), asked_at=T + 0.1 + LATE_AT_MOST_S)
        assert after.verdict() is Verdict.OPEN
        assert left(after) == pytest.approx(truth - filled)
    else:
        assert before.verdict() is Verdict.LATE
        after.listed(None, asked_at=T + 0.2)
        assert after.verdict() is Verdict.CONTRADICTED, "0.05 of the claim went elsewhere"
        after.said_zero(sent_at=T + 0.2, at=T + 0.3)
        assert after.verdict() is Verdict.FLAT


@pytest.mark.parametrize("minimum", [0.0, 0.01])
def test_claim_of_nothing_is_no_claim_against_a_list(minimum: float) -> None:
    """``Trade.amount`` is 0 while the first entry rests; a list then shows what it has filled."""
    history = PairHistory()
    history.claim(long(0.0, minimum=minimum))
    history.listed(None, asked_at=T)
    assert history.verdict() is Verdict.FLAT
    history.listed(long(0.1), asked_at=T + 1)
    assert (history.verdict(), left(history)) == (Verdict.OPEN, 0.1)


def test_side_that_was_never_known_is_news() -> None:
    for history in (claimed(), listed(at=T - 1)):
        history.closed(0.5, at=T)
        history.listed(short(0.2), asked_at=T - 0.1)
        assert history.verdict() is Verdict.OPEN
        assert history.left == short(0.2)


def test_position_that_grew_by_another_hand_is_news() -> None:
    history = listed(at=T - 1)
    history.closed(0.5, at=T)
    history.listed(long(0.7), asked_at=T + 0.1)
    assert (history.verdict(), left(history)) == (Verdict.OPEN, 0.7)


# -- entries --------------------------------------------------------------------------------------


def test_fill_that_an_entrys_cancel_tells_is_open_whatever_no_list_shows() -> None:
    """Filled in part between the lists; the list of positions lags."""
    history = PairHistory()
    history.listed(None, asked_at=T)
    history.opened(long(0.1), at=T + 0.2)
    history.listed(None, asked_at=T + 0.3)
    assert (history.verdict(), history.left) == (Verdict.CONTRADICTED, None)
    history.closed(0.1, at=T + 0.5)
    history.listed(None, asked_at=T + 0.6)
    assert (history.verdict(), history.left) == (Verdict.FLAT, None)


def test_fill_of_an_entry_adds_to_what_is_open() -> None:
    history = listed(at=T - 1)
    history.closed(0.5, at=T)
    history.opened(long(0.1), at=T + 0.1)
    history.listed(long(0.5), asked_at=T + 0.2)
    assert history.verdict() is Verdict.OPEN
    assert left(history) == pytest.approx(0.1)


def test_fill_of_an_entry_that_flips_the_position_is_open_on_the_other_side() -> None:
    history = listed(at=T - 1)
    history.opened(short(0.8), at=T)
    history.listed(None, asked_at=T + 0.1)
    assert history.verdict() is Verdict.CONTRADICTED
    history.listed(short(0.3), asked_at=T + 0.2)
    assert history.verdict() is Verdict.OPEN
    assert history.left is not None
    assert history.left.side is Side.SHORT
    assert history.left.amount == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("entries", "closes", "verdict"),
    [
        ([long(0.1)], 0.6, Verdict.FLAT),
        ([long(0.1)], 0.5, Verdict.CONTRADICTED),
        ([short(0.2)], 0.3, Verdict.FLAT),
        ([short(0.2)], 0.2, Verdict.CONTRADICTED),
        ([short(0.5)], 0.0, Verdict.FLAT),
        ([short(0.8)], 0.3, Verdict.FLAT),
        ([short(0.8), short(0.1)], 0.3, Verdict.CONTRADICTED),
        ([short(0.8), short(0.1)], 0.4, Verdict.FLAT),
    ],
    ids=[
        "adds, all is closed",
        "adds, and is left",
        "takes off, all is closed",
        "takes off, a part is left",
        "closes",
        "flips, all is closed",
        "flips and adds, a part is left",
        "flips and adds, all is closed",
    ],
)
def test_fill_of_an_entry_counts_by_its_side(
    entries: list[Position], closes: float, verdict: Verdict
) -> None:
    history = listed(0.5, at=T - 1)
    for entry in entries:
        history.opened(entry, at=T)
    history.closed(closes, at=T + 0.1)
    history.listed(None, asked_at=T + 0.2)
    assert history.verdict() is verdict


@pytest.mark.parametrize(("sold", "rest"), [(0.2, 0.3), (0.5, 0.0)])
def test_list_from_before_an_entry_took_something_off_is_late(sold: float, rest: float) -> None:
    history = listed(0.5, at=T - 1)
    history.opened(short(sold), at=T)
    history.listed(long(0.5), asked_at=T + 0.1)
    assert left(history) == pytest.approx(rest)


def test_fill_that_the_list_may_count_is_not_added_and_late_for_a_while_only() -> None:
    """The list shows 0.5, with the entry's 0.1 or without it."""
    history = listed(0.5)
    history.opened(long(0.1), at=T + 0.1, since_listed=False)
    assert left(history) == 0.5
    history.closed(0.5, at=T + 1)
    history.listed(long(0.6), asked_at=T + 1.1)
    assert history.verdict() is Verdict.LATE, "the entry came after the list"
    history.listed(long(0.6), asked_at=T + 1 + LATE_AT_MOST_S)
    assert history.verdict() is Verdict.OPEN


def test_lists_lag_longer_behind_an_entry_that_has_filled() -> None:
    history = PairHistory()
    history.opened(long(0.1), at=T)
    history.listed(None, asked_at=T + 0.1)
    history.witnessed(asked_at=T + 0.2)
    history.listed(None, asked_at=T + 0.1 + APART_S)
    assert history.verdict() is Verdict.CONTRADICTED
    history.listed(None, asked_at=T + 0.1 + APART_AFTER_FILL_S)
    assert history.verdict() is Verdict.FLAT
    assert history.was_open


def test_entry_that_the_database_calls_open_may_fill_until_it_is_known() -> None:
    history = claimed()
    history.entry_may_fill("7")
    history.closed(0.5, at=T)
    assert history.verdict() is Verdict.UNREAD
    assert not history.is_done(Verdict.FLAT, before=T)
    assert [history.entry_is_known(order_id) for order_id in ("8", "7", "7")] == [
        False, True, False,
    ]  # fmt: skip
    assert history.verdict() is Verdict.FILLED


@pytest.mark.parametrize(("second", "accounts"), [(0.1, True), (0.05, False)])
def test_closes_account_for_an_entry_beside_all_that_the_trades_had(
    second: float, accounts: bool
) -> None:
    """Then its position is gone with the rest, though it was heard of later."""
    history = claimed(0.5)
    history.claim(long(0.2))  # read again: its trade has booked a close
    history.closed(0.5, at=T)
    history.closed(second, at=T)
    assert history.accounts_for(long(0.1)) is accounts


def test_closes_account_for_an_entry_of_a_pair_that_no_trade_claimed() -> None:
    history = PairHistory()
    assert not history.accounts_for(long(0.1))
    history.closed(0.1, at=T)
    assert history.accounts_for(long(0.1))


def lists_a_short(history: PairHistory) -> None:
    history.listed(short(0.1), asked_at=T)


def opens_a_short(history: PairHistory) -> None:
    history.opened(short(0.1), at=T)


@pytest.mark.parametrize("then", [lists_a_short, opens_a_short])
def test_position_is_told_as_it_was_first_known(then: Callable[[PairHistory], None]) -> None:
    unknown, known = PairHistory(), claimed(0.5)
    then(unknown)
    then(known)
    assert (unknown.first, known.first) == (short(0.1), long(0.5))


def test_amount_there_was_to_close_is_the_first_known_or_closed_and_left_if_that_is_more() -> None:
    amounts = []
    for shown, filled in ((None, 0.0), (0.3, 0.0), (0.8, 0.0), (0.8, 0.3), (0.8, 0.8)):
        history = claimed(0.5)
        if shown is not None:
            history.listed(long(shown), asked_at=T)
        history.closed(filled, at=T + 0.1)
        amounts.append(history.amount)
    assert amounts == pytest.approx([0.5, 0.5, 0.8, 0.8, 0.8])
    assert (PairHistory().first, PairHistory().amount) == (None, 0.0)


def test_pair_is_listed_when_a_list_was_read_whether_it_shows_it_or_not() -> None:
    history = claimed()
    assert not history.is_listed
    history.listed(None, asked_at=T)
    assert history.is_listed


def test_late_list_of_what_an_entry_has_opened_in_another_margin_mode_is_late() -> None:
    """How an entry opens, its fill does not tell; the position before it was closed."""
    history = PairHistory()
    history.listed(replace(long(0.5), row={"marginMode": "isolated"}), asked_at=T)
    history.closed(0.5, at=T + 0.1)
    history.opened(long(0.2), at=T + 0.2)
    history.closed(0.2, at=T + 0.3)
    history.listed(replace(long(0.2), row={"marginMode": "cross"}), asked_at=T + 0.4)
    assert history.verdict() is Verdict.LATE


def test_entry_that_is_gone_without_a_known_fill_takes_more_than_our_own_fills() -> None:
    history = claimed()
    history.closed(0.5, at=T)
    history.entry_is_gone("7", at=T)
    history.listed(None, asked_at=T + 0.1)
    assert history.verdict() is Verdict.CONTRADICTED
    history.entry_is_known("7")
    assert history.verdict() is Verdict.FLAT


def test_entry_that_is_gone_where_nothing_was_known_takes_two_lists_and_a_witness() -> None:
    """Lists are up to two seconds late: two of them alone may both be from before its fill."""
    history = PairHistory()
    history.entry_is_gone("7", at=T)
    history.listed(None, asked_at=T + 0.1)
    history.listed(None, asked_at=T + 0.1 + APART_S)
    assert history.verdict() is Verdict.CONTRADICTED
    history.witnessed(asked_at=T + 1.2)
    assert history.verdict() is Verdict.FLAT


def opens(history: PairHistory) -> None:
    history.opened(long(0.1), at=T)


def may_open(history: PairHistory) -> None:
    history.entry_is_gone("7", at=T)


@pytest.mark.parametrize("entry", [opens, may_open])
def test_what_was_asked_before_an_entry_filled_says_nothing_of_it(
    entry: Callable[[PairHistory], None],
) -> None:
    """Answers overtake one another: a list, a witness and a refusal may be heard after the fill
    that they are older than."""
    lists = PairHistory()
    entry(lists)
    lists.listed(None, asked_at=T - 1)
    lists.listed(None, asked_at=T + 0.1)
    lists.witnessed(asked_at=T + 0.2)
    assert lists.verdict() is Verdict.CONTRADICTED, "one list is younger"
    witness = PairHistory()
    entry(witness)
    witness.listed(None, asked_at=T + 0.1)
    witness.witnessed(asked_at=T - 0.5)
    witness.listed(None, asked_at=T + 0.1 + APART_S)
    assert witness.verdict() is Verdict.CONTRADICTED, "no witness is younger"
    for heard_s in (-0.1, 0.1):
        refused = claimed()
        if heard_s > 0:
            entry(refused)
        refused.said_zero(sent_at=T - 0.2, at=T + heard_s)
        if heard_s < 0:
            entry(refused)
        refused.listed(None, asked_at=T + 0.2)
        assert refused.verdict() is Verdict.CONTRADICTED, heard_s


# -- what a closing order of unknown outcome leaves -----------------------------------------------


def test_order_without_a_known_fill_makes_what_is_left_uncertain_until_the_next_list() -> None:
    history = listed()
    history.in_doubt("ftl1")
    assert history.left == replace(long(0.5), uncertain=True)
    assert not history.is_done(Verdict.FLAT, before=T)
    history.listed(long(0.5), asked_at=T + 1)
    assert history.left == long(0.5)


def test_order_that_was_answered_is_out_of_doubt() -> None:
    history = listed()
    history.in_doubt("ftl1")
    history.out_of_doubt("ftl1")
    assert history.left == long(0.5)


@pytest.mark.parametrize(
    ("verdict", "before_s", "done"),
    [
        (Verdict.FLAT, -1.0, True),
        (Verdict.FILLED, 0.0, True),
        (Verdict.LATE, 0.0, True),
        (Verdict.FILLED, -0.1, False),
        (Verdict.LATE, -0.1, False),
        (Verdict.OPEN, 9.0, False),
        (Verdict.CONTRADICTED, 9.0, False),
        (Verdict.UNREAD, 9.0, False),
    ],
)
def test_pair_is_booked_when_its_fills_are_listed_and_not_before(
    verdict: Verdict, before_s: float, done: bool
) -> None:
    history = claimed()
    history.closed(0.5, at=T)
    assert history.is_done(verdict, before=T + before_s) is done


def test_trade_whose_position_was_gone_before_the_run_is_not_done_by_it() -> None:
    history = claimed()
    history.listed(None, asked_at=T)
    assert not history.was_open
    assert not history.is_done(Verdict.FLAT, before=T)


@pytest.mark.parametrize("entry", [opens, may_open])
def test_what_was_heard_before_an_entry_filled_says_nothing_of_it(
    entry: Callable[[PairHistory], None],
) -> None:
    lists = PairHistory()
    lists.listed(None, asked_at=T - 2)
    entry(lists)
    lists.listed(None, asked_at=T + 0.1)
    lists.witnessed(asked_at=T + 0.2)
    assert lists.verdict() is Verdict.CONTRADICTED, "one list is younger"
    witness = PairHistory()
    witness.listed(None, asked_at=T - 2)
    witness.witnessed(asked_at=T - 1)
    entry(witness)
    witness.listed(None, asked_at=T + 0.1)
    witness.listed(None, asked_at=T + 0.1 + APART_S)
    assert witness.verdict() is Verdict.CONTRADICTED, "no witness is younger"


def test_claim_that_is_repeated_takes_back_nothing_that_was_heard_since() -> None:
    """freqtrade's loop lets go of its trades in the middle of the run, and they are read anew."""
    shown = claimed(0.5)
    shown.listed(long(0.3), asked_at=T)
    shown.claim(long(0.5))
    shown.closed(0.3, at=T + 0.1)
    assert (shown.verdict(), shown.left) == (Verdict.LATE, None)
    filled = claimed(0.5)
    filled.closed(0.5, at=T)
    filled.claim(long(0.5))
    assert filled.verdict() is Verdict.FILLED


def test_list_in_which_the_position_is_back_makes_the_lists_before_it_one_mistake() -> None:
    history = claimed()
    history.listed(None, asked_at=T)
    history.listed(long(0.5), asked_at=T + 0.5)
    history.listed(None, asked_at=T + APART_S)
    history.witnessed(asked_at=T + APART_S)
    assert history.verdict() is Verdict.CONTRADICTED


def test_amount_that_may_be_from_before_the_fill_or_after_it_is_late_for_a_while_only() -> None:
    history = claimed(0.2)
    history.closed(0.2, at=T)
    history.listed(long(0.5), asked_at=T - 0.1)  # then 0.3 is left, or 0.5
    assert history.verdict() is Verdict.OPEN
    assert left(history) == pytest.approx(0.3)
    history.listed(long(0.5), asked_at=T + 0.1)
    assert left(history) == pytest.approx(0.3)
    history.listed(long(0.5), asked_at=T + LATE_AT_MOST_S)
    assert left(history) == pytest.approx(0.5)


def test_growth_is_news_even_if_our_fills_had_covered_all_that_was_known() -> None:
    history = listed(at=T - 1)
    history.closed(0.5, at=T)
    history.said_zero(sent_at=T, at=T + 0.1)
    history.listed(long(0.7), asked_at=T + 0.2)
    assert (history.verdict(), left(history)) == (Verdict.OPEN, 0.7)
    history.closed(0.7, at=T + 0.3)
    history.listed(long(0.7), asked_at=T + 0.4)
    assert (history.verdict(), history.left) == (Verdict.LATE, None)


# -- no more than is shown, and no less than may be learnt ----------------------------------------


def test_fill_since_the_list_leaves_so_much_less_of_what_it_showed() -> None:
    """Whatever was known before: a list that shows less may be old, and may not."""
    history = claimed(0.7)
    history.listed(long(3.0), asked_at=T)
    history.closed(2.0, at=T + 0.1)
    history.listed(long(0.7), asked_at=T + 0.2)  # the amount of the claim: perhaps an old list
    assert left(history) == pytest.approx(0.7)
    history.closed(0.7, at=T + 0.3)
    assert history.left is None


def test_entry_is_not_closed_beyond_what_the_list_shows() -> None:
    """The list may have it by now: a later one tells, and until then it would be closed twice."""
    history = listed(0.8)
    history.opened(long(0.8), at=T + 0.1)
    for part in (0.5, 0.3):
        history.closed(part, at=T + 0.2)
    assert history.left is None


@pytest.mark.parametrize(
    ("closed", "opened", "rest", "is_gone", "balance"),
    [
        (0.0, 0.0, 0.0, False, 3.0),
        (0.0, 0.0, 0.1, False, 3.1),
        (0.1, 0.0, 0.0, False, 3.0),
        (0.3, 0.0, 0.0, False, 3.0),
        (0.0, 0.2, 0.0, False, 3.0),
        (0.0, 0.0, 0.0, True, 0.0),
    ],
    ids=[
        "all", "but a rest", "a part was closed", "all was closed", "an entry besides",
        "the pair is gone",
    ],
)  # fmt: skip
def test_bots_orders_explain_what_was_the_bots_and_is_not_closed_yet(
    closed: float, opened: float, rest: float, is_gone: bool, balance: float
) -> None:
    """0.3 of the bot's, and 3 of the user's beside it."""
    history = claimed(0.3)
    history.listed(long(3.3), asked_at=T)
    history.closed(closed, at=T + 0.1)
    if opened:
        history.opened(long(opened), at=T + 0.1)
    history.explained(rest, at=T + 0.2, is_gone=is_gone)
    assert history.balance == pytest.approx(balance)


def test_bots_orders_explain_nothing_of_a_pair_that_no_trade_claimed() -> None:
    history = listed(0.5)
    history.listed(None, asked_at=T + 0.1)
    history.explained(0.0, at=T + 0.2)
    assert history.verdict() is Verdict.CONTRADICTED


def test_bots_orders_explain_no_more_than_what_was_the_bots() -> None:
    """Scope account: the user holds three beside it, and a list lacks the pair by mistake."""
    history = claimed(0.1)
    history.listed(long(3.1), asked_at=T)
    history.listed(None, asked_at=T + 0.1)
    history.explained(0.0, at=T + 0.2)
    assert history.balance == pytest.approx(3.0)
    assert history.verdict() is Verdict.CONTRADICTED


@pytest.mark.parametrize("hear", ["may_be_less", "said_zero"])
def test_lists_may_be_late_for_a_while_after_a_close_that_told_no_fill(hear: str) -> None:
    history = listed()
    assert not history.may_be_late(T)
    if hear == "said_zero":
        history.said_zero(sent_at=T, at=T + 0.1)
    else:
        history.may_be_less(at=T + 0.1)
    assert history.may_be_late(T + 1)
    assert not history.may_be_late(T + 5)


def test_fill_that_the_amount_shown_counts_is_not_taken_off_once_more() -> None:
    """The balance was read after the fill, and before the answer that told it. What was shown next
    was taken for older than the fill: a stop came back for too little."""
    shown = replace(long(0.2), by_orders=True)
    history = claimed(0.333)
    history.listed(shown, asked_at=T)
    history.closed(0.133, at=T + 0.05)
    history.listed(shown, asked_at=T + 0.06)
    assert left(history) == 0.2


def test_amount_listed_while_a_close_was_in_flight_is_of_before_it_or_after_it() -> None:
    """The account had more than the trade says. What was left of that was taken for an old list's
    for four seconds, which were all that the run had."""
    history = claimed(0.7)
    history.in_doubt("close1")
    history.listed(long(0.5), asked_at=T)
    history.closed(0.7, at=T + 0.1, order="close1")
    later = T + 0.1 + LATE_AT_MOST_S
    history.listed(long(0.5), asked_at=later - 0.1)
    assert left(history) == 0.0
    history.listed(long(0.5), asked_at=later + 0.1)
    assert left(history) == 0.5


def test_amount_that_a_list_has_contradicted_does_not_make_a_later_one_an_old_one() -> None:
    """The trade says 0.7, there were 1.7, and what our second close leaves is 0.7."""
    history = claimed(0.7)
    history.closed(0.7, at=T + 0.1)
    history.listed(long(1.0), asked_at=T)
    history.closed(0.3, at=T + 1.0)
    history.listed(long(0.7), asked_at=T + 1.1 + LATE_AT_MOST_S)
    assert left(history) == 0.7


def test_exchanges_word_counts_though_the_amount_shown_counts_our_fills() -> None:
    """Somebody else has closed it: the list that shows it still is late."""
    shown = replace(long(0.5), by_orders=True)
    history = claimed(0.5)
    history.listed(shown, asked_at=T)
    history.said_zero(sent_at=T + 0.1, at=T + 0.2)
    history.listed(shown, asked_at=T + 0.3)
    assert history.verdict() is Verdict.LATE


def test_what_counts_every_fill_is_believed_against_the_answer_that_comes_after_it() -> None:
    """Spot: the order is read back before it is answered, so that its fill is heard twice."""
    history = listed(0.2)
    history.in_doubt("first")
    left_of_it = replace(long(0.06), by_orders=True)
    history.listed(left_of_it, asked_at=T + 1.0)
    history.closed(0.14, at=T + 1.2, order="first")
    assert history.verdict() is Verdict.LATE, "the fill was counted twice"
    history.listed(left_of_it, asked_at=T + 1.2)
    assert history.verdict() is Verdict.OPEN
    assert left(history) == pytest.approx(0.06)


@pytest.mark.parametrize("waited_s", [LATE_AT_MOST_S - 0.1, LATE_AT_MOST_S + 0.1])
def test_what_a_list_beside_a_fill_showed_is_late_for_a_while_only(waited_s: float) -> None:
    """Whether it counts the fill is not known, so that what is left may be all that it showed."""
    history = listed(0.2)
    history.in_doubt("first")
    history.listed(long(0.06), asked_at=T + 1.0)
    history.closed(0.06, at=T + 1.2, order="first")
    history.listed(long(0.06), asked_at=T + 1.2 + waited_s)
    believed = waited_s > LATE_AT_MOST_S
    assert history.verdict() is (Verdict.OPEN if believed else Verdict.LATE)


def test_amount_from_before_it_grew_is_late_for_a_while_only() -> None:
    """The owner has enlarged it beside the close: what is left after the next close may be just as
    much as the bot had in the beginning."""
    history = claimed(0.5)
    history.closed(0.5, at=T + 0.8)
    history.listed(long(1.0), asked_at=T)
    assert left(history) == pytest.approx(0.5), "it may be of before the fill"
    history.in_doubt("second")
    history.closed(0.5, at=T + 2.0, order="second")
    history.listed(long(0.5), asked_at=T + 2.1)
    assert history.verdict() is Verdict.LATE
    history.listed(long(0.5), asked_at=T + 2.1 + LATE_AT_MOST_S)
    assert history.verdict() is Verdict.OPEN
    assert left(history) == pytest.approx(0.5)


def test_list_that_left_a_pair_out_is_no_proof_until_it_is_gone_when_asked_about_alone() -> None:
    """The account held as much of the user's own: what stayed open looked like the bot's part
    before its close, and the list had lacked it all the time."""
    history = claimed(1.0)
    history.listed(None, asked_at=T)
    history.closed(1.0, at=T + 0.2)
    history.shown_alone(long(1.0), asked_at=T + 0.1)
    for asked_at in (T + 0.15, T + 0.3):
        history.listed(None, asked_at=asked_at)
        assert history.verdict() is Verdict.CONTRADICTED
        history.shown_alone(long(1.0), asked_at=T + 0.1)
    history.listed(None, asked_at=T + 0.4)
    history.witnessed(asked_at=T + 0.4)
    assert history.verdict() is Verdict.FLAT


def test_answer_about_a_pair_alone_that_is_older_than_the_list_says_nothing_of_the_list() -> None:
    history = claimed(1.0)
    history.listed(None, asked_at=T + 0.2)
    history.closed(1.0, at=T + 0.3)
    history.shown_alone(long(1.0), asked_at=T + 0.1)
    history.listed(None, asked_at=T + 0.4)
    assert history.verdict() is Verdict.FLAT


def test_two_lists_prove_little_just_after_freqtrade_has_let_go_of_an_entry() -> None:
    """Lists lag: both may be of before its fill."""
    for landed, after_s in ((False, APART_S), (True, APART_AFTER_FILL_S)):
        history = claimed(1.0)
        if landed:
            history.entry_has_landed(at=T)
        for asked_at in (T + 0.1, T + 0.1 + after_s - 0.01):
            history.listed(None, asked_at=asked_at)
            history.witnessed(asked_at=asked_at)
        assert history.verdict() is Verdict.CONTRADICTED
        history.listed(None, asked_at=T + 0.1 + after_s)
        assert history.verdict() is Verdict.FLAT


def test_what_the_bots_orders_account_for_is_not_taken_off_the_other_side() -> None:
    """The bot's short is closed, and a person has bought since: his long is open."""
    history = PairHistory()
    history.claim(short(1.0))
    history.listed(long(1.0), asked_at=T + 1.0)
    history.explained(0.0, at=T + 1.2)
    assert (history.verdict(), left(history)) == (Verdict.OPEN, 1.0)


def test_dust_that_is_left_of_an_entry_is_dust_though_its_answer_tells_no_minimum() -> None:
    history = PairHistory()
    history.opened(long(0.1), at=T)
    history.listed(long(0.1004, minimum=0.001), asked_at=T + 0.1)
    history.closed(0.1, at=T + 0.2)
    history.listed(long(0.1004, minimum=0.001), asked_at=T + 0.3)
    assert history.verdict() is Verdict.LATE


def test_entry_that_may_have_filled_before_our_close_explains_what_a_late_list_shows() -> None:
    """A trade of 1.0, an entry of 0.2, and a list of before both: 1.2 is no third position."""
    history = claimed(1.0)
    history.closed(1.0, at=T + 0.2)
    history.opened(long(0.2), at=T + 0.3, since_listed=False)
    history.listed(long(1.2), asked_at=T)
    history.closed(0.2, at=T + 0.5)
    history.listed(None, asked_at=T + 0.6)
    assert history.verdict() is Verdict.FLAT


def test_refusal_as_if_less_were_open_is_a_reason_to_look_on() -> None:
    history = listed(1.0)
    assert not history.may_be_late(T + 0.3)
    history.may_be_less(at=T + 0.2)
    assert history.may_be_late(T + 0.3)


def test_fill_of_a_pair_that_nobody_knew_is_no_outcome() -> None:
    """The answer to the cancel of an exit, where no trade, list or entry told of a position."""
    history = PairHistory()
    history.closed(0.5, at=T)
    assert not history.was_open


def test_what_the_bots_orders_account_for_is_not_taken_off_what_is_left_after_them() -> None:
    """The answer about the pair alone came before the one that told what our close had filled."""
    history = claimed(0.8)
    history.shown_alone(long(0.4), asked_at=T)
    for at in (T + 1.0, T + 2.0):
        history.explained(0.1, at=at)
    assert (history.verdict(), left(history)) == (Verdict.OPEN, 0.4)


def test_amount_left_by_the_first_fill_is_late_after_the_second() -> None:
    """The list was asked for beside the first close, and showed more than the trade says."""
    history = claimed(0.2)
    for part in (0.05, 0.15):
        history.closed(part, at=T)
    history.listed(long(0.5), asked_at=T)
    assert left(history) == pytest.approx(0.3)
    history.closed(0.3, at=T + 1)
    history.listed(long(0.3), asked_at=T + 1.1)
    assert history.verdict() is Verdict.LATE


@pytest.mark.parametrize(
    ("more", "verdict"), [(0.0, Verdict.CONTRADICTED), (0.2, Verdict.FLAT)], ids=["rest", "all"]
)
def test_list_beside_a_fill_may_have_counted_it_until_fills_cover_all_that_it_showed(
    more: float, verdict: Verdict
) -> None:
    history = claimed(0.2)
    history.closed(0.2, at=T)
    history.listed(long(0.5), asked_at=T - 0.1)  # then 0.3 is left, or 0.5
    history.closed(0.3, at=T + 0.1)
    history.closed(more, at=T + 0.2)
    history.listed(None, asked_at=T + 0.3)
    assert history.verdict() is verdict


def test_fills_before_a_list_that_was_believed_are_not_taken_off_a_later_one() -> None:
    history = listed(0.5)
    history.closed(0.2, at=T + 0.1)
    history.listed(long(0.3), asked_at=T + 0.2)
    history.closed(0.1, at=T + 0.4)
    history.listed(long(0.6), asked_at=T + 0.3)
    assert left(history) == pytest.approx(0.5)


def test_position_that_grows_after_a_list_has_confirmed_the_fill_is_news() -> None:
    history = listed(0.5)
    history.closed(0.3, at=T + 0.1)
    history.listed(long(0.2), asked_at=T + 0.2)
    history.listed(long(0.5), asked_at=T + 0.3)
    assert left(history) == 0.5


@pytest.mark.parametrize(
    ("first_s", "amount", "is_late"),
    [(-0.1, 0.5, True), (-0.1, 0.4, True), (0.2, 0.4, False), (None, 0.5, False)],
    ids=["answered before the list", "after one more fill", "answered later", "never answered"],
)
def test_amount_is_certain_only_where_no_close_was_in_flight_when_it_was_listed(
    first_s: float | None, amount: float, is_late: bool
) -> None:
    """What was certain is late for longer than 2 s when it is listed after the fills."""
    history = claimed(0.7)
    history.in_doubt("first")
    if first_s == -0.1:
        history.closed(0.1, at=T + first_s, order="first")
    history.listed(long(0.5), asked_at=T)
    history.closed(0.1, at=T + 0.1, order="second")
    history.closed(0.4, at=T + 0.2, order="first" if first_s == 0.2 else "third")
    history.listed(long(amount), asked_at=T + 2)
    assert history.verdict() is (Verdict.LATE if is_late else Verdict.OPEN)


def test_how_long_lists_are_late_is_what_the_documentation_says() -> None:
    page = " ".join((Path(__file__).parents[3] / "docs" / "design.md").read_text().split())
    for words in (
        f"at least {APART_S:g} s apart; {APART_AFTER_FILL_S:g} s if an entry has filled",
        f"It is {LATE_AT_MOST_S:g} s after a fill where it is not certain what the position had",
        f"fill, and {LATE_IN_ANY_CASE_S:g} s in any case",
    ):
        assert words in page
