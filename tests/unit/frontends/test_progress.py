"""Progress: a line for each change where it is piped, one table on a terminal."""

import io

import pytest
from rich.console import Console

from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.frontends.progress import Progress

BTC = "BTC/USDT:USDT"
TYPE = AuditEventType


def event(kind: AuditEventType, pair: str | None = BTC, **more: object) -> AuditEvent:
    return AuditEvent(event_type=kind, operation="run", pair=pair, **more)  # type: ignore[arg-type]


def shown(*events: AuditEvent, terminal: bool = False) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=80, _environ={})
    with Progress(console) as progress:
        progress.say("The bot on [vps] carries it out.")
        for one in events:
            progress.hear(one)
    return file.getvalue()


def test_piped_each_change_is_one_plain_line() -> None:
    text = shown(
        event(TYPE.POSITIONS_QUERIED, None, additional_data={"positions": [{}, {}]}),
        event(TYPE.CLOSE_INTENDED),
        event(TYPE.CLOSE_INTENDED),
        event(TYPE.POSITION_CLOSE_FAILED, error="[red]refused[/red]"),
    )
    assert text.splitlines() == [
        "The bot on [vps] carries it out.",
        "2 position(s) open.",
        f"{BTC}: closing",
        f"{BTC}: NOT CLOSED: [red]refused[/red]",
    ]


def test_terminal_draws_a_table_and_leaves_what_was_said() -> None:
    text = shown(event(TYPE.POSITION_CLOSED), terminal=True)
    assert "\x1b" in text
    assert "The bot on [vps] carries it out." in text


@pytest.mark.parametrize("kind", list(AuditEventType))
def test_every_event_type_is_heard_without_an_error(kind: AuditEventType) -> None:
    shown(event(kind), event(kind, None))


def test_booked_is_not_shown_as_closed() -> None:
    """Two facts: what freqtrade wrote, and what the exchange showed."""
    assert "closed" not in shown(event(TYPE.BOOKED))
