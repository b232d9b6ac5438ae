"""What people read in Telegram. Plain text, as in ``host.messages``."""

from datetime import datetime
from typing import Any, Final

from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.digits import digits
from freqtrade_liquidation.frontends.telegram.questions import VALID_S
from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.preview import Preview, PreviewLine
from freqtrade_liquidation.host.standing import Standing

HELP: Final = (
    "Liquidation\n"
    "/liquidate - shows what would be closed, then asks\n"
    "/liquidate <pair> … - only these pairs\n"
    "/liquidate … now - closes without a question\n"
    "/liquidate status - armed or not, last run\n"
    "/liquidate disarm 15m [reason] - every automatic trigger within that time leaves positions "
    "open; at most 24h\n"
    "/liquidate arm - ends that"
)
NOBODY: Final = (
    "Telegram does not say who you are (a channel, or an anonymous sender). Nothing was done."
)
NOT_ALLOWED: Final = "You are not allowed to control this bot. Nothing was done."
TOO_OLD: Final = "This message is too old. Nothing was done. Ask again with /liquidate."
NOTHING_TO_DO: Final = "There is nothing that could be closed or cancelled."
VALID: Final = f"Estimates are of now, fees included. Valid for {VALID_S:.0f} s, once."
TOLD_AGE_S: Final = 1.0
"""A look that was shared with somebody is of now, too."""
EXPIRED: Final = "Expired: nothing was done."
CANCELLED: Final = "Cancelled: nothing was done."
UNEXPECTED: Final = "This failed unexpectedly; the log says why. See /liquidate status."


def button(preview: Preview) -> str | None:
    """What the button that does it says; ``None`` = there is nothing to do."""
    if count := preview.to_close:
        return f"Close {count} position{'' if count == 1 else 's'}"
    return f"Cancel {preview.entry_orders} entry order(s)" if preview.entry_orders else None


def question(preview: Preview) -> str:
    """What a close would do, in full."""
    head = "WHAT A LIQUIDATION WOULD DO NOW, at market:"
    if preview.age_s >= TOLD_AGE_S:
        head += f"\n(as the exchange showed it {preview.age_s:.0f} s ago: asked too often since)"
    lines = [head, *(_position(line, preview.currency) for line in preview.lines)]
    if len(preview.lines) > 1:
        lines.append(_together(preview))
    lines.append(f"Entry orders to cancel: {preview.entry_orders}")
    if preview.not_open:
        lines.append(f"Nothing is open in {', '.join(preview.not_open)}")
    lines.append(f"Scope: {_scope(preview)}")
    if preview.overrides:
        lines.append(f"Overrides the configuration: {', '.join(preview.overrides)}")
    lines.append(f"The bot: {preview.state_now} now, then {preview.state_after}")
    return "\n".join(lines)


def _scope(preview: Preview) -> str:
    whose = "every position of the account" if preview.scope == "account" else "the bot's trades"
    return whose if preview.pairs is None else f"{whose} in {', '.join(sorted(preview.pairs))}"


def _position(line: PreviewLine, currency: str) -> str:
    price = "price not known" if line.price is None else f"at about {digits(line.price)}"
    text = f"- {line.pair} {line.side} {digits(line.amount)} {price}"
    if not line.tracked:
        text += ", UNKNOWN TO THE DATABASE"
    if line.obstacle is not None:
        return f"{text}: CANNOT BE CLOSED, {line.obstacle}"
    if line.dust:
        return f"{text}: dust, below the exchange's minimum, stays"
    text += f": profit {_money(line.estimated_profit, currency)}"
    return f"{text}, cost {_money(line.estimated_cost, currency, sign='')}"


def _together(preview: Preview) -> str:
    profit = _sum([line.estimated_profit for line in preview.lines if not line.dust])
    cost = _sum([line.estimated_cost for line in preview.lines if not line.dust])
    currency = preview.currency
    return f"Together: profit {_money(profit, currency)}, cost {_money(cost, currency, sign='')}"


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _money(value: float | None, currency: str, *, sign: str = "+") -> str:
    return "not known" if value is None else f"{value:{sign}.2f} {currency}"


def asked_again(changes: list[str], text: str) -> str:
    """The book has changed between the question and the press."""
    return "\n".join(
        ["The book has changed since you were asked, nothing was sent yet:"]
        + [f"! {change}" for change in changes]
        + ["", text]
    )


def look_failed(error: Exception, command: str) -> str:
    """No preview to be had."""
    return (
        f"Nothing was done: the exchange could not be looked at ({error}).\n"
        f"{command} now closes without looking first."
    )


FORWARDED: Final = "That command was forwarded: you did not write it yourself."


def stale(age_s: float) -> str:
    """A command that took long to arrive."""
    return f"That command took {age_s / 60:.0f} min to get here."


def standing(now: Standing, config: LiquidationConfig) -> str:
    """How things stand."""
    lines = [f"If stopped by /stop: {_lower(messages.what_a_stop_does(now, config))}"]
    if now.disarmed_until is not None:
        lines.append(f"DISARMED by {now.disarmed_by} until {_minute(now.disarmed_until)}")
    lines.append(
        f"Automatic triggers: {', '.join(config.triggers) or 'none'}"
        if now.enabled
        else "SWITCHED OFF: emergency_liquidation is false"
    )
    lines.append(f"The bot: {now.bot_state}")
    if now.latched_by is not None:
        lines.append(f"LATCHED by {now.latched_by}: stays stopped until /start")
    if now.running is not None:
        lines.append(f"Under way: {now.running}")
    lines.append(_last_run(now.last_run))
    if now.too_slow is not None:
        lines.append(now.too_slow)
    lines += messages.exchange_answers(now.exchange)
    return "\n".join(lines)


def _last_run(run: dict[str, Any] | None) -> str:
    if run is None:
        return "Last liquidation: none"
    return (
        f"Last liquidation: {run['correlation_id']} ({run['trigger']}): {run['state']}, "
        f"{run['positions_closed'] or 0} closed, {run['positions_failed'] or 0} not shown closed"
    )


def disarmed(until: datetime) -> str:
    """A maintenance window is open."""
    return (
        f"DISARMED until {_minute(until)}: every automatic trigger before then leaves "
        "positions open. /liquidate still closes."
    )


def armed(what_a_stop_does: str, config: LiquidationConfig) -> str:
    """No maintenance window is open."""
    verdict = "ARMED" if config.closing_triggers else "NOT ARMED"
    return f"{verdict}. If stopped by /stop: {_lower(what_a_stop_does)}"


def _minute(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
