"""What people read. Plain text: nothing that comes from outside can break its markup."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.digits import digits
from freqtrade_liquidation.exchange.last_answers import WRITE, LastAnswers
from freqtrade_liquidation.host.standing import Standing
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import PairOutcome, PairState
from freqtrade_liquidation.orders.trades import KnownTrade
from freqtrade_liquidation.state import LiquidationState

SHOW: Final = "freqtrade-liquidation show-liquidations"


def armed(
    config: LiquidationConfig,
    *,
    scope: str,
    untracked: list[str],
    by_telegram: bool,
    shortcomings: Sequence[str] = (),
) -> str:
    """At start: the one thing nobody may be surprised by.

    :param scope: ``account`` or ``trades``, as it is for this bot.
    :param by_telegram: whether people can answer there.
    :param shortcomings: what the exchange cannot do for a run, in sentences.
    """
    lines = [what_stopping_does(config)]
    fate = ""
    if _STOPPING & set(config.closing_triggers):
        fate = ", and will be closed, too" if scope == "account" else ", and are left alone"
        disarm = (
            "/liquidate disarm 15m" if by_telegram else "freqtrade-liquidation disarm --for 15m"
        )
        lines.append(f"To keep them: {disarm}")
    if untracked:
        lines.append(f"Unknown to the database{fate}: {', '.join(sorted(untracked))}")
    return "\n".join([*lines, *shortcomings])


def exchange_answers(last: LastAnswers) -> list[str]:
    """Whether the exchange still takes the bot's key, a line a fact."""
    s_ago = last.answered_s_ago
    if not last.refused:
        if s_ago is None:
            return [_NONE_YET]
        return [f"The exchange answered a signed request {_age(s_ago)} ago."]
    good = "No signed request was answered well."
    if s_ago is not None:
        good = f"The last good answer to any signed request came {_age(s_ago)} ago."
    return [
        f"WARNING: the exchange refused a signed {_ASKED[refusal.request == WRITE]} "
        f"{_age(refusal.s_ago)} ago, and has answered none well since: {refusal.error}"
        for refusal in last.refused
    ] + [
        f"{good} Until it takes the key, a liquidation may close nothing: check the key, what it "
        "may do and from which addresses, and this machine's clock."
    ]


_NONE_YET: Final = (
    "The bot has not told of an answer to a signed request yet (a dry-run sends none)."
)
"""In ``status`` also of a bot that has just started: it tells with its renewals of the lease."""
_ASKED: Final = {True: "order or change", False: "question"}


def _age(seconds: int) -> str:
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def trades_left_alone(trades: Iterable[KnownTrade]) -> str:
    """At start: the database holds open trades that this bot has not opened on its exchange, or
    whose rows make no sense."""
    by_kind: dict[bool, list[str]] = {False: [], True: []}
    for t in trades:
        by_kind[t.is_unreadable].append(f"{t.pair}: {t.left_alone} (trade {t.trade_id})")
    others, unreadable = ("; ".join(by_kind[kind]) for kind in (False, True))
    lines = [_not_this_bots(others)] if others else []
    if unreadable:
        lines.append(f"TRADES THAT CANNOT BE READ in the bot's database. {unreadable}.")
    return "\n".join(lines)


def _not_this_bots(named: str) -> str:
    return (
        f"TRADES THAT ARE NOT THIS BOT'S in its database. {named}. A liquidation does not sell for "
        "them, but freqtrade may sell your own coins for them. Give this bot another db_url, or "
        "delete them (/delete and the number of the trade)."
    )


_STOPPING: Final = {"shutdown", "stop"}


