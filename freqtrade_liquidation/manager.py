"""The liquidation manager: decides, runs, records and reports. Free of freqtrade."""

import asyncio
import logging
import random as random_module
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from freqtrade_liquidation.audit.events import AuditEventType as Event
from freqtrade_liquidation.audit.sink import AuditSink, RunRecord
from freqtrade_liquidation.deadline import Deadline
from freqtrade_liquidation.errors import unexpected
from freqtrade_liquidation.model import PairOutcome, PairState, Request, remainder
from freqtrade_liquidation.plan import Rules
from freqtrade_liquidation.ports import OrderManager
from freqtrade_liquidation.retry import Backoff
from freqtrade_liquidation.run import Run, RunReport
from freqtrade_liquidation.state import LiquidationState, LiquidationStep, advance
from freqtrade_liquidation.trail import Listener, Trail

if TYPE_CHECKING:
    from freqtrade_liquidation.config import LiquidationConfig


IN_THE_LOG: Final = (
    "neither the database nor the file beside it took every record in time: what they lack of the "
    "audit trail of this run stands in the bot's log"
)


def new_correlation_id(now: datetime) -> str:
    """``liq_YYYYMMDD_HHMMSS_<hex>`` in UTC."""
    return f"liq_{now.astimezone(UTC):%Y%m%d_%H%M%S}_{secrets.token_hex(4)}"


def why_skip(request: Request, config: "LiquidationConfig") -> str | None:
    """Why *request* closes nothing, in words; ``None`` = it does its work.

    The configuration governs automatic triggers only: an operator's command is always carried out.
    """
    if request.skip_reason is not None or not request.automatic:
        return request.skip_reason
    if not config.emergency_liquidation:
        return "emergency_liquidation is false"
    if request.trigger not in config.triggers:
        return f"triggers does not contain {request.trigger!r}"
    return None


def rules_for(request: Request, config: "LiquidationConfig", *, closes_need_orders: bool) -> Rules:
    """An operator's command always cancels and closes; the keys govern automatic triggers."""
    return Rules(
        cancel_entries=config.cancel_orders or not request.automatic,
        close=config.close_positions or not request.automatic,
        closes_need_orders=closes_need_orders,
    )


def does_all_of(running: Request, other: Request, config: "LiquidationConfig") -> bool:
    """Whether a run for *running* does all that a run for *other* would do, so that it may join."""
    if why_skip(other, config) is not None:
        return True
    return running.covers(other) and _as_thorough(running, other, config)


