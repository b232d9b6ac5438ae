"""Puts a run's page together: reads the trail, tells the story, fills the template, writes it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from freqtrade_liquidation.audit.free_text import visible
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.files import write_whole
from freqtrade_liquidation.frontends.html import formats
from freqtrade_liquidation.frontends.html.story import tell
from freqtrade_liquidation.frontends.html.timeline import timeline
from freqtrade_liquidation.frontends.html.values import Outcome, PairStory, SentKind, Story
from freqtrade_liquidation.frontends.words import Row, who
from freqtrade_liquidation.model import PairState
from freqtrade_liquidation.pages import ENDINGS, render

ROOM: Final = "freqtrade_liquidation.frontends.html"
LISTED: Final = 50
"""Runs in the page's last list."""
OPENED_UP_TO: Final = 24
"""Longer tables of requests are folded."""


def write_report(audit: AuditLog, run: Row, path: Path) -> None:
    """Writes the page of *run* to *path*; a page that stands there is replaced.

    :raises AuditUnreadable: if the database does not answer.
    :raises OSError: if *path* cannot be written.
    :raises PlotlyMissing: without the extra ``plot``.
    """
    write_whole(path, [page(audit, run)], replaces=ENDINGS)


def page(audit: AuditLog, run: Row) -> str:
    """The page of *run*. See :func:`write_report`."""
    story = tell(run, list(audit.events(run["correlation_id"])))
    runs = list(audit.runs(LISTED + 1))
    return render(
        ROOM,
        "run.html",
        clean=visible,
        figures={"timeline": timeline(story)} if story.requests or story.marks else None,
        f=formats,
        run=run,
        story=story,
        verdict=verdict(story),
        facts=list(_facts(story)),
        who=who(run),
        newer=[other for other in runs if other["started_at"] > run["started_at"]],
        runs=runs[:LISTED],
        more_runs=len(runs) > LISTED,
        unit=_unit(story),
        settings=list(_settings(story.config)),
        chain=audit.verify(),
        fold_requests=len(story.requests) > OPENED_UP_TO,
        has_stops=any(sent.kind is SentKind.STOP for sent in story.requests),
        outcome_class=_outcome_class,
        stop_words=stop_words,
        note=_note,
        made_at=datetime.now(UTC),
    )


def verdict(story: Story) -> tuple[str, str, str]:
    """``good``, ``warn`` or ``bad``; the one line to know first; and what it rests on."""
    left, many = story.left, len(story.pairs)
    match story.run["state"]:
        case "completed":
            return "good", "Flat", _how_flat(story)
        case "skipped":
            return "warn", "Nothing was closed, on purpose", _skip_reason(story)
        case "in_progress":
            return (
                "bad",
                "The end of this run is not on record",
                "It is under way, or it was cut off and the bot has not started since.",
            )
        case "partial" | "failed" if left:
            open_ones = sum(pair.state == PairState.OPEN for pair in left)
            return "bad", f"Not flat: {len(left)} of {many} left", _how_left(story, open_ones)
        case _ if story.never_looked:
            return "bad", "Not flat", "The exchange did not show what is open."
        case _:
            return "bad", "Not flat", "No position is left; what stands in the way is named below."


def _how_flat(story: Story) -> str:
    pairs = story.run["pairs"]
    where = f"in {', '.join(pairs)}" if pairs else "in the run's scope"
    dust = sum(pair.state == PairState.DUST for pair in story.pairs)
    rest = f" {dust} left dust, below what the exchange takes an order for." if dust else ""
    return f"The exchange showed no position {where}, and no order that could open one.{rest}"


def _how_left(story: Story, open_ones: int) -> str:
    doubtful = len(story.left) - open_ones
    parts = [f"{open_ones} shown open"] if open_ones else []
    parts += [f"{doubtful} could not be shown closed"] if doubtful else []
    when = "When it was found cut off" if story.cut_off else "At the end of the run"
    return f"{when}: {', '.join(parts)}."