def what_stopping_does(config: LiquidationConfig) -> str:
    """While no maintenance window is open."""
    if not config.emergency_liquidation:
        return (
            "Stopping or restarting this bot leaves its positions open (emergency_liquidation is "
            "false)."
        )
    does = (
        "closes its positions at market"
        if config.close_positions
        else "cancels its entry orders; positions stay open (close_positions is false)"
    )
    match sorted(_STOPPING & set(config.triggers)):
        case ["shutdown", "stop"]:
            return f"Stopping this bot, also by /stop or a restart, {does}."
        case ["shutdown"]:
            return f"Ending this bot, also by a restart, {does}; /stop does not."
        case ["stop"]:
            return f"/stop {does}; ending or restarting this bot does not."
        case _:
            return "Stopping or restarting this bot leaves its positions open (see triggers)."


def what_a_stop_does(standing: Standing, config: LiquidationConfig) -> str:
    """Beside freqtrade's own reply to ``/stop``."""
    if not standing.enabled:
        why = "emergency_liquidation is false"
    elif "stop" not in config.triggers:
        why = "'stop' is not among the triggers"
    elif not config.close_positions:
        why = "close_positions is false"
    elif standing.disarmed_until is not None:
        why = f"disarmed until {standing.disarmed_until:%Y-%m-%d %H:%M} UTC"
    else:
        return "Its positions are closed at market."
    return f"Its positions stay open: {why}."


def what_a_stop_does_in_doubt() -> str:
    """Where the database does not say whether a maintenance window is open."""
    return "Its positions are closed at market, unless a maintenance window is open."


def anothers_runs(runs: Sequence[tuple[str, str]]) -> str:
    """Another process has liquidated this book; one message, however many there are.

    :param runs: ids and hosts, the newest last.
    """
    correlation_id, host = runs[-1]
    others = f", and {len(runs) - 1} more since the last look" if len(runs) > 1 else ""
    return f"Liquidation {correlation_id} was run by another process ({host}){others}."


def start_refused(correlation_id: str) -> str:
    """``/start`` while a run is under way."""
    return f"not started: liquidation {correlation_id} is under way"


def start_failed() -> str:
    """``/start`` where the latch cannot be lifted."""
    return "not started: the latch cannot be lifted now, see the log"


def started(trigger: str, expected: int) -> str:
    """A run begins."""
    return f"Liquidation started ({trigger}): {expected} open trade(s) known."


def outcome(result: LiquidationResult, currency: str, *, show: str = SHOW) -> str:
    """The truth about what is left, pair by pair.

    :param show: the command that shows the run, without its id.
    """
    lines = [_headline(result, currency)]
    left = [o for o in result.outcomes if o.is_left]
    lost = [error for error in result.errors if "LOST ITS STOP" in error]
    lines += [f"!!! {error}" for error in lost]
    if left:
        lines.append("WHAT REMAINS:")
        lines += [_remaining(o) for o in left]
    lines += [f"! {error}" for error in result.errors if error not in lost]
    lines += [_closed(o, currency) for o in result.outcomes if o not in left]
    lines.append(f"Audit trail: {show} {result.correlation_id}")
    return "\n".join(lines)


def _closed_count(result: LiquidationResult) -> str:
    """Dust was not closed, and is nothing that could be."""
    dust = sum(
        o.state is PairState.DUST and (o.residual_amount or 0.0) >= o.amount
        for o in result.outcomes
    )
    closed = f"{result.positions_closed - dust} position(s) closed"
    return f"{closed}, {dust} left as dust" if dust else closed


def _headline(result: LiquidationResult, currency: str) -> str:
    profit = (
        "profit not known"
        if result.total_realized_pnl is None
        else f"profit {result.total_realized_pnl:+.2f} {currency}"
    )
    took = f"{result.duration_seconds:.1f} s"
    match result.state:
        case LiquidationState.COMPLETED:
            return (
                f"FLAT, verified on the exchange: {_closed_count(result)}, "
                f"{result.orders_cancelled} order(s) cancelled, {profit}, {took}."
            )
        case LiquidationState.PARTIAL if not result.positions_failed:
            return f"NOT FLAT, as far as is proven: {_closed_count(result)}, {profit}, {took}."
        case LiquidationState.PARTIAL:
            return (
                f"NOT FLAT: {_closed_count(result)}, "
                f"{result.positions_failed} not shown closed, {profit}, {took}."
            )
        case LiquidationState.SKIPPED:
            return f"Liquidation skipped, positions stay open: {result.skip_reason}."
        case _:
            return f"NOT FLAT: liquidation failed, no position was shown closed, {took}."


