"""What is known of each pair in the course of a run: lists, fills, and the exchange's word.

A list of positions tells of the moment at which the exchange took it, which is not known: between
its asking and its answer, or seconds before, where lists are late. So an amount that a list shows
is compared with every amount that the position is known to have had. One that it had before our
fill is late; one that it never had is news, and counts from then on.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from freqtrade_liquidation.digits import sum_of
from freqtrade_liquidation.model import AMOUNT_TOLERANCE, UNLISTED, Position, Side
from freqtrade_liquidation.ports import Explanation
from freqtrade_liquidation.run.proof import Evidence, Listed, Verdict, verdict_on

APART_S: Final = 1.0
"""Two lists that both lack a pair are two witnesses if they were asked for this far apart."""
APART_AFTER_FILL_S: Final = 3.0
"""The same, after the exchange has told of an entry's fill: its lists lag behind those."""
LATE_AT_MOST_S: Final = 1.5
"""A list asked for this long after a fill is believed, where it is not certain which amount the
position had before the fill."""
LATE_IN_ANY_CASE_S: Final = 3.0
"""A list asked for this long after a fill is believed, whatever it shows: a close that only reduces
does no harm where it is wrong."""


@dataclass(frozen=True, slots=True)
class _Had:
    """An amount that the position had.

    :param certain: ``False`` = a list that was asked for before a fill was answered showed it: it
        may be the amount before the fill, or after it.
    """

    amount: float
    certain: bool = True


