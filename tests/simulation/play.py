"""Plays a schedule with the real manager and order manager on virtual time, and keeps what
really happened."""

import asyncio
import inspect
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from freqtrade_liquidation import LiquidationConfig, LiquidationManager
from freqtrade_liquidation.audit.events import AuditEvent
from freqtrade_liquidation.audit.sink import Durability, RunRecord
from freqtrade_liquidation.exchange import client as client_module
from freqtrade_liquidation.exchange.client import ExchangeClient
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import OpenOrder, Position, Request
from freqtrade_liquidation.orders.choosing import order_manager_for
from freqtrade_liquidation.plan import Book
from freqtrade_liquidation.request_priority import CURRENT
from tests.simulation.bot import Bot, database_of
from tests.simulation.clocks import BEGAN, CLOCK, EPOCH_S, product_on_virtual_time
from tests.simulation.journal import Journal, What
from tests.simulation.schedule import HORIZON_S, Asked, Deed, Move, Schedule
from tests.simulation.virtual import play_out
from tests.simulation.wire import SimulatedLine, templates
from tests.simulation.world.account import Account
from tests.simulation.world.answers import Answers, Lags
from tests.simulation.world.records import Change, Kind, Owner, Refusal

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


class Recorded:
    """The order manager, and what it tells the run."""

    def __init__(self, order_manager: Any, journal: Journal) -> None:
        self._order_manager = order_manager
        self._journal = journal
        self._now = asyncio.get_running_loop().time
        self.round_trips = order_manager.round_trips  # the same all the time

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._order_manager, name)
        if inspect.ismethod(value):  # else it may be another one the next time
            setattr(self, name, value)
        return value

    async def get_all_positions(self, *, timeout_s: float) -> Sequence[Position]:
        asked_at = self._now()
        told: Sequence[Position] = await self._order_manager.get_all_positions(timeout_s=timeout_s)
        priority = CURRENT.get()
        if priority is not None and priority.asked_at is not None:  # asked anew, or beside itself
            asked_at = max(asked_at, priority.asked_at)
        self._journal.add(self._now(), What.SHOWN, payload=told, executed_at=asked_at)
        return told

    def recall(self) -> Book | None:
        told: Book | None = self._order_manager.recall()
        if told is not None:
            now, positions = self._now(), told.positions
            self._journal.add(now, What.SHOWN, payload=positions, executed_at=now)
        return told

    async def explain(self, pairs: Any, *, timeout_s: float) -> Any:
        asked_at = self._now()
        told = await self._order_manager.explain(pairs, timeout_s=timeout_s)
        self._journal.add(self._now(), What.EXPLAINED, payload=told, executed_at=asked_at)
        return told

    async def get_open_orders(self, *, timeout_s: float) -> Sequence[OpenOrder]:
        asked_at = self._now()
        told: Sequence[OpenOrder] = await self._order_manager.get_open_orders(timeout_s=timeout_s)
        self._journal.add(self._now(), What.LISTED, payload=told, executed_at=asked_at)
        return told


@dataclass(slots=True)
class Answer:
    """What somebody who asked was told."""

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
    defects: list[str]


def play(schedule: Schedule) -> Played:
    """From its first to its last moment, late executions included."""
    return play_out(_Stage(schedule).play())


