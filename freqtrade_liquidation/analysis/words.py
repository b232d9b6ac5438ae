"""Numbers and moments as people read them; shared by the table and the HTML report."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from freqtrade_liquidation.analysis.report import Report
from freqtrade_liquidation.analysis.summary import Point

NAMES: Final = {
    "best": "best (saves most)",
    "5 %": "5 %",
    "median": "median",
    "mean": "mean",
    "95 %": "95 %",
    "worst": "worst (costs most)",
}


class Row(NamedTuple):
    """One place of the distribution."""

    name: str
    point: Point
    when: str


def distribution(report: Report) -> Iterator[Row]:
    """From the stop that saves most to the one that costs most."""
    for key, name in NAMES.items():
        if (point := report.summary.points.get(key)) is not None:
            market, moment = report.backtest.market, point.moment
            yield Row(name, point, "" if moment is None else when(market.moment(moment)))


def money(value: float) -> str:
    """Stake currency, with its sign."""
    return f"{value:+,.2f}"


def percent(ratio: float, digits: int = 2) -> str:
    """With its sign, where there are digits."""
    return f"{ratio * 100:+.{digits}f} %" if digits else f"{ratio * 100:.0f} %"


def seconds(value: float) -> str:
    """A duration."""
    return f"{value:.2f} s" if value < 60 else f"{value:,.0f} s"


def when(moment: datetime) -> str:
    """To the minute; UTC is said once, elsewhere."""
    return f"{moment:%Y-%m-%d %H:%M}"


def count(number: int, word: str) -> str:
    """How many of something."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def saves_or_costs(cost: float, currency: str) -> str:
    """Against letting the strategy go on."""
    word = "saves" if cost < 0 else "costs"
    return f"{word} {abs(cost):,.2f} {currency}"


def head(report: Report) -> Iterator[str]:
    """What was analysed, and with which model."""
    facts = report.head()
    first, last = (report.backtest.market.moment(i) for i in (0, len(report.moments) - 1))
    size = f"{count(len(facts['pairs']), 'pair')}, {count(facts['trades'], 'trade')}"
    yield (
        f"{facts['strategy']}, {facts['trading_mode']}, {facts['timeframe']}, {when(first)} to "
        f"{when(last)} UTC: {size}, profit {money(facts['profit'])} {facts['stake_currency']}."
    )
    yield f"A stop closes at the next candle's open, {_model(report)}."


def _model(report: Report) -> str:
    """The slippage in words."""
    slippage = report.slippage
    words = f"{slippage.bps:g} bps worse"
    if slippage.impact_bps:
        words += f", and {slippage.impact_bps:g} bps × √(its share of the candle's volume)"
    return words


def answers(report: Report) -> Iterator[str]:
    """What the numbers mean, and how many there are."""
    summary, currency = report.summary, report.backtest.stake_currency
    share = summary.stops_that_cost / summary.with_positions if summary.with_positions else 0.0
    yield "Cost is what going on would have earned more than stopping; negative: the stop saves."
    yield (
        f"Of {summary.looked_at:,} moments {summary.with_positions:,} had a position; at "
        f"{percent(share, 0)} of these a stop costs. Fees and slippage of the stop alone: "
        f"{summary.friction:,.2f} {currency} (median)."
    )
    if report.moments.unpriced:
        yield f"{report.moments.unpriced:,} times an open trade had no candle: left out."


def hour(report: Report) -> str:
    """What the emergency exit would have done in the worst hour."""
    market, cost = report.backtest.market, report.moments.cost
    currency = report.backtest.stake_currency
    if (worst := report.summary.worst_hour) is None:
        return "In no hour did the account lose."
    return (
        f"Worst hour: {when(market.moment(worst.start))} to {when(market.moment(worst.end))} UTC, "
        f"{money(worst.change)} {currency}. Against going on, a stop at its beginning "
        f"{saves_or_costs(cost[worst.start], currency)}, at its end "
        f"{saves_or_costs(cost[worst.end], currency)}."
    )


def time(report: Report) -> str:
    """Whether the configured time is enough."""
    summary, pace = report.summary, report.pace
    limit = f"{pace.rate_limit:g} requests/s" if pace.rate_limit else "no rate limit"
    within = pace.positions_within(report.timeout_seconds)
    enough = {None: "any number of them", 0: "not even one"}.get(within, f"up to {within} of them")
    size = count(summary.most_positions, "position")
    given = f"{pace.round_trip_ms:g} ms round trip, {limit}"
    return (
        f"Time to flat: {seconds(summary.longest_s)} for {size}, the most at once ({given}). "
        f"timeout_seconds is {report.timeout_seconds:g}: time for {enough}."
    )