@dataclass(slots=True)
class PairHistory:
    """One pair. Amounts in base currency; moments on the loop's clock.

    :ivar first: the position as it was first known; ``None`` = nothing was.
    :ivar balance: what is left of it by all that is known; never negative. Where a list may be of
        before a fill or of after it, of before: no more than that is closed. What is left at most
        decides whether nothing is.
    :ivar shown: as the newest list shows it; ``None`` = it does not.
    :ivar _closed_since: what orders are known to have closed since that list was read.
    :ivar _bots: as much of it as the bot's own orders can account for.
    :ivar _claimed: what the bot's trades said that it was, when the run began.
    :ivar _unanswered: closing orders without an answer that tells their end.
    :ivar _maybe_listed: orders that were on their way when the list was read that is believed: it
        may be of before their fills or of after them.
    :ivar _filled_beside: base currency that those have filled.
    :ivar _unsure_at: when it was last heard that less may be open than the lists show.
    :ivar _left_out: a list has lacked the pair that the exchange showed when it was asked about it
        alone: that a list lacks it proves nothing any more.
    """

    first: Position | None = None
    balance: float = 0.0
    _at_most: float = 0.0
    shown: Position | None = None
    _like: Position | None = None
    _minimum: float = 0.0
    _closed_since: float = 0.0
    _bots: float = 0.0
    _bots_side: Side | None = None
    _claimed: float = 0.0
    _unanswered: set[str] = field(default_factory=set)
    _maybe_listed: frozenset[str] = frozenset()
    _filled_beside: float = 0.0
    _unsure_at: float = float("-inf")
    _left_out: bool = False
    _listed: Listed = Listed.UNREAD
    _listed_once: bool = False
    _others: bool = False
    _had_others: bool = False
    _had: list[_Had] = field(default_factory=list)
    _filled: float = 0.0
    _filled_at: float = 0.0
    _closed: float = 0.0
    _opened: bool = False
    _may_have_grown: bool = False
    _opened_at: float = 0.0
    _zero_at: float = 0.0
    _is_news: bool = False
    _absent_since: float | None = None
    _absent_until: float = 0.0
    _witness: bool = False
    _entries_unknown: set[str] = field(default_factory=set)
    _entries_open: set[str] = field(default_factory=set)
    _in_doubt: set[str] = field(default_factory=set)

    # -- what is heard ----------------------------------------------------------------------

    def claim(self, position: Position, *, by_trades: bool = True) -> None:
        """The bot's trades, or an earlier run, say that *position* is open."""
        self.first = self.first or position
        self._minimum = position.minimum_amount or self._minimum
        if by_trades:
            self._bots, self._bots_side = position.amount, position.side
            self._claimed = self._claimed or position.amount
        if not self._listed_once and not self._filled_at:
            self._like, self.balance = position, position.amount
            self._had, self._at_most = [_Had(position.amount)], 0.0

    def closed(
        self, amount: float, *, at: float, order: str = "", may_be_listed: bool = False
    ) -> None:
        """The answer to an order, heard at *at*, says that it has closed *amount*.

        :param order: its client order id, of a close of ours.
        :param may_be_listed: it may have filled before the newest list of positions.
        """
        if amount > 0:
            self._unanswered.discard(order)
            if may_be_listed or order in self._maybe_listed:
                self._filled_beside = sum_of(self._filled_beside, amount)
            if order in self._maybe_listed:  # what it shows may be left after this fill
                self._doubt_had()
            self.balance = max(0.0, sum_of(self.balance, -amount))
            self._at_most = max(0.0, sum_of(self._at_most, -amount))
            self._bots = max(0.0, sum_of(self._bots, -amount))
            self._closed_since = sum_of(self._closed_since, amount)
            self._filled = sum_of(self._filled, amount)
            self._closed = sum_of(self._closed, amount)
            self._changed(at)

    def in_doubt(self, client_order_id: str) -> None:
        """A closing order was sent, and what it has filled is not known."""
        self._in_doubt.add(client_order_id)
        self._unanswered.add(client_order_id)

    def out_of_doubt(self, client_order_id: str) -> None:
        """Its answer was heard."""
        self._in_doubt.discard(client_order_id)

    def may_be_less(self, *, at: float) -> None:
        """A close has ended without saying what it has filled, or was refused as if less were open
        than is listed, as was heard at *at*."""
        self._unsure_at = max(self._unsure_at, at)

    def explained(self, left: float, *, at: float, is_gone: bool = False) -> None:
        """The bot's own orders account for all but *left* of what was the bot's. They cannot have
        closed more than was there: what is known to be less is of after them.

        :param is_gone: the exchange, asked about this pair alone, shows nothing: then what was the
            bot's was all of it.
        """
        more = sum_of(self.balance if is_gone else self._bots, -left)
        if is_gone or (self._is_the_bots_side() and more <= self.balance * (1 + AMOUNT_TOLERANCE)):
            self.closed(more, at=at)
        self._bots = min(self._bots, left)

    def opened(self, position: Position, *, at: float, since_listed: bool = True) -> None:
        """An entry has filled; *position* is what it opened.

        :param since_listed: ``False`` = it may have filled before the list that shows the pair, and
            be in it.
        """
        self.first = self.first or position
        if self.shown is not None and not since_listed:
            more = sum_of(self.balance, position.amount)
            self._had.append(_Had(more, certain=False))
            return
        if not since_listed:  # before all that is known to have closed, perhaps
            earlier = (sum_of(had.amount, position.amount) for had in self._had)
            self._had += [_Had(amount, certain=False) for amount in earlier]
        more = position.amount if self._is_same_row(position) else -position.amount
        balance = sum_of(self.balance, more)
        if balance < 0.0 or self.balance <= 0.0:  # it was flat, or is flipped
            self._like = position
        self.balance = abs(balance)
        self._bots = sum_of(self._bots, position.amount)
        self._changed(at)
        self._opened = True
        self._may_have_opened(at)

    def accounts_for(self, opened: Position) -> bool:
        """Whether our orders have closed what an entry has opened, beside what was there."""
        whole = sum_of(self._claimed, opened.amount)
        return self._closed >= whole * (1 - AMOUNT_TOLERANCE)

    def entry_may_fill(self, order_id: str) -> None:
        """The bot's database calls an entry open, and no list has told of it yet."""
        self._entries_open.add(order_id)

    def entry_is_gone(self, order_id: str, *, at: float) -> None:
        """An entry does not rest any more, as was heard at *at*, and what it has filled is not
        known."""
        self._entries_unknown.add(order_id)
        self._may_have_opened(at)

    def entry_is_known(self, order_id: str) -> bool:
        """What it has filled is known by now. :returns: whether that is news."""
        is_news = order_id in self._entries_unknown | self._entries_open
        self._entries_unknown.discard(order_id)
        self._entries_open.discard(order_id)
        return is_news

    def said_zero(self, *, sent_at: float, at: float) -> None:
        """A close that was sent at *sent_at* was refused, at *at*, because the position is zero."""
        if sent_at < self._opened_at:
            return  # it may have been refused before
        self._zero_at = at
        self._is_news = False
        self.may_be_less(at=at)

    def shown_alone(self, position: Position, *, asked_at: float) -> None:
        """The exchange, asked about this pair alone, showed *position*."""
        self._left_out |= self._listed is Listed.ABSENT and asked_at >= self._absent_until
        self.listed(position, asked_at=asked_at)

    def listed(self, position: Position | None, *, asked_at: float) -> None:
        """A newer list of positions was read; *position* is what it shows of the pair."""
        self.shown, self._closed_since = position, 0.0
        self._in_doubt.clear()  # what has no known fill is uncertain in the list, where it matters
        if position is None:
            self._listed = Listed.ABSENT
            if asked_at >= self._opened_at:
                self._absent_until = asked_at
                self._absent_since = asked_at if self._absent_since is None else self._absent_since
            return
        self._listed = Listed.PRESENT
        self._others = position.has_others
        self._had_others |= position.has_others
        self._absent_since, self._witness = None, False
        self.first = self.first or position
        self._minimum = position.minimum_amount or self._minimum
        if self._compare(position, asked_at):
            self._maybe_listed, self._filled_beside = frozenset(self._unanswered), 0.0
        self._listed_once = True

    def witnessed(self, *, asked_at: float) -> None:
        """The exchange, asked about this pair alone, showed nothing, and no list does."""
        self._witness = self._listed is not Listed.PRESENT and asked_at >= self._opened_at

    def take_in(self, explanation: Explanation, *, asked_at: float, at: float) -> None:
        """What was asked about this pair, which a list lacks, was answered."""
        for order_id, opened in explanation.entries.items():
            is_news = self.entry_is_known(order_id) and opened is not None
            if is_news and opened is not None and not self.accounts_for(opened):
                self.opened(opened, at=at)
        if explanation.left is not None:
            is_gone = explanation.is_answered and explanation.held is None
            self.explained(explanation.left, at=at, is_gone=is_gone)
        if explanation.held is not None and not explanation.held.is_dust:
            self.shown_alone(explanation.held, asked_at=asked_at)
        elif explanation.is_answered:
            self.witnessed(asked_at=asked_at)

    def entry_has_landed(self, *, at: float) -> None:
        """freqtrade's loop has let go of an entry, as was heard at *at*: it filled, or did not."""
        self._may_have_grown = True
        self._may_have_opened(at)

    def _may_have_opened(self, at: float) -> None:
        """What was asked before says nothing of it, however late it is heard."""
        self._opened_at, self._zero_at = max(self._opened_at, at), 0.0
        self._absent_since, self._witness = None, False

    def _changed(self, at: float) -> None:
        self._had.append(_Had(self.balance))
        self._filled_at = max(self._filled_at, at)
        self._is_news = False

    def _is_same_row(self, position: Position) -> bool:
        return self._like is not None and self._like.is_same_row(position)

    def _is_the_bots_side(self) -> bool:
        """What is open is on the side that the bot's trades had: else somebody has turned it."""
        return self._like is None or self._bots_side in (None, self._like.side)

    def _doubt_had(self) -> None:
        self._had = [replace(one, certain=False) for one in self._had]

    def _compare(self, position: Position, asked_at: float) -> bool:
        """:returns: whether the list is believed, and shows another amount than was known."""
        amount, heard_at = position.amount, max(self._filled_at, self._zero_at)
        same_row = self._is_same_row(position)
        counts_fills = position.by_orders and not self._zero_at  # but not what others have closed
        counts_all = counts_fills and not position.uncertain
        if same_row and asked_at <= heard_at and not counts_all:
            differs = not _is_among(amount, self._had)
            if differs:
                known = (*(had.amount for had in self._had), amount, sum_of(amount, -self._filled))
                self._had = [_Had(one, certain=False) for one in known]
                self.balance, self._at_most = max(0.0, sum_of(amount, -self._filled)), amount
            return differs
        waits = asked_at - heard_at < LATE_AT_MOST_S
        by_word = self._zero_at > 0 and waits  # it may have been about another margin mode
        is_gone = by_word or not _is_same(amount, self.balance)
        may_be_old = heard_at > 0 and same_row and is_gone and not counts_fills
        is_old = may_be_old and asked_at - heard_at < LATE_IN_ANY_CASE_S
        if is_old and _is_among(amount, (had for had in self._had if had.certain or waits)):
            return False
        differs = not (same_row and _is_same(amount, self.balance))
        self._like, self.balance, self._at_most = position, amount, 0.0
        self._had = [_Had(amount, certain=not (differs and self._unanswered))]
        self._filled, self._filled_at, self._zero_at = 0.0, 0.0, 0.0
        self._is_news = True
        return differs

    # -- what is asked ----------------------------------------------------------------------

    def _is_covered(self, listed: Listed) -> bool:
        """All that was known to be open is accounted for, but for dust."""
        if self._left_out and listed is Listed.ABSENT and not self._witness:
            return False
        largest = max((one.amount for one in self._had), default=0.0)
        is_shown = listed is Listed.PRESENT  # what is left at most, later lists tell
        left = self.balance if is_shown else max(self.balance, self._at_most)
        if listed is Listed.UNREAD:  # nor will any list tell
            left = sum_of(left, self._filled_beside)
        return left <= max(largest * AMOUNT_TOLERANCE, self._minimum * (1 - AMOUNT_TOLERANCE))

    def verdict(
        self, *, reduce_only_rests: bool = False, list_asked_at: float | None = None
    ) -> Verdict:
        """How the pair stands by all that is known.

        :param list_asked_at: at the end of a run: a list that was asked for before our last fill
            was heard says nothing of it, and no later one will.
        """
        is_old = list_asked_at is not None and list_asked_at < self._filled_at
        listed = Listed.UNREAD if is_old else self._listed
        absent_s = self._absent_until - (self._absent_since or self._absent_until)
        after_fill = self._opened or self._may_have_grown
        return verdict_on(
            Evidence(
                listed=listed,
                known=bool(self._had),
                covered=self._is_covered(listed),
                rest_unknown=self._others or bool(self._entries_unknown | self._entries_open),
                is_news=self._is_news,
                said_zero=self._zero_at > 0.0 and not self._had_others,
                absent_twice=absent_s >= (APART_AFTER_FILL_S if after_fill else APART_S),
                witness=self._witness,
                reduce_only_rests=reduce_only_rests,
            )
        )

    @property
    def is_listed(self) -> bool:
        """A list of positions was read, whether it shows the pair or not."""
        return self._listed is not Listed.UNREAD

    @property
    def was_open(self) -> bool:
        """A list of this run has shown it, or an order has filled that it was known to have."""
        return self.first is not None and (self._listed_once or self._closed > 0.0 or self._opened)

    @property
    def amount(self) -> float:
        """Base currency, of what there was to close: as first known, or what has been closed and
        what is left, where that is more."""
        left = self.left
        all_of_it = sum_of(self._closed, 0.0 if left is None else left.amount)
        return max(self.first.amount if self.first else 0.0, all_of_it)

    def is_done(self, verdict: Verdict, *, before: float) -> bool:
        """Whether all of its orders are at their end.

        :param before: on the loop's clock: fills that were heard later are not listed yet.
        """
        if self._in_doubt or self._entries_open or not self.was_open:
            return False
        by_fill = verdict in (Verdict.FILLED, Verdict.LATE) and self._filled_at <= before
        return verdict is Verdict.FLAT or by_fill

    def may_be_late(self, moment: float) -> bool:
        """At *moment*, less may be open than the lists show yet."""
        return moment - self._unsure_at < LATE_IN_ANY_CASE_S

    @property
    def left(self) -> Position | None:
        """What there is to close: no more than the newest list shows, less what our orders have
        closed since it was read, and no more than our fills have left of all that was known."""
        if self.shown is not None:
            shown = max(0.0, sum_of(self.shown.amount, -self._closed_since))
            amount = shown if self._is_news else min(shown, self.balance)
            in_doubt = bool(self._in_doubt)
            rest = replace(
                self.shown,
                amount=amount,
                uncertain=self.shown.uncertain or in_doubt,
                at_least=self.shown.at_least and not in_doubt,
            )
            return None if amount <= 0 or rest.is_dust else rest
        return None


def show(
    histories: defaultdict[str, PairHistory], positions: Iterable[Position], *, asked_at: float
) -> None:
    """A newer list of *positions* was read. Where it does not go to its end, it does not tell what
    it lacks."""
    shown: dict[str, Position] = {}
    for position in positions:
        if not position.is_dust:
            shown.setdefault(position.pair, position)
    cut_off = UNLISTED in shown
    for pair in [*histories, *(shown.keys() - histories.keys())]:
        if pair in shown or not cut_off:
            histories[pair].listed(shown.get(pair), asked_at=asked_at)


def _is_same(one: float, other: float) -> bool:
    return abs(one - other) <= AMOUNT_TOLERANCE * max(one, other)


def _is_among(amount: float, had: Iterable[_Had]) -> bool:
    return any(_is_same(amount, one.amount) for one in had)
