"""What a recorded run's rows are told as."""

from dataclasses import replace

import pytest

from freqtrade_liquidation.frontends.html.values import MarkKind, Outcome, SentKind
from tests.unit.frontends.html.recording import NAMES, Recording, pair_of, recorded, sent_for

CLOSE, CANCEL, STOP = SentKind.CLOSE, SentKind.CANCEL, SentKind.STOP


def test_refused_pair_is_left_with_its_stop_and_the_others_are_gone() -> None:
    story = recorded("refused").story()
    assert [pair.pair for pair in story.left] == ["BTC/USDT:USDT"]
    btc = story.left[0]
    assert (btc.state, btc.residual_amount, btc.protected) == ("open", 0.009, True)
    [sent] = sent_for(story, "BTC", CLOSE)
    assert sent.outcome is Outcome.REFUSED
    assert "This contract is being settled" in sent.answer
    assert sent.took_s == pytest.approx(0.124, abs=0.001)
    assert (btc.filled, btc.average, btc.slippage) == (0.0, None, None)
    assert [s.outcome for s in sent_for(story, "ETH", CANCEL)] == [Outcome.DONE]
    assert story.flat_s is None, "one was open to the end"
    assert pair_of(story, "ETH").gone_at_s == pytest.approx(0.351, abs=0.001)


def test_slippage_is_told_by_side_against_the_mark_price() -> None:
    """By hand: long 1330 ADA, mark 0.4509, sold at 0.4508; short 998.6 XRP, 0.601, bought at
    0.6011. Both lost."""
    story = recorded("refused").story()
    ada, xrp = pair_of(story, "ADA"), pair_of(story, "XRP")
    assert (ada.side, ada.decision_price, ada.decision_price_is) == ("long", 0.4509, "mark price")
    assert ada.average == pytest.approx(0.4508)
    assert ada.slippage == pytest.approx((0.4508 - 0.4509) * 1330)
    assert (xrp.side, xrp.decision_price) == ("short", 0.601)
    assert xrp.slippage == pytest.approx((0.601 - 0.6011) * 998.6)
    assert xrp.slippage_ratio == pytest.approx(-1.664e-4, rel=1e-3)


def test_retried_close_has_both_attempts_and_the_price_of_the_one_that_acted() -> None:
    story = recorded("retried").story()
    first, second = sent_for(story, "XRP", CLOSE)
    assert (first.outcome, second.outcome) == (Outcome.UNAVAILABLE, Outcome.DONE)
    assert second.at_s - first.at_s > 1.0, "the exchange asked for a second"
    assert pair_of(story, "XRP").average == pytest.approx(0.601)
    assert story.left == ()
    assert story.flat_s == max(pair.gone_at_s or 0.0 for pair in story.pairs)


def test_lost_answer_stays_unknown_and_its_price_comes_from_the_booking() -> None:
    story = recorded("lost_answer").story()
    [lost] = [sent for sent in story.requests if sent.outcome is not Outcome.DONE]
    assert lost.outcome is Outcome.UNKNOWN
    pair = pair_of(story, lost.pair)
    booked = next(
        row["additional_data"]
        for row in recorded("lost_answer").events
        if row["event_type"] == "liquidation_booked" and row["pair"] == lost.pair
    )
    assert pair.average == booked["average"] is not None
    assert pair.slippage is not None


def test_spot_stop_is_put_back_and_what_is_unknown_is_not_added_up() -> None:
    story = recorded("spot").story()
    [back] = sent_for(story, "SOL", STOP)
    assert (back.outcome, back.answer) == (Outcome.DONE, "it stands again")
    eth, sol = pair_of(story, "ETH"), pair_of(story, "SOL")
    assert (eth.state, eth.protected, sol.protected) == ("unverified", False, True)
    assert eth.decision_price_is == "last price"
    assert (eth.average, eth.filled) == (None, None)
    assert story.total_slippage is None, "what was sold of ETH is not known"
    assert [p.pair for p in story.pairs] == ["ETH/USDT", "SOL/USDT", "BTC/USDT", "XRP/USDT"]


def test_run_cut_off_ends_before_it_was_found_and_counts_what_was_booked_later() -> None:
    story = recorded("cut_off").story()
    assert story.cut_off
    assert story.ended_s < 0.1
    assert [moment.kind for moment in story.later] == [
        "interrupted", "booking failed", "booked", "booked", "booked",
    ]  # fmt: skip
    assert {sent.outcome for sent in story.requests} == {Outcome.UNANSWERED}
    assert {sent.took_s for sent in story.requests} == {None}
    closed = [pair for pair in story.pairs if not pair.is_left]
    assert all(pair.booked_later and pair.realized_pnl is not None for pair in closed)
    assert story.total_realized_pnl == pytest.approx(sum(p.realized_pnl or 0 for p in closed))


def test_silent_exchange_shows_nothing_and_nothing_is_made_up() -> None:
    story = recorded("silent").story()
    assert len(story.left) == 5
    assert {pair.decision_price for pair in story.pairs} == {None}
    assert {pair.residual_amount for pair in story.pairs} == {None}
    assert story.requests == ()
    assert {mark.kind for mark in story.marks} == {MarkKind.TROUBLE}
    assert story.flat_s is None


@pytest.mark.parametrize("name", NAMES)
def test_every_request_is_answered_after_it_was_sent(name: str) -> None:
    for sent in recorded(name).story().requests:
        assert sent.took_s is None or sent.took_s >= 0


def test_trail_without_prices_tells_none() -> None:
    """Runs from before the trail kept them."""
    recording = recorded("refused")
    for row in recording.events:
        for position in row["additional_data"].get("positions", ()):
            del position["mark_price"], position["last_price"]
    story = recording.story()
    assert {pair.decision_price for pair in story.pairs} == {None}
    assert story.total_slippage is None


def test_run_under_way_is_told_as_far_as_it_went() -> None:
    recording = recorded("refused")
    half = recording.events[: len(recording.events) // 2]
    story = Recording({**recording.run, "state": "in_progress", "outcome": None}, half).story()
    assert [pair.state for pair in story.pairs] == [None] * 5
    assert len(story.left) == 5, "what is not shown closed counts as open"
    assert not story.cut_off


def test_lines_that_came_in_later_stand_where_they_happened() -> None:
    """A fallback file's lines get higher numbers and keep their time."""
    recording = recorded("retried")
    story = replace(recording, events=recording.events[::-1]).story()
    assert story == recording.story()


def test_position_that_appears_again_is_not_gone() -> None:
    recording = recorded("refused")
    last = next(r for r in reversed(recording.events) if r["event_type"] == "liquidation_verified")
    eth = {"pair": "ETH/USDT:USDT", "side": "short", "amount": 0.1}
    last["additional_data"]["open_positions"].append(eth)
    story = recording.story()
    assert pair_of(story, "ETH").gone_at_s is None
