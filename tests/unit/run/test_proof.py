"""Every combination of evidence, and the verdict that a table written by hand gives it.

The table names what must be so and why; a fact that a row does not name may be either. The rows of
one kind of list exclude one another and leave no combination out, which a test holds them to.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, fields

import pytest

from freqtrade_liquidation.run.proof import Evidence, Listed, Verdict, verdict_on

FACTS = tuple(field.name for field in fields(Evidence) if field.name != "listed")


@dataclass(frozen=True, slots=True)
class Row:
    """One rule.

    :param needs: facts that it is about, each with its value.
    """

    why: str
    listed: Listed
    needs: dict[str, bool]
    verdict: Verdict

    def applies_to(self, evidence: Evidence) -> bool:
        """Whether *evidence* is of this rule."""
        facts = (getattr(evidence, name) is value for name, value in self.needs.items())
        return evidence.listed is self.listed and all(facts)


def absent(why: str, verdict: Verdict, **needs: bool) -> Row:
    return Row(why, Listed.ABSENT, needs, verdict)


def present(why: str, verdict: Verdict, **needs: bool) -> Row:
    return Row(why, Listed.PRESENT, needs, verdict)


def unread(why: str, verdict: Verdict, **needs: bool) -> Row:
    return Row(why, Listed.UNREAD, needs, verdict)


FLAT, CONTRADICTED = Verdict.FLAT, Verdict.CONTRADICTED
UNEXPLAINED = {"known": True, "covered": False}
"""A trade, an earlier list or an entry's fill says that it was open; our fills do not cover it."""
ENTRY_LOST = {"known": True, "covered": True, "rest_unknown": True}
"""All that was known is covered, and an entry is gone that may have filled besides."""
NOTHING_BUT_AN_ENTRY = {"known": False, "rest_unknown": True}
"""Nothing was known to be open, and an entry is gone that may have filled."""

TABLE = (
    # -- no list: only the final fills of our own orders tell --------------------------------
    unread("nothing is known", Verdict.UNREAD, known=False),
    unread("our fills do not cover what was open", Verdict.UNREAD, **UNEXPLAINED),
    unread("an entry may have filled besides", Verdict.UNREAD, **ENTRY_LOST),
    unread(
        "our fills cover all that was open", Verdict.FILLED,
        known=True, covered=True, rest_unknown=False,
    ),
    # -- a list shows it ---------------------------------------------------------------------
    present("it grew, or is older than no list can be", Verdict.OPEN, is_news=True),
    present(
        "nothing that is known closed it", Verdict.OPEN,
        is_news=False, said_zero=False, known=True, covered=False,
    ),
    present(
        "nothing was known of it", Verdict.OPEN, is_news=False, said_zero=False, known=False
    ),
    present("the exchange said that it is zero", Verdict.LATE, is_news=False, said_zero=True),
    present(
        "our own final fills closed it", Verdict.LATE,
        is_news=False, said_zero=False, known=True, covered=True,
    ),
    # -- a list shows nothing, and nothing was ever known ------------------------------------
    absent(
        "nothing contradicts it", FLAT, known=False, reduce_only_rests=False, rest_unknown=False
    ),
    absent(
        "an order that only reduces rests: where is its position?", CONTRADICTED,
        known=False, rest_unknown=False, reduce_only_rests=True, absent_twice=False,
    ),
    absent(
        "an orphan order needs two lists and no more", FLAT,
        known=False, rest_unknown=False, reduce_only_rests=True, absent_twice=True,
    ),
    # -- a list shows nothing, and something was open ------------------------------------------
    absent(
        "fills cover it", FLAT, known=True, covered=True, rest_unknown=False
    ),
    *(
        row
        for gap in (UNEXPLAINED, ENTRY_LOST, NOTHING_BUT_AN_ENTRY)
        for row in (
            absent(
                "the exchange's word, with no order that could have been meant", FLAT,
                **gap, said_zero=True, reduce_only_rests=False,
            ),
            absent(
                "its word may be about the order that rests; lists and witness agree", FLAT,
                **gap, said_zero=True, reduce_only_rests=True, absent_twice=True, witness=True,
            ),
            absent(
                "its word may be about the order that rests; one list is none", CONTRADICTED,
                **gap, said_zero=True, reduce_only_rests=True, absent_twice=False,
            ),
            absent(
                "its word may be about the order that rests; nobody asked alone", CONTRADICTED,
                **gap, said_zero=True, reduce_only_rests=True, absent_twice=True, witness=False,
            ),
            absent(
                "two lists a second apart, and the answer about the pair alone", FLAT,
                **gap, said_zero=False, absent_twice=True, witness=True,
            ),
            absent("two lists alone", CONTRADICTED,
                   **gap, said_zero=False, absent_twice=True, witness=False),
            absent("one list, whatever else", CONTRADICTED,
                   **gap, said_zero=False, absent_twice=False),
        )
    ),
)  # fmt: skip


def every_evidence() -> Iterator[Evidence]:
    for listed in Listed:
        for values in itertools.product((False, True), repeat=len(FACTS)):
            yield Evidence(listed=listed, **dict(zip(FACTS, values, strict=True)))


def row_of(evidence: Evidence) -> Row:
    [row] = [row for row in TABLE if row.applies_to(evidence)]
    return row


def test_table_has_exactly_one_row_for_each_combination() -> None:
    rows = [row_of(evidence) for evidence in every_evidence()]
    assert len(rows) == len(Listed) * 2 ** len(FACTS)
    assert {id(row) for row in rows} == {id(row) for row in TABLE}, "a row that nothing falls under"


@pytest.mark.parametrize("listed", Listed)
def test_verdict_is_the_tables_for_every_combination(listed: Listed) -> None:
    for evidence in every_evidence():
        if evidence.listed is listed:
            row = row_of(evidence)
            assert verdict_on(evidence) is row.verdict, (row.why, evidence)


def test_flat_is_never_said_without_a_list_that_shows_nothing() -> None:
    flat = {e.listed for e in every_evidence() if verdict_on(e) is Verdict.FLAT}
    assert flat == {Listed.ABSENT}


def test_one_more_doubt_never_makes_a_verdict_of_flat() -> None:
    """What could be wrong with a flat book only ever counts against it."""
    for evidence in every_evidence():
        for doubt in ("rest_unknown", "reduce_only_rests"):
            if not getattr(evidence, doubt):
                values = {name: getattr(evidence, name) for name in FACTS}
                doubted = Evidence(listed=evidence.listed, **{**values, doubt: True})
                if verdict_on(doubted) is Verdict.FLAT:
                    assert verdict_on(evidence) is Verdict.FLAT, evidence


@pytest.mark.parametrize(
    ("verdict", "is_closed", "may_change"),
    [
        (Verdict.FLAT, True, False),
        (Verdict.FILLED, True, False),
        (Verdict.OPEN, False, False),
        (Verdict.LATE, False, True),
        (Verdict.CONTRADICTED, False, True),
        (Verdict.UNREAD, False, True),
    ],
)
def test_each_verdict_says_whether_it_is_closed_and_whether_a_look_may_change_it(
    verdict: Verdict, is_closed: bool, may_change: bool
) -> None:
    assert (verdict.is_closed, verdict.may_change) == (is_closed, may_change)
