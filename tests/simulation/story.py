"""A played schedule told as a timeline that a person can follow."""

from collections.abc import Iterator
from typing import Any

from freqtrade_liquidation.model import Position
from tests.simulation.journal import Actor, Fact, What
from tests.simulation.play import BEGAN, Played
from tests.simulation.schedule import Market, Schedule, Verb


def tell(played: Played) -> str:
    """Line by line: what was there, what happened when, what people were told."""
    return "\n".join([*_setting(played.schedule), *_course(played), *_end(played)])


def _setting(schedule: Schedule) -> Iterator[str]:
    kind = "spot" if schedule.spot else "futures"
    lag = f", positions shown {schedule.lag_s:g} s late" if schedule.lag_s else ""
    yield f"schedule {schedule.seed}: {kind}{lag}; {dict(schedule.config)}"
    for market in schedule.markets:
        yield f"  {_market(market)}"
    if schedule.in_air:
        yield f"  entry in the air: {', '.join(schedule.in_air)}"


def _market(market: Market) -> str:
    resting = ", ".join(f"{o.order_id} ({o.side} {o.amount:g})" for o in market.resting)
    more = [
        f"{market.own_coins:g} of the user's own" if market.own_coins else "",
        f"largest order {market.maximum:g}" if market.maximum else "",
        f"obstacle: {market.obstacle}" if market.obstacle else "",
        f"resting: {resting}" if resting else "",
    ]
    return "; ".join([f"{market.pair} {market.amount:g}", *(text for text in more if text)])


def _course(played: Played) -> Iterator[str]:
    names: dict[str, str] = {}
    for fact in played.journal.facts:
        text = _line(fact, names)
        if text:
            yield f"{fact.at - BEGAN:8.3f} s  {text}"


def _line(fact: Fact, names: dict[str, str]) -> str:
    """*names*: short ones for our orders, whose ids differ from one time to the next."""
    if fact.verb is Verb.CLOSE and fact.order_id not in names:
        names[fact.order_id] = f"close{len(names) + 1}"
    order = names.get(fact.order_id, fact.order_id)
    what = " ".join(text for text in (str(fact.verb or ""), fact.pair, order) if text)
    match fact.what:
        case What.ASKED:
            pairs = fact.payload.asked.pairs
            return f"{fact.words} asks for {'the whole book' if pairs is None else pairs}"
        case What.EVENT:
            return f"    on record: {fact.words} {fact.pair} {fact.payload.error or ''}".rstrip()
        case What.REQUEST:
            amount = f" {fact.amount:g}" if fact.amount else ""
            return f"  -> {what}{amount}  [{fact.words}]"
        case What.ANSWERED:
            return f"  <- {what}"
        case What.LOOKED:
            return ""
        case What.LISTED:
            return f"     listed: {', '.join(o.order_id for o in fact.payload) or 'nothing'}"
        case What.SHOWN:
            return f"     shown: {_positions(fact.payload)}"
        case What.RAISED | What.GIVEN_UP:
            return f"  <- {what} {fact.what}: {fact.words}".rstrip(": ")
        case What.FILL:
            who = {Actor.US: "our order", Actor.MARKET: "the market", Actor.USER: "a person"}
            name = order if fact.actor is Actor.US or order else "-"
            change = f"{fact.before:g} -> {fact.after:g}"
            return f"  ** {fact.pair} {change} by {who[fact.actor]} ({name})"
        case What.PLACED | What.GONE:
            words = fact.words or "rests"
            return f"  ** {fact.pair} order {fact.order_id} ({fact.amount:g}) {words}"
        case What.RESULT:
            return f"{fact.payload.asked.trigger} is told: {_result(fact.payload.result)}"
        case _:
            return f"{fact.what} {what}".rstrip()


def _positions(positions: list[Position]) -> str:
    told = [f"{p.pair} {p.amount:g}{' uncertain' if p.uncertain else ''}" for p in positions]
    return ", ".join(told) or "nothing"


def _result(result: Any) -> str:
    if result is None:
        return "nothing"
    pairs = ", ".join(f"{o.pair} {o.state}" for o in result.outcomes)
    why = f" ({'; '.join(result.errors)})" if result.errors else ""
    return f"{result.state}: {pairs or 'no pair'}{why}"


def _end(played: Played) -> Iterator[str]:
    held = ", ".join(f"{p} {a:g}" for p, a in played.account.held.items() if a) or "nothing"
    resting = ", ".join(sorted(played.account.orders)) or "nothing"
    yield f"in the end: holds {held}; rests {resting}"