def _remaining(outcome: PairOutcome) -> str:
    amount = outcome.amount if outcome.residual_amount is None else outcome.residual_amount
    shown = "open" if outcome.state is PairState.OPEN else "not shown closed"
    stop = {True: "its stop stands", False: "NO STOP", None: ""}[outcome.protected]
    known = "" if outcome.tracked else ", unknown to the database"
    return (
        f"- {outcome.pair} {outcome.side} {digits(amount)}: {shown}{known}"
        f"{', ' + stop if stop else ''} ({outcome.error})"
    )


def _closed(outcome: PairOutcome, currency: str) -> str:
    profit = (
        "profit not known"
        if outcome.realized_pnl is None
        else f"{outcome.realized_pnl:+.2f} {currency}"
    )
    known = "" if outcome.tracked else " (unknown to the database)"
    left = outcome.residual_amount or 0.0
    sold = outcome.amount - left
    dust = f"{digits(left)} left as dust, below the exchange's minimum" if left else ""
    if sold <= 0:
        return f"- {outcome.pair} {outcome.side}{known}: {dust}"
    text = f"- {outcome.pair} {outcome.side} {digits(sold)} closed{known}: {profit}"
    return f"{text}, {dust}" if dust else text


def second_signal(open_pairs: list[str], left_s: float) -> str:
    """Somebody is impatient: say how things stand."""
    what = ", ".join(open_pairs) if open_pairs else "nothing known to be open"
    return (
        f"Liquidation is under way ({what}); at most {left_s:.1f} s left. "
        "A third signal forces the exit and may leave positions open."
    )


def signal_waits() -> str:
    """A signal before a run has begun: freqtrade builds the bot, or a strategy keeps the loop."""
    return (
        "Signal heard: the liquidation begins as soon as it can. Once it has begun, a third signal "
        "forces the exit and may leave positions open."
    )


def disarmed(until: datetime, by: str | None) -> str:
    """While a maintenance window is open."""
    return (
        f"DISARMED by {by} until {until:%Y-%m-%d %H:%M} UTC: stopping or restarting this bot "
        "before then leaves its positions open."
    )


def armed_again(config: LiquidationConfig) -> str:
    """A maintenance window is over."""
    does = what_stopping_does(config)
    is_armed = bool(_STOPPING & set(config.closing_triggers))
    return f"Armed again. {does}" if is_armed else f"No maintenance window is open any more. {does}"


def repaired(pairs: list[str]) -> str:
    """At a start after a run whose booking did not fit into its time."""
    return f"Booked now, closed by an earlier liquidation: {', '.join(pairs)}."


def left_open(
    correlation_id: str, pairs: Sequence[str], *, repeats_left: int, by_telegram: bool
) -> str:
    """At start: an earlier run did not end flat, and this is what is open of it now.

    :param repeats_left: how often it is still repeated, from now on; 0 = no more.
    """
    command = "/liquidate" if by_telegram else "freqtrade-liquidation liquidate"
    text = f"OPEN, left by liquidation {correlation_id}: {', '.join(pairs)}."
    if repeats_left:
        text += f" It is repeated every 30 s, up to {repeats_left} more times."
    return f"{text} To close now: {command}"


def stays_stopped() -> str:
    """Why a bot does not trade after a reload."""
    return "A liquidation stopped this bot; a reload does not start it again. /start does."


def latched(by: str) -> str:
    """Why a bot does not trade after its start."""
    return (
        f"Latched by {by}: the bot stays stopped. "
        "/start (or the release command) lifts it, after you have looked."
    )
