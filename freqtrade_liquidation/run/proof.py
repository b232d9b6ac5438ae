"""Whether a pair is flat: from evidence to verdict. Pure.

A list of positions that lacks a pair proves little by itself. Lists lag behind fills by seconds,
and an exchange in trouble answers with nothing. Three ways were weighed to tell "closed" from "not
listed":

- Believe the list. Then one wrong answer takes the stops off an open position.
- Believe our own orders. Then a position that grew meanwhile, or was never ours, stays unseen.
- Believe what agrees. A list counts where nothing that is known contradicts it; what contradicts it
  has to be explained, by fills, by the exchange's word that the position is zero, or by two lists
  and the answer about this pair alone.

The last one is what stands here. The truly flat books that it must call flat: closed by hand last
week, liquidated by the exchange, delisted, closed by a stop long ago, two trades of one pair, dust,
a reduce-only order without a position. The open ones that must not fool it: a list that was asked
for before the fill, a list that is late, a list that is empty by mistake, an entry that filled
between two lists.
"""

from dataclasses import dataclass
from enum import StrEnum


class Listed(StrEnum):
    """What the newest list of positions says of a pair."""

    PRESENT = "present"
    ABSENT = "absent"
    UNREAD = "unread"
    """There is no list (yet)."""


class Verdict(StrEnum):
    """How a pair stands, as far as it is proven."""

    FLAT = "flat"
    """A list shows nothing, and nothing contradicts it."""
    FILLED = "filled"
    """No list tells; the final fills of our orders cover all that was known to be open."""
    OPEN = "open"
    """A list shows it, and no fill of ours says otherwise."""
    LATE = "late"
    """A list shows what our final fills have closed: wait and look again, send nothing."""
    CONTRADICTED = "contradicted"
    """A list shows nothing, and nothing explains where the position went."""
    UNREAD = "unread"
    """Nothing is known of it now."""

    @property
    def is_closed(self) -> bool:
        """Shown closed, by a list or by its orders' final fills."""
        return self in (Verdict.FLAT, Verdict.FILLED)

    @property
    def may_change(self) -> bool:
        """Another look may tell more."""
        return self in (Verdict.LATE, Verdict.CONTRADICTED, Verdict.UNREAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known of one pair.

    :param listed: what the newest list says.
    :param known: something was known to be open: a trade, an earlier list, the fill of an entry.
    :param covered: final fills of closing orders add up to all that was known to be open.
    :param rest_unknown: more may be open, and how much is not known: an entry is gone that may have
        filled, or the pair has another position.
    :param is_news: the list shows an amount or a side that the position never had while we knew it,
        or was asked for so long after the fill that it cannot be late any more.
    :param said_zero: the exchange refused a close because the position is zero, after all that is
        known to have opened it.
    :param absent_twice: two lists, a second apart, showed nothing.
    :param witness: the exchange, asked about this pair alone, showed nothing, too.
    :param reduce_only_rests: an order that can only reduce rests on the pair.
    """

    listed: Listed
    known: bool
    covered: bool
    rest_unknown: bool
    is_news: bool
    said_zero: bool
    absent_twice: bool
    witness: bool
    reduce_only_rests: bool


def verdict_on(evidence: Evidence) -> Verdict:
    """The verdict; see the table in ``tests/unit/run/test_proof.py`` for each case."""
    match evidence.listed:
        case Listed.UNREAD:
            covered = evidence.known and evidence.covered and not evidence.rest_unknown
            return Verdict.FILLED if covered else Verdict.UNREAD
        case Listed.PRESENT:
            gone = (evidence.known and evidence.covered) or evidence.said_zero
            return Verdict.LATE if gone and not evidence.is_news else Verdict.OPEN
        case Listed.ABSENT:
            return Verdict.FLAT if _is_explained(evidence) else Verdict.CONTRADICTED


def _is_explained(evidence: Evidence) -> bool:
    if not (evidence.known or evidence.rest_unknown):
        # An order that only reduces belongs to a position: where is it?
        return not evidence.reduce_only_rests or evidence.absent_twice
    if evidence.covered and not evidence.rest_unknown:
        return True
    if evidence.said_zero and not evidence.reduce_only_rests:
        return True
    return evidence.absent_twice and evidence.witness
