"""A net that catches nothing proves nothing: known bugs are planted, and each is caught."""

import pytest

from tests.simulation.case import INVARIANTS
from tests.simulation.catalogue import DOCS, catches, documented, invariants
from tests.simulation.planted import PLANTED
from tests.simulation.searching import judge


def test_docs_list_every_planted_bug_with_its_words_and_its_invariant() -> None:
    """``python -m tests.simulation --planted`` prints the table."""
    told = {name: (words, broken) for name, (words, broken, _) in documented().items()}
    assert told == {name: (bug.words, bug.breaks) for name, bug in PLANTED.items()}


def test_docs_list_every_invariant_as_its_docstring_has_it() -> None:
    assert invariants() in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_planted_bug_is_caught_at_the_seed_that_the_docs_name(name: str) -> None:
    seed = documented()[name][2]
    assert catches(name, seed)
    assert judge(seed) == [], "nothing is planted any more"


def test_every_invariant_catches_a_planted_bug() -> None:
    """One that nothing can break is no invariant."""
    assert {bug.breaks for bug in PLANTED.values()} == set(INVARIANTS)
