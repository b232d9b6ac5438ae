"""Plays a schedule with the real manager on virtual time, and keeps what really happened."""

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from freqtrade_liquidation import LiquidationConfig, LiquidationManager
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.sink import Durability, RunRecord
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import OpenOrder, OrderRole, Request
from tests.simulation.account import CRUMB, Account
from tests.simulation.journal import Actor, Journal, What
from tests.simulation.line import Line
from tests.simulation.schedule import HORIZON_S, Asked, Deed, Move, Resting, Schedule
from tests.simulation.venue import Sale, SimulatedVenue
from tests.simulation.virtual import run

BEGAN: Final = 1_000.0
"""The virtual loop's clock at the beginning of a schedule."""
RESTART_S: Final = 1.0
WALL: Final = datetime(2026, 1, 1, tzinfo=UTC)
SILENT: Final = logging.getLogger("tests.simulation.silent")
SILENT.disabled = True


class JournalSink:
    """An audit sink in memory: what is recorded is durable from that moment on."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.runs: dict[str, RunRecord] = {}

    def record(self, events: Sequence[AuditEvent], run: RunRecord | None = None) -> Durability:
        at = asyncio.get_running_loop().time()
        for event in events:
            self._journal.add(
                at,
                What.EVENT,
                pair=event.pair or "",
                words=str(event.event_type),
                payload=event,
            )
        if run is not None:
            self.runs[run.correlation_id] = run
        return Durability.DATABASE


@dataclass(slots=True)
class Answer:
    """What somebody who asked was told; *result* ``None`` = the process was killed first."""

    asked: Asked
    result: LiquidationResult | None = None
    raised: str | None = None


@dataclass(slots=True)
class Played:
    """A schedule and what came of it."""

    schedule: Schedule
    journal: Journal
    account: Account
    runs: dict[str, RunRecord]
    answers: list[Answer]
    crashed_at: int | None = None
    """The journal's place of the crash."""


def play(schedule: Schedule) -> Played:
    """From its first to its last moment, late executions included."""
    return run(_Stage(schedule).play())


class _Stage:
    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._journal = Journal()
        self._sink = JournalSink(self._journal)
        self._config = LiquidationConfig(**schedule.config)
        self._answers: list[Answer] = []

    async def play(self) -> Played:
        loop = asyncio.get_running_loop()
        self._account = Account(self._schedule, self._journal, loop.time)
        self._line = Line(self._schedule, self._journal)
        for move in self._schedule.moves:
            loop.call_later(move.at_s, self._move, move)
        venue, tasks = self._process(self._schedule.asked, in_air=self._schedule.in_air)
        crashed_at = None
        if self._schedule.crash_at_s is not None:
            await asyncio.sleep(self._schedule.crash_at_s)
            crashed_at = self._journal.add(loop.time(), What.CRASH).seq
            self._line.is_cut = True
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            tasks = await self._next_process(venue)
        await asyncio.wait(tasks)
        await asyncio.sleep(max(0.0, BEGAN + HORIZON_S - loop.time()))
        return Played(
            self._schedule,
            self._journal,
            self._account,
            self._sink.runs,
            self._answers,
            crashed_at,
        )

    def _process(
        self, asked: Sequence[Asked], *, in_air: Sequence[str]
    ) -> tuple[SimulatedVenue, list[asyncio.Task[None]]]:
        venue = SimulatedVenue(self._schedule, self._account, self._line, in_air=in_air)
        loop = asyncio.get_running_loop()
        manager = LiquidationManager(
            self._config,
            venue,
            self._sink,
            SILENT,
            utcnow=lambda: WALL + timedelta(seconds=loop.time()),
            random=random.Random(self._schedule.seed),
        )
        return venue, [loop.create_task(self._ask(manager, one)) for one in asked]

    async def _next_process(self, killed: SimulatedVenue) -> list[asyncio.Task[None]]:
        """It knows what the killed one intended, from the audit trail, and nothing else."""
        await asyncio.sleep(RESTART_S)
        self._line.is_cut = False
        venue, tasks = self._process([Asked(at_s=0.0, trigger="recovery")], in_air=())
        venue.sales.update({name: Sale(sale.order) for name, sale in killed.sales.items()})
        return tasks

    async def _ask(self, manager: LiquidationManager, asked: Asked) -> None:
        await asyncio.sleep(asked.at_s)
        answer = Answer(asked)
        self._answers.append(answer)
        loop = asyncio.get_running_loop()
        fact = self._journal.add(loop.time(), What.ASKED, payload=answer, words=asked.trigger)
        pairs = None if asked.pairs is None else frozenset(asked.pairs)
        try:
            answer.result = await manager.execute_liquidation(
                request=Request(trigger=asked.trigger, pairs=pairs), listener=self._hear
            )
        except Exception as error:  # noqa: BLE001  an invariant says that there is none
            answer.raised = f"{type(error).__name__}: {error}"
        self._journal.add(loop.time(), What.RESULT, request=fact, payload=answer)

    def _hear(self, event: AuditEvent) -> None:
        if event.event_type is AuditEventType.VERIFIED:
            self._journal.add(asyncio.get_running_loop().time(), What.LOOKED)

    # -- the others -------------------------------------------------------------------------

    def _move(self, move: Move) -> None:
        account = self._account
        match move.deed:
            case Deed.FILL_ENTRY | Deed.TRIGGER_STOP | Deed.FILL_EXIT:
                account.fill_resting(move.order_id, move.share)
            case Deed.USER_CANCELS:
                account.take_away(move.order_id, actor=Actor.USER, words="cancelled by hand")
            case Deed.USER_CLOSES:
                self._close(move, Actor.USER)
            case Deed.MARGIN_CALL:
                self._close(move, Actor.MARKET)
            case Deed.USER_OPENS:
                self._open(move, Actor.USER)
            case Deed.ENTRY_EXECUTES:
                self._open(move, Actor.MARKET)
            case Deed.ENTRY_ARRIVES:
                side = "buy" if move.amount > 0 else "sell"
                resting = Resting(
                    order_id=move.order_id,
                    role=str(OrderRole.ENTRY),
                    side=side,
                    amount=abs(move.amount),
                )
                order: OpenOrder = account.open_order(move.pair, resting)
                account.place(order, actor=Actor.MARKET)

    def _open(self, move: Move, actor: Actor) -> None:
        side = "buy" if move.amount > 0 else "sell"
        self._account.market_order(
            move.pair, side, abs(move.amount), actor=actor, reduce_only=False
        )

    def _close(self, move: Move, actor: Actor) -> None:
        held = self._account.held.get(move.pair, 0.0)
        free = held - self._account.locked(move.pair) if self._schedule.spot else held
        amount = free * move.share
        if abs(amount) > CRUMB and free * held > 0:
            side = "sell" if held > 0 else "buy"
            self._account.market_order(move.pair, side, abs(amount), actor=actor, reduce_only=False)