def _skip_reason(story: Story) -> str:
    said = [m.words.removeprefix("nothing closed, ") for m in story.moments if m.kind == "skipped"]
    return said[-1][:1].upper() + said[-1][1:] + "." if said else ""


def _facts(story: Story) -> Iterable[tuple[str, str, str, str]]:
    """Label, value, a smaller line, and a class."""
    run, unit = story.run, _unit(story)
    yield from _counts(story)
    yield "Nothing open after", *_flat_after(story)
    timeout = (story.config or {}).get("timeout_seconds")
    of = f"of {timeout:g} s" if isinstance(timeout, (int, float)) else ""
    yield "Took", formats.span(run["duration_seconds"]), of, ""
    yield "Profit", *_profit(story, unit), ""
    yield "Slippage", *_slippage(story, unit), ""
    yield "Orders cancelled", str(run["orders_cancelled"]), "", ""
    failed = sum(sent.outcome is not Outcome.DONE for sent in story.requests)
    yield "Failed or unanswered", f"{failed} of {len(story.requests)}", "", "bad" if failed else ""


def _counts(story: Story) -> Iterable[tuple[str, str, str, str]]:
    if story.never_looked:
        yield "Closed", "0", "the exchange was not looked at", ""
        words = formats.NOT_KNOWN if story.expected is None else str(story.expected)
        yield "Left", words, "as freqtrade's database had it", "bad" if story.expected else ""
        return
    left, many = len(story.left), len(story.pairs)
    yield "Closed", f"{many - left} of {many}", "", ""
    yield "Left", str(left), "", "bad" if left else ""


def _flat_after(story: Story) -> tuple[str, str, str]:
    if story.flat_s is not None:
        return formats.span(story.flat_s), "as the exchange showed it", ""
    return ("never", "", "bad") if story.left or story.never_looked else (formats.NONE, "", "")


def _profit(story: Story, unit: str) -> tuple[str, str]:
    if len(story.left) == len(story.pairs):
        return formats.NONE, "nothing closed"
    told = story.run["total_realized_pnl"]
    profit = story.total_realized_pnl if told is None else told
    return formats.money(profit, unit), "closed positions, fees included"


def _slippage(story: Story, unit: str) -> tuple[str, str]:
    if all(pair.filled == 0 for pair in story.pairs):
        return formats.NONE, "nothing filled"
    return formats.money(story.total_slippage, unit), _total_ratio(story.pairs)


def _total_ratio(pairs: Sequence[PairStory]) -> str:
    """Of all that was filled, where it is known for each."""
    known = [
        (p.slippage, (p.filled or 0) * (p.decision_price or 0)) for p in pairs if p.filled != 0
    ]
    notional = sum(worth for _, worth in known)
    if not notional or any(slippage is None for slippage, _ in known):
        return ""
    return formats.basis_points(sum(s for s, _ in known if s is not None) / notional)


def _unit(story: Story) -> str:
    return formats.currency_of([pair.pair for pair in story.pairs])


def _settings(config: Mapping[str, Any] | None) -> Iterable[tuple[str, str, str]]:
    """Key, value, and the default where it is another."""
    defaults = {n: f.default for n, f in LiquidationConfig.model_fields.items()}
    for key, value in (config or {}).items():
        default = defaults.get(key, value)
        default = list(default) if isinstance(default, tuple) else default
        yield key, _plain(value), "" if default == value else f"default: {_plain(default)}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _outcome_class(outcome: Outcome) -> str:
    return "good" if outcome is Outcome.DONE else "bad"


def _note(pair: PairStory) -> str:
    """What is to be known of a pair beside its numbers."""
    notes = [pair.error] if pair.error else []
    if pair.tracked is False:
        notes.append("not in freqtrade's database")
    return "; ".join(notes)


def stop_words(pair: PairStory) -> str:
    """Whether a stop protects what is left."""
    return {True: "a stop stands", False: "NO STOP", None: formats.NOT_KNOWN}[pair.protected]
