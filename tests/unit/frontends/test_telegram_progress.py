"""One message, one edit a second, whatever Telegram does."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from freqtrade_liquidation.audit.events import AuditEvent
from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.frontends.telegram.progress import LAST_EDIT_WITHIN_S, Progress
from tests.unit.frontends.telegram_fakes import BTC, Clock


def event(kind: Event, **data: Any) -> AuditEvent:
    return AuditEvent(
        event_type=kind, operation="close", pair=BTC, error=data.pop("error", None),
        additional_data=data,
    )  # fmt: skip


class Screen:
    """Takes edits; asks for a pause as often as *pauses* says."""

    def __init__(self, clock: Clock, pauses: list[float]) -> None:
        self.clock = clock
        self.pauses = pauses
        self.edits: list[tuple[float, str]] = []

    async def show(self, text: str) -> float:
        self.edits.append((self.clock.now, text))
        await asyncio.sleep(0)
        return self.pauses.pop(0) if self.pauses else 0.0


def followed(*events: AuditEvent, pauses: list[float] | None = None) -> Screen:
    """A run that notes *events*, each after a tenth of a second."""
    clock = Clock()
    screen = Screen(clock, pauses or [])

    async def run() -> None:
        progress = Progress(screen.show, clock=clock, sleep=clock.sleep)
        following = asyncio.create_task(progress.follow())
        for noted in events:
            await asyncio.to_thread(progress.hear, noted)
            clock.now += 0.1
            for _ in range(5):
                await asyncio.sleep(0)
        await progress.end("the end")
        following.cancel()

    asyncio.run(run())
    return screen


def test_edits_are_a_second_apart_and_the_last_one_is_the_end() -> None:
    screen = followed(*(event(Event.CLOSE_INTENDED, client_order_id=i) for i in range(40)))
    times = [at for at, _ in screen.edits]
    assert len(times) > 3
    assert all(b - a >= 1 - 1e-9 for a, b in pairwise(times))
    assert [text for _, text in screen.edits].index("the end") == len(screen.edits) - 1


@pytest.mark.parametrize("pause_s", [3.0, 30.0])
def test_pause_that_telegram_asks_for_is_kept_and_the_end_still_comes(pause_s: float) -> None:
    screen = followed(event(Event.CLOSE_INTENDED, client_order_id=1), pauses=[pause_s, pause_s])
    times = [at for at, _ in screen.edits]
    assert times[1] - times[0] >= pause_s
    assert screen.edits[-1][1] == "the end"


def test_sent_accepted_and_open_are_told_apart_and_a_mended_problem_goes() -> None:
    screen = followed(
        event(Event.POSITIONS_QUERIED, positions=[1, 2]),
        event(Event.CLOSE_INTENDED, client_order_id="a"),
        event(Event.ATTEMPT_FAILED, client_order_id="a", error="busy"),
        *[event(Event.ORDERS_CANCELLED, cancelled_count=2)] * 10,
        event(Event.CLOSE_INTENDED, client_order_id="b"),
        event(Event.CLOSE_ANSWERED, client_order_id="b"),
        event(Event.VERIFIED, open_positions=[1]),
        *[event(Event.ORDERS_CANCELLED, cancelled_count=1)] * 12,
    )
    texts = [text for _, text in screen.edits[:-1]]
    assert any("! BTC/USDT:USDT: busy" in text for text in texts)
    assert "Open, as last shown: 1" in texts[-1]
    assert "2 sent, 1 accepted" in texts[-1]
    assert "busy" not in texts[-1]


def test_event_after_telegrams_loop_has_closed_disturbs_nobody() -> None:
    async def make() -> Progress:
        return Progress(Screen(Clock(), []).show)

    progress = asyncio.run(make())
    progress.hear(event(Event.COMPLETED))


def test_end_that_telegram_did_not_take_is_sent_again() -> None:
    screen = followed(pauses=[3.0])
    assert [text for _, text in screen.edits] == ["the end"] * 2
    assert screen.edits[1][0] - screen.edits[0][0] >= 3


def test_end_that_telegram_never_takes_is_given_up() -> None:
    """A reload waits for it: it must not last."""
    screen = followed(pauses=[20.0] * 9)
    assert {text for _, text in screen.edits} == {"the end"}
    assert screen.clock.now <= 1000.0 + LAST_EDIT_WITHIN_S
