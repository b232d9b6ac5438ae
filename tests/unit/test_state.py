"""The table of states, its function, and the table that the docs show."""

import re
from itertools import product
from pathlib import Path

import pytest

from freqtrade_liquidation.state import ENDS, TABLE, advance
from freqtrade_liquidation.state import LiquidationState as State
from freqtrade_liquidation.state import LiquidationStep as Step

DESIGN = Path(__file__).parents[2] / "docs" / "design.md"
ROW = re.compile(r"^\|\s*`?(\w+)`?\s*\|\s*`?(\w+)`?\s*\|\s*`?(\w+)`?\s*\|\s*$", re.MULTILINE)


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_every_state_and_step_is_in_the_table_or_raises(state: State, step: Step) -> None:
    if (state, step) in TABLE:
        assert advance(state, step) is TABLE[state, step]
    else:
        with pytest.raises(ValueError, match=f"no move from state {state} by {step}"):
            advance(state, step)


@pytest.mark.parametrize("state", list(State))
def test_every_state_reaches_an_end(state: State) -> None:
    reached, frontier = {state}, {state}
    while frontier:
        frontier = {after for (at, _), after in TABLE.items() if at in frontier} - reached
        reached |= frontier
    assert reached & ENDS


def test_a_run_starts_once_and_ends_once() -> None:
    """Under way, it cannot start again; ended, it can only start."""
    assert (State.IN_PROGRESS, Step.STARTED) not in TABLE
    for state in {*ENDS, State.IDLE}:
        assert {step for at, step in TABLE if at is state} == {Step.STARTED}


def test_each_end_has_exactly_one_step_that_leads_to_it() -> None:
    """``completed`` can be had by ``verified_flat`` alone."""
    leading = {end: {step for (_, step), after in TABLE.items() if after is end} for end in ENDS}
    assert leading == {
        State.COMPLETED: {Step.VERIFIED_FLAT},
        State.PARTIAL: {Step.SOME_CLOSED},
        State.FAILED: {Step.NONE_CLOSED},
        State.SKIPPED: {Step.LEFT_OPEN_ON_PURPOSE},
    }


def test_ends_are_what_is_end_says() -> None:
    assert {state for state in State if state.is_end} == ENDS


def test_the_table_in_the_docs_is_the_one_in_the_code() -> None:
    states, steps = {str(s) for s in State}, {str(s) for s in Step}
    rows = [
        (State(at), Step(step), State(after))
        for at, step, after in ROW.findall(DESIGN.read_text())
        if at in states and step in steps and after in states
    ]
    assert len(rows) == len(set(rows))
    assert {(at, step): after for at, step, after in rows} == TABLE
