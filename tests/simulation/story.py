"""A played schedule told as a timeline that a person can follow."""

from collections.abc import Iterator

from freqtrade_liquidation.model import Position
from freqtrade_liquidation.ports import Explanation
from tests.simulation.clocks import BEGAN
from tests.simulation.journal import Fact, What
from tests.simulation.play import Played
from tests.simulation.schedule import Book, Resting, Schedule
from tests.simulation.world.records import Change


def tell(played: Played) -> str:
    """Line by line: what was there, what happened when, what people were told."""
    return "\n".join([*_setting(played.schedule), *_course(played), *_end(played)])


def _setting(schedule: Schedule) -> Iterator[str]:
    yield f"schedule {schedule.seed}: {schedule.scope}; {dict(schedule.config)}"
    yield f"  {schedule.rules}"
    yield f"  {schedule.lags}"
    yield f"  faults {schedule.weather.faults:g}, round trip {schedule.weather.pace_s:g} s"
    if schedule.weather.dead:
        yield f"  dead: {', '.join(f'{e} ({w})' for e, w in schedule.weather.dead.items())}"
    if schedule.skew_s:
        yield f"  the bot's clock is {schedule.skew_s:g} s ahead"
    if schedule.database != "answers":
        yield f"  the database {schedule.database}"
    for book in schedule.books:
        yield f"  {_book(book)}"
    for flight in schedule.flights:
        yield f"  in flight: {flight}"


def _book(book: Book) -> str:
    trade, market = book.trade, book.market
    more = [
        f"{book.users:g} of the user's own" if book.users else "",
        f"largest order {market.maximum:g}" if market.maximum else "",
        f"called {market.renamed} today" if market.renamed else "",
        *(_resting(order) for order in book.resting),
    ]
    if trade is not None:
        kind = "dry-run trade" if trade.dry_run else "trade"
        more.insert(0, f"{kind} {trade.side} {trade.amount:g}")
    return "; ".join([f"{book.pair} {book.bots:g}", *(text for text in more if text)])


def _resting(order: Resting) -> str:
    parts = f", {order.filled:g} filled" if order.filled else ""
    at = f" at {order.trigger:g}" if order.trigger else ""
    return f"{order.key} ({order.kind} {order.side} {order.amount:g}{parts}{at}, {order.owner})"


def _course(played: Played) -> Iterator[str]:
    names: dict[str, str] = {}
    for fact in played.journal.facts:
        if text := _line(fact, names):
            yield f"{fact.at - BEGAN:8.3f} s  {text}"


def _line(fact: Fact, names: dict[str, str]) -> str:
    """*names*: short ones for our orders, whose names differ from one time to the next."""
    order = fact.order_id
    if order.startswith("ftl"):
        order = names.setdefault(order, f"close{len(names) + 1}")
    what = " ".join(text for text in (str(fact.endpoint or ""), fact.pair, order) if text)
    match fact.what:
        case What.ASKED:
            pairs = fact.payload.asked.pairs
            return f"{fact.words} asks for {'the whole book' if pairs is None else pairs}"
        case What.EVENT:
            error = _unnamed(fact.payload.error or "", names)
            return f"    on record: {fact.words} {fact.pair} {error}".rstrip()
        case What.REQUEST:
            amount = f" {fact.amount:g}" if fact.amount else ""
            return f"  -> {what}{amount}  [{fact.words}]"
        case What.ANSWERED:
            return f"  <- {what}"
        case What.RAISED | What.NOT_SENT:
            return f"  <- {what}: {_unnamed(fact.words, names)}"
        case What.GIVEN_UP:
            return f"  -- {what}: not waited for any longer"
        case What.SHOWN:
            return f"  == shown: {', '.join(map(_position, fact.payload)) or 'no positions'}"
        case What.EXPLAINED:
            told = (f"{p} {_explanation(e)}" for p, e in sorted(fact.payload.items()))
            return f"  == alone: {', '.join(told)}"
        case What.LISTED:
            listed = (f"{o.pair} {o.role} {o.order_id} {o.amount:g}" for o in fact.payload)
            return f"  == listed: {', '.join(listed) or 'no orders'}"
        case What.CHANGE:
            return f"      ** {_change(fact.payload, names)}"
        case What.RESULT:
            return _result(fact, names)


def _unnamed(text: str, names: dict[str, str]) -> str:
    for name, short in names.items():
        text = text.replace(name, short)
    return text


def _position(position: Position) -> str:
    unsure = " (uncertain)" if position.uncertain else ""
    return f"{position.pair} {position.side} {position.amount:g}{unsure}"


def _explanation(told: Explanation) -> str:
    held = "not answered" if not told.is_answered else "nothing"
    if told.held is not None:
        held = f"{told.held.side} {told.held.amount:g}"
    filled = [p.amount for p in told.entries.values() if p is not None]
    left = "unknown" if told.left is None else f"{told.left:g}"
    return f"{held} (left {left}, entries filled {sum(filled):g})"


def _change(change: Change, names: dict[str, str]) -> str:
    order = change.order
    who = names.get(order.name, order.order_id)
    text = f"{order.pair}: {order.owner}'s {order.kind.lower()} {order.side} {who}"
    if change.what == "fill":
        bots = f" (the bot's: {change.bot_before:g} -> {change.bot_after:g})"
        return f"{text} fills {change.amount:g}: {change.before:g} -> {change.after:g}{bots}"
    if change.what == "placed":
        return f"{text} {order.amount:g} is placed"
    return f"{text} is gone ({order.status}, by {change.by})"


def _result(fact: Fact, names: dict[str, str]) -> str:
    answer = fact.payload
    asked, result = answer.asked, answer.result
    if result is None:
        return f"{asked.trigger} gets {answer.raised}"
    outcomes = ", ".join(
        f"{o.pair} {o.state}"
        + (f" {o.residual_amount:g}" if o.residual_amount else "")
        + (" protected" if o.protected else "")
        for o in result.outcomes
    )
    errors = "".join(f"\n{'':12}{_unnamed(words, names)}" for words in result.errors)
    return f"{asked.trigger} is told: {result.state}; {outcomes or 'no pair'}{errors}"


def _end(played: Played) -> Iterator[str]:
    account = played.account
    held = ", ".join(
        f"{pair} {course.now:g} (the bot's {account.bots[pair].now:g})"
        for pair, course in account.held.items()
        if course.now or account.bots[pair].now
    )
    resting = ", ".join(
        f"{o.pair} {o.kind.lower()} {o.order_id} {o.left:g}"
        for o in account.orders.values()
        if o.rests
    )
    yield f"in the end: {held or 'flat'}; resting: {resting or 'nothing'}"
