"""Runs as they were recorded, so that the page is tested with what bots really write.

Each file holds the run's row and then its events, as ``show-liquidations --print-json`` writes
them. They are drills (``--faults refused``, ``rate-limit`` = retried, ``lost-answer``, ``hang`` =
silent) and two bots on the practice exchange: one on spot, with one sale refused and one of unknown
outcome, and one that was killed while it carried out an operator's command. The markup in errors
and in the reason was put there on purpose.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.audit.sink import RunRecord
from freqtrade_liquidation.frontends.html.story import tell
from freqtrade_liquidation.frontends.html.values import PairStory, Sent, SentKind, Story

FOLDER = Path(__file__).with_name("recorded")
NAMES = ("refused", "retried", "lost_answer", "silent", "spot", "cut_off")


@dataclass(frozen=True, slots=True)
class Recording:
    """One run's row and its events."""

    run: dict[str, Any]
    events: list[dict[str, Any]]

    def story(self) -> Story:
        """What the page tells."""
        return tell(self.run, self.events)


def recorded(name: str) -> Recording:
    """The recording of that name."""
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    run, *events = map(json.loads, lines)
    return Recording(run, events)


def pair_of(story: Story, pair: str) -> PairStory:
    """The one that begins so."""
    [found] = [one for one in story.pairs if one.pair.startswith(pair)]
    return found


def sent_for(story: Story, pair: str, kind: SentKind) -> list[Sent]:
    """Requests of that kind for the pair that begins so."""
    return [s for s in story.requests if s.kind is kind and s.pair.startswith(pair)]


def trail_of(folder: Path, *recordings: Recording, masker: Masker | None = None) -> AuditLog:
    """An audit trail that holds *recordings*, chained anew."""
    log = AuditLog(
        f"sqlite:///{folder}/trail.sqlite", fallback=folder / "f", masker=masker or Masker()
    )
    for recording in recordings:
        log.record([_event(row) for row in recording.events], _run(recording.run))
    return log


def _event(row: Mapping[str, Any]) -> AuditEvent:
    known = {field.name: row[field.name] for field in fields(AuditEvent)}
    known["event_type"] = AuditEventType(row["event_type"])
    known["timestamp"] = datetime.fromisoformat(row["timestamp"])
    return AuditEvent(**known)


def _run(row: Mapping[str, Any]) -> RunRecord:
    known = {field.name: row[field.name] for field in fields(RunRecord)}
    for key in ("started_at", "finished_at"):
        known[key] = None if row[key] is None else datetime.fromisoformat(row[key])
    return RunRecord(**known)
