"""What must hold whatever the exchange did: judged by its own log and ledger, not by ours."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.model import PairState
from freqtrade_liquidation.state import LiquidationState
from tests.integration.hostile import OWN, Played

WITHIN_S = 0.3
"""A run ends by then after its deadline (DESIGN: bars)."""


def assert_nothing_was_made_worse(played: Played) -> None:
    """Whatever went wrong: no risk added, nothing untrue said, all on record, all in time."""
    assert_nothing_was_done_wrong(played)
    _intent_precedes_each_write(played)  # the record is waited for as long as the run can afford
    _deadline_holds(played)


def assert_nothing_was_done_wrong(played: Played) -> None:
    """As above, but for what depends on how busy the machine is."""
    (_no_flip_and_no_growth if played.book.futures else _no_coin_of_the_users_sold)(played)
    _nothing_false_is_said(played)
    _stops_are_told_as_they_are(played)
    _writes_are_bounded(played)


def _no_flip_and_no_growth(played: Played) -> None:
    amounts = dict(played.book.held)
    for fill in played.practice.fills():
        before = amounts.get(fill["pair"], Decimal(0))
        signed = Decimal(fill["qty"]) * (1 if fill["side"] == "BUY" else -1)
        after = amounts[fill["pair"]] = before + signed
        assert before * after >= 0, f"{fill['pair']} was flipped"
        assert abs(after) < abs(before), f"{fill['pair']} has grown"
    assert played.practice.positions().keys() <= played.book.held.keys(), "a position was opened"
    closes = [r["params"] for r in played.writes if _name_of(r)[0] == "close"]
    assert all(p.get("reduceOnly", p.get("reduce_only")) == "true" for p in closes)


def _no_coin_of_the_users_sold(played: Played) -> None:
    balances = played.practice.balances()
    for asset, own in OWN.items():
        assert Decimal(balances[asset]["total"]) >= own, f"{asset} of the user's own was sold"
    assert not any(fill["isBuyer"] for fill in played.practice.fills(False)), "coins were bought"
    for stop in _standing_stops(played):
        bots = played.left(stop["pair"])
        assert Decimal(stop["origQty"]) <= bots, "a stop could sell the user's own coins"


def _nothing_false_is_said(played: Played) -> None:
    result = played.result
    for outcome in result.outcomes:
        if outcome.state is PairState.CLOSED:
            assert played.left(outcome.pair) == 0, f"{outcome.pair} is called closed, and is open"
        if outcome.state is PairState.OPEN and outcome.residual_amount is not None:
            assert outcome.error, "what is open has words"
    if result.state is LiquidationState.COMPLETED:
        assert played.is_flat, "COMPLETED, and the book is not flat"
    left = {pair for pair in played.book.held if played.left(pair)}
    told = {o.pair for o in result.outcomes if o.state is not PairState.CLOSED}
    assert left <= told, "what is open is left out of the report"


def _stops_are_told_as_they_are(played: Played) -> None:
    """Who is told that a stop stands has one; who has none any more is told first."""
    standing = {stop["pair"] for stop in _standing_stops(played)}
    had = {t.pair for t in played.book.trades if any(o.is_stop for o in t.open_orders)}
    for outcome in played.result.outcomes:
        if outcome.protected:
            assert outcome.pair in standing, f"{outcome.pair} has no stop, and is said to"
    for pair in had - standing:
        if played.left(pair):
            assert "LOST ITS STOP" in played.result.errors[0], f"{pair} lost its stop in silence"


def _standing_stops(played: Played) -> list[dict[str, Any]]:
    if played.book.futures:
        return played.practice.open_algo_orders()
    return [o for o in played.practice.open_orders(False) if o["type"].startswith("STOP")]


def _intent_precedes_each_write(played: Played) -> None:
    for request in played.writes:
        name = _name_of(request)
        announced = [at for at, intended in _intents(played) if intended == name]
        assert announced, f"{name} was never announced"
        assert min(announced) < request["arrived"], f"{name} was announced afterwards"
    put_back = [r for r in played.writes if _name_of(r)[0] == "stop"]
    for number, request in enumerate(put_back, start=1):
        before = [at for at, (kind, _) in _intents(played) if kind == "stop"]
        assert sum(at < request["arrived"] for at in before) >= number, "put back unannounced"


def _intents(played: Played) -> Iterator[tuple[float, tuple[str, str]]]:
    for at, event in played.audit.timed:
        data = event.additional_data
        match event.event_type:
            case Event.CANCEL_INTENDED:
                yield from ((at, ("cancel", order["order_id"])) for order in data["orders"])
            case Event.CLOSE_INTENDED:
                yield at, ("close", data["client_order_id"])
            case Event.STOP_INTENDED:
                yield at, ("stop", str(event.pair).split(":")[0].replace("/", ""))


def _name_of(request: dict[str, Any]) -> tuple[str, str]:
    """As Binance and Gate are told it."""
    params = request["params"]
    if request["method"] == "DELETE":
        return "cancel", params.get("orderId") or params.get("algoId") or params["order_id"]
    if params.get("type") == "MARKET" or params.get("price") == "0":
        return "close", params.get("newClientOrderId") or params["text"]
    return "stop", params["symbol"]


def _writes_are_bounded(played: Played) -> None:
    """Closes have a name each, so they are counted by pair: none was filled in part."""
    subjects = Counter(
        (kind, request["params"]["symbol"]) if kind == "close" else (kind, name)
        for request in played.writes
        for kind, name in [_name_of(request)]
    )
    most = played.config.max_retries + 1
    assert {what: n for what, n in subjects.items() if n > most} == {}


def _deadline_holds(played: Played) -> None:
    allowed = played.config.timeout_seconds + played.withheld_s
    assert played.ended - played.began <= allowed + WITHIN_S
    last = max(request["arrived"] for request in played.requests)
    assert last <= played.began + allowed + 0.1, "asked after the deadline"