class _Stage:
    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._journal = Journal()
        self._sink = JournalSink(self._journal)
        self._answers: list[Answer] = []
        self._defects: list[str] = []

    async def play(self) -> Played:
        schedule, loop = self._schedule, asyncio.get_running_loop()
        self._loop = loop
        loop.set_exception_handler(self._on_defect)
        markets = [book.market for book in schedule.books]
        self._account = Account(schedule.rules, markets, clock=loop.time, hear=self._changed)
        with product_on_virtual_time(skew_s=schedule.skew_s):
            bot = self._bot = Bot(schedule, self._account)
            with database_of(bot):
                wire = self._wire()
                venue = self._order_manager(wire)
                for move in schedule.moves:
                    loop.call_later(move.at_s, self._move, move)
                manager = self._manager(venue)
                tasks = [loop.create_task(self._ask(manager, one)) for one in schedule.asked]
                await asyncio.wait(tasks)
                await asyncio.sleep(max(0.0, BEGAN + HORIZON_S - loop.time()))
        return Played(
            schedule,
            self._journal,
            self._account,
            self._sink.runs,
            self._answers,
            [*self._defects, *wire.defects],
        )

    def _wire(self) -> SimulatedLine:
        schedule = self._schedule
        api = templates(spot=schedule.spot).api
        lags = schedule.lags
        forgets = {self._bot.keys[key].order_id: span for key, span in lags.forgets.items()}
        lags = Lags(
            positions=lags.positions,
            orders=lags.orders,
            stops=lags.stops,
            balance=lags.balance,
            known_after=lags.known_after,
            omits=lags.omits,
            forgets=forgets,
        )
        self._seen = Answers(self._account, lags, began=BEGAN)
        api.play(self._account, self._seen, epoch_s=EPOCH_S, skew_s=schedule.skew_s)
        return SimulatedLine(schedule, self._journal, self._account, api)

    def _order_manager(self, wire: SimulatedLine) -> Any:
        client_module.FAILED_READS.random.seed(self._schedule.seed)
        venue = order_manager_for(
            wire.exchange,
            ExchangeClient(wire.exchange, line=wire),
            self._bot.trades(),
            account_scope=not self._schedule.shared,
            gate=self._bot.gate,
            clock=self._bot.clock,
        )
        venue.booker = self._bot
        venue.loop = self._bot
        self._bot.gate.bar(None)
        return venue

    def _manager(self, venue: Any) -> LiquidationManager:
        return LiquidationManager(
            _config(self._schedule),
            Recorded(venue, self._journal),
            self._sink,
            SILENT,
            utcnow=CLOCK.utcnow,
            random=random.Random(self._schedule.seed),
        )

    async def _ask(self, manager: LiquidationManager, asked: Asked) -> None:
        if asked.at_s:
            await asyncio.sleep(asked.at_s)
            if not any(answer.result is None for answer in self._answers):
                return  # it would begin anew, with another order manager and the database as booked
        answer = Answer(asked)
        self._answers.append(answer)
        fact = self._journal.add(self._loop.time(), What.ASKED, payload=answer, words=asked.trigger)
        pairs = None if asked.pairs is None else frozenset(asked.pairs)
        try:
            answer.result = await manager.execute_liquidation(
                request=Request(trigger=asked.trigger, pairs=pairs)
            )
        except Exception as error:  # noqa: BLE001 - an invariant says that there is none
            answer.raised = f"{type(error).__name__}: {error}"
        self._journal.add(self._loop.time(), What.RESULT, request=fact, payload=answer)

    def _changed(self, change: Change) -> None:
        order = change.order
        self._journal.add(
            self._loop.time(),
            What.CHANGE,
            pair=order.pair,
            order_id=order.order_id,
            words=change.what,
            amount=change.amount,
            payload=change,
        )

    def _on_defect(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if "never retrieved" not in context["message"]:  # told by the garbage collector, or not
            self._defects.append(str(context.get("exception") or context["message"]))

    # -- the others -------------------------------------------------------------------------

    def _move(self, move: Move) -> None:
        account, order = self._account, self._bot.keys.get(move.key)
        match move.deed:
            case Deed.FILL if order is not None:
                account.fill(order, move.share)
            case Deed.TRIGGER if order is not None:
                account.trigger(order)
            case Deed.USER_CANCELS if order is not None and order.rests:
                conditional = account.is_conditional(order)
                account.cancel(order.order_id, order.pair, conditional=conditional, by=Owner.USER)
            case Deed.USER_TRADES:
                self._trade(move.pair, move.amount, Owner.USER)
            case Deed.MARGIN_CALL:
                self._trade(move.pair, -account.held[move.pair].now, Owner.EXCHANGE)
            case Deed.USER_RESTS if move.order is not None:
                self._rest(move)

    def _trade(self, pair: str, signed: float, owner: Owner) -> None:
        account = self._account
        if self._schedule.spot and signed < 0:
            signed = -min(-signed, max(0.0, account.free(pair)))
        step = account.markets[pair].step
        amount = round(abs(signed) / step) * step
        order = account.new_order(
            pair, "buy" if signed > 0 else "sell", Kind.MARKET, amount, owner=owner
        )
        try:
            account.place(order)
        except Refusal:
            return

    def _rest(self, move: Move) -> None:
        wanted = move.order
        assert wanted is not None
        order = self._account.new_order(
            move.pair,
            wanted.side,
            wanted.kind,
            wanted.amount,
            owner=wanted.owner,
            reduce_only=wanted.reduce_only,
            trigger=wanted.trigger,
            limit=wanted.limit,
        )
        try:
            self._account.place(order)
        except Refusal:
            return
        self._bot.keys[wanted.key] = order


_CONFIGS: dict[str, LiquidationConfig] = {}


def _config(schedule: Schedule) -> LiquidationConfig:
    key = repr(sorted(schedule.config.items()))
    if key not in _CONFIGS:
        _CONFIGS[key] = LiquidationConfig(**schedule.config)
    return _CONFIGS[key]