def _as_thorough(running: Request, other: Request, config: "LiquidationConfig") -> bool:
    """Whether it leaves nothing on purpose that *other* would not leave."""
    if why_skip(running, config) is not None:
        return False
    mine, theirs = (rules_for(r, config, closes_need_orders=False) for r in (running, other))
    return mine.cancel_entries >= theirs.cancel_entries and mine.close >= theirs.close


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationResult:
    """What a run came to.

    :param positions_closed: pairs shown closed by the exchange (dust included).
    :param positions_failed: pairs open, or not shown closed.
    :param total_realized_pnl: stake currency; ``None`` = not known for every closed pair.
    :param duration_seconds: from the decision to the report, on the monotonic clock.
    :param errors: in words, most urgent first; masked by whoever shows them.
    :param outcomes: by pair.
    """

    state: LiquidationState
    correlation_id: str
    positions_closed: int = 0
    positions_failed: int = 0
    orders_cancelled: int = 0
    total_realized_pnl: float | None = None
    duration_seconds: float = 0.0
    errors: tuple[str, ...] = ()
    outcomes: tuple[PairOutcome, ...] = field(default=())
    skip_reason: str | None = None

    @property
    def success(self) -> bool:
        """Verified flat in scope."""
        return self.state is LiquidationState.COMPLETED

    def shows_closed(self, pair: str) -> bool:
        """Whether nothing of *pair*, one in scope, is left."""
        states = {outcome.state for outcome in self.outcomes if outcome.pair == pair}
        return states <= {PairState.CLOSED, PairState.DUST} if states else self.success

    @property
    def partial_success(self) -> bool:
        """At least one position was closed, and something is left."""
        return self.state is LiquidationState.PARTIAL

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as REST and ``--print-json`` show them."""
        return {
            "state": str(self.state),
            "correlation_id": self.correlation_id,
            "positions_closed": self.positions_closed,
            "positions_failed": self.positions_failed,
            "orders_cancelled": self.orders_cancelled,
            "total_realized_pnl": self.total_realized_pnl,
            "duration_seconds": self.duration_seconds,
            "errors": list(self.errors),
            "outcome": [outcome.to_dict() for outcome in self.outcomes],
            "skip_reason": self.skip_reason,
        }


class LiquidationManager:
    """Brings a book to flat, proves it, and writes down every step.

    :param order_manager: the exchange, as far as closing a book needs it.
    :param audit_logger: where every event goes; intent before the request that it announces.
    :param utcnow: wall clock, for the record only; time is kept by the event loop.
    :ivar reached: what the last run came to, before it is written down: no slow disk undoes it.
    """

    def __init__(
        self,
        config: "LiquidationConfig",
        order_manager: OrderManager,
        audit_logger: AuditSink,
        logger: logging.Logger | None = None,
        *,
        utcnow: Callable[[], datetime] = lambda: datetime.now(UTC),
        random: random_module.Random | None = None,
    ) -> None:
        self._config = config
        self._order_manager = order_manager
        self._audit = audit_logger
        self._logger = logger or logging.getLogger(__name__)
        self._utcnow = utcnow
        self._random = random or random_module.Random()
        self._state = LiquidationState.IDLE
        self._run: Run | None = None
        self._request: Request | None = None
        self._turn = asyncio.Lock()
        self.reached: LiquidationResult | None = None
        self._result: asyncio.Future[LiquidationResult] | None = None

    @property
    def state(self) -> LiquidationState:
        """Where the manager stands."""
        return self._state

    async def execute_liquidation(
        self,
        trigger: str = "unknown",
        *,
        request: Request | None = None,
        correlation_id: str | None = None,
        listener: Listener | None = None,
        timeout_s: float | None = None,
    ) -> LiquidationResult:
        """Runs once and reports. Never raises (cancelling it aside).

        A trigger that comes while a run is under way joins it if that run covers its pairs,
        widens it if it asks for the whole book, and else waits its turn.

        :param request: more about why and for what; *trigger* is ignored if it is given.
        :param listener: hears each audit event as it happens; must not block.
        :param timeout_s: what is left of the configured time, if some of it has passed already.
        """
        request = request or Request(trigger=trigger)
        if (joined := self._joins(request)) is not None:
            return await asyncio.shield(joined)
        async with self._turn:
            self._result = asyncio.get_running_loop().create_future()
            self._request = request
            try:
                result = await self._execute(
                    request,
                    correlation_id or new_correlation_id(self._utcnow()),
                    listener,
                    Deadline.after(
                        self._config.timeout_seconds if timeout_s is None else timeout_s
                    ),
                )
                self._result.set_result(result)
                return result
            finally:
                if not self._result.done():
                    self._result.cancel()
                self._result, self._run, self._request = None, None, None

    def _joins(self, request: Request) -> asyncio.Future[LiquidationResult] | None:
        if self._result is None or self._request is None:
            return None
        covered = does_all_of(self._request, request, self._config)
        return self._result if covered or self.widen(request) else None

    def widen(self, request: Request) -> bool:
        """Makes the run under way one for the whole book, if *request* asks for that.

        :returns: whether it is one now. ``False``: it leaves on purpose what *request* would not,
            or it no longer looks for work, or less than half of its time is left: *request* waits
            its turn.
        """
        running = self._request
        if running is None or self._run is None or request.pairs is not None:
            return False
        if not _as_thorough(running, request, self._config):
            return False
        if running.pairs is not None and not self._run.widen(
            needs_s=self._config.timeout_seconds / 2
        ):
            return False
        self._request = replace(running, pairs=None)
        return True

    async def _execute(
        self,
        request: Request,
        correlation_id: str,
        listener: Listener | None,
        deadline: Deadline,
    ) -> LiquidationResult:
        began, started_at = asyncio.get_running_loop().time(), self._utcnow()
        trail = Trail(
            self._audit,
            correlation_id=correlation_id,
            trigger=request.trigger,
            listener=listener,
        )
        self._state = advance(self._state, LiquidationStep.STARTED)
        record = _RecordBook(
            request, correlation_id, started_at, self._config.to_dict(), self._order_manager.scope
        )
        try:
            report, step, skip_reason = await self._carry_out(request, trail, record, deadline)
        except Exception as error:
            self._logger.exception("Liquidation %s failed unexpectedly.", correlation_id)
            report = RunReport(errors=[unexpected(error)])
            step, skip_reason = LiquidationStep.NONE_CLOSED, None
        self._state = advance(self._state, step)
        result = _result(
            self._state,
            correlation_id,
            report,
            duration_s=asyncio.get_running_loop().time() - began,
            skip_reason=skip_reason,
        )
        self._note_end(trail, result)
        self.reached = result
        trail.commit(record.finished(result, self._utcnow()))
        return replace(result, errors=(*result.errors, IN_THE_LOG)) if trail.is_lost else result

    async def _carry_out(
        self, request: Request, trail: Trail, record: "_RecordBook", deadline: Deadline
    ) -> tuple[RunReport, LiquidationStep, str | None]:
        skip_reason = why_skip(request, self._config)
        expected = self._order_manager.expected_positions()
        trail.note(
            Event.STARTED,
            "run",
            config=self._config.to_dict(),
            actor=request.actor,
            reason=request.reason,
            pairs=None if request.pairs is None else sorted(request.pairs),
            positions_count_expected=len(expected),
            **request.details,
        )
        trail.commit(record.started())
        if skip_reason is not None:
            return RunReport(), LiquidationStep.LEFT_OPEN_ON_PURPOSE, skip_reason
        rules = rules_for(
            request, self._config, closes_need_orders=self._order_manager.closes_need_orders
        )
        self._run = Run(
            request,
            self._order_manager,
            trail,
            rules=rules,
            deadline=deadline,
            backoff=Backoff(
                base_s=self._config.retry_delay_seconds,
                max_retries=self._config.max_retries,
                random=self._random,
            ),
        )
        report = await self._run.execute()
        if report.account_refused is not None:
            self._logger.critical("The exchange refuses this account: %s", report.account_refused)
        if not rules.close:
            return report, LiquidationStep.LEFT_OPEN_ON_PURPOSE, "close_positions is false"
        if report.flat:
            return report, LiquidationStep.VERIFIED_FLAT, None
        closed = any(outcome.is_closed for outcome in report.outcomes)
        step = LiquidationStep.SOME_CLOSED if closed else LiquidationStep.NONE_CLOSED
        return report, step, None

    def _note_end(self, trail: Trail, result: LiquidationResult) -> None:
        kind = {
            LiquidationState.COMPLETED: Event.COMPLETED,
            LiquidationState.PARTIAL: Event.PARTIAL,
            LiquidationState.FAILED: Event.FAILED,
            LiquidationState.SKIPPED: Event.SKIPPED,
        }[result.state]
        trail.note(
            kind,
            "run",
            error="; ".join(result.errors) or None,
            positions_closed=result.positions_closed,
            positions_failed=result.positions_failed,
            orders_cancelled=result.orders_cancelled,
            total_realized_pnl=result.total_realized_pnl,
            duration_seconds=round(result.duration_seconds, 3),
            remainder=remainder(result.outcomes),
            reason=result.skip_reason,
        )


def _result(
    state: LiquidationState,
    correlation_id: str,
    report: RunReport,
    *,
    duration_s: float,
    skip_reason: str | None,
) -> LiquidationResult:
    gone = [o for o in report.outcomes if o.state in (PairState.CLOSED, PairState.DUST)]
    profits = [outcome.realized_pnl for outcome in gone]
    known = [profit for profit in profits if profit is not None]
    return LiquidationResult(
        state=state,
        correlation_id=correlation_id,
        positions_closed=len(gone),
        positions_failed=len(report.outcomes) - len(gone),
        orders_cancelled=report.orders_cancelled,
        total_realized_pnl=sum(known) if len(known) == len(profits) else None,
        duration_seconds=duration_s,
        errors=tuple(report.errors),
        outcomes=tuple(report.outcomes),
        skip_reason=skip_reason,
    )


class _RecordBook:
    """The run's row in ``liquidation_runs``, at its start and at its end."""

    def __init__(
        self,
        request: Request,
        correlation_id: str,
        started_at: datetime,
        config: Mapping[str, Any],
        scope: str,
    ) -> None:
        self._fixed: dict[str, Any] = {
            "correlation_id": correlation_id,
            "trigger": request.trigger,
            "actor": request.actor,
            "reason": request.reason,
            "scope": scope,
            "pairs": None if request.pairs is None else sorted(request.pairs),
            "started_at": started_at,
            "config": dict(config),
        }

    def started(self) -> RunRecord:
        return RunRecord(**self._fixed, state=str(LiquidationState.IN_PROGRESS))

    def finished(self, result: LiquidationResult, finished_at: datetime) -> RunRecord:
        return RunRecord(
            **self._fixed,
            state=str(result.state),
            finished_at=finished_at,
            positions_closed=result.positions_closed,
            positions_failed=result.positions_failed,
            orders_cancelled=result.orders_cancelled,
            total_realized_pnl=result.total_realized_pnl,
            duration_seconds=result.duration_seconds,
            errors=list(result.errors),
            outcome=[outcome.to_dict() for outcome in result.outcomes],
        )
