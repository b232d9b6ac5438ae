"""HTTP: one request through limits, faults, latency, signature, engine, and back."""

import asyncio
import json
from weakref import WeakKeyDictionary

from aiohttp import web

from freqtrade_liquidation.drill.exchange.core import Answer, Call, Core
from freqtrade_liquidation.drill.exchange.facade import Arrived, Facade
from freqtrade_liquidation.drill.exchange.faults import FaultRule
from freqtrade_liquidation.drill.exchange.log import LoggedRequest
from freqtrade_liquidation.drill.exchange.refusals import Refusal, refuse

_GARBAGE = '{"orderId": 12, "status": "FIL'


class Front:
    """Answers requests for a `Core` as *facade* says. Lives in one event loop."""

    def __init__(self, core: Core, facade: Facade) -> None:
        self._core = core
        self._facade = facade
        self.stopping = asyncio.Event()
        self._connections: WeakKeyDictionary[asyncio.Transport, int] = WeakKeyDictionary()
        self._opened = 0

    async def cut(self) -> None:
        """Cut off every connection: a TLS farewell would wait for clients that never answer."""
        for transport in list(self._connections):
            transport.abort()
        await asyncio.sleep(0)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, or do with it what the faults say."""
        arrived = Arrived(
            method=request.method, path=request.path, query=request.raw_path.partition("?")[2],
            body=await request.text(), headers=request.headers,
        )  # fmt: skip
        return await _Visit(self, self._core, self._facade, request, arrived).run()

    def number_of(self, transport: asyncio.Transport | None) -> int:
        """:return: the number of a connection, counted from 1; 0 = it is gone already."""
        if transport is None:
            return 0
        if transport not in self._connections:
            self._opened += 1
            self._connections[transport] = self._opened
        return self._connections[transport]


class _Visit:
    """One request on its way; keeps what its steps share."""

    def __init__(
        self, front: Front, core: Core, facade: Facade, request: web.Request, arrived: Arrived
    ) -> None:
        self._front = front
        self._core = core
        self._facade = facade
        self._request = request
        self._arrived = arrived
        self._waits_s = core.latency.draw_s(arrived.method)
        params = facade.parse(arrived)
        self._call = Call(core=core, method=arrived.method, path=arrived.path, params=params)
        self._entry: LoggedRequest = core.log.arrived(arrived.method, arrived.path, params)
        self._limits = facade.limits(core, arrived.path)
        self._route = facade.route(arrived.method, arrived.path)
        self._endpoint = f"{arrived.method} {self._route.path if self._route else ''}"
        self._arrived_ms = core.now_ms()
        self._entry.weight = self._route.weigh(self._call) if self._route else 1
        self._entry.connection = front.number_of(request.transport)

    async def run(self) -> web.StreamResponse:
        refused = self._limited()
        if refused is not None:
            return refused
        struck = self._strike()
        kinds = {rule.kind: rule for rule in struck}
        before_s, after_s = self._waits_s
        await self._pause(before_s, kinds.get("latency"))
        if "hang" in kinds:
            return await self._never()
        if "drop_before" in kinds:
            return self._drop()
        if "late" in kinds:
            asyncio.get_running_loop().call_later(kinds["late"].delay_ms / 1000, self._execute)
            return await self._never()
        if "error" in kinds:
            await self._pause(after_s)
            return self._error(kinds["error"])
        status, answer = self._execute()
        await self._pause(after_s)
        if "drop_after" in kinds:
            return self._drop()
        return self._spoilt(kinds, status, json.dumps(answer))

    def _spoilt(self, kinds: dict[str, FaultRule], status: int, answer: str) -> web.Response:
        """The answer as it arrives, after what lies between has had its way with it."""
        if "bad_json" in kinds:
            answer = _GARBAGE
        if "truncated" in kinds:
            answer = answer[: max(1, len(answer) // 2)]
        if (rule := kinds.get("answer")) is not None:
            return self._respond(rule.status, rule.body or "", dict(rule.headers))
        return self._respond(status, answer)

    def _limited(self) -> web.Response | None:
        if not self._core.limits_apply:
            return None
        orders = self._route.orders if self._route else 0
        if orders > 1:
            orders = len(self._facade.batch(self._call) or [])
        with self._core.lock:
            excess = self._limits.spend(self._entry.weight, orders, self._endpoint)
        if excess is None:
            return None
        self._entry.code = excess.code
        body = self._facade.exceeded(excess, self._limits, self._core.now_ms())
        return self._respond(excess.status, json.dumps(body), excess.headers)

    def _strike(self) -> list[FaultRule]:
        call = self._call
        struck = self._core.faults.take(
            call.method, call.path, call.params, self._facade.batch(call)
        )
        call.struck = struck
        self._entry.faults = [rule.kind for rule in struck]
        return struck

    @staticmethod
    async def _pause(seconds: float, fault: FaultRule | None = None) -> None:
        wait_s = seconds + (fault.latency_ms / 1000 if fault else 0)
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    def _execute(self) -> tuple[int, Answer]:
        try:
            if self._route is None:
                raise refuse(-1000, f"{self._call.path} is not part of the practice exchange.", 404)
            if self._route.signed:
                self._check_signature()
            with self._core.lock:
                self._core.tick_if_due()
                answer = self._route.handler(self._call)
            self._core.log.executed(self._entry)
        except Refusal as refusal:
            return self._refused(refusal)
        except ValueError as e:
            return self._refused(refuse(-1102, f"A parameter was malformed: {e}"))
        return 200, answer

    def _refused(self, refusal: Refusal) -> tuple[int, Answer]:
        self._core.log.refused(self._entry, refusal.code)
        return refusal.status, self._facade.refused(refusal)

    def _check_signature(self) -> None:
        self._facade.check_signed(self._arrived, self._call, self._arrived_ms)

    async def _never(self) -> web.StreamResponse:
        await self._front.stopping.wait()
        return self._drop()

    def _drop(self) -> web.StreamResponse:
        if self._request.transport is not None:
            self._request.transport.close()
        return web.Response(status=500)

    def _error(self, rule: FaultRule) -> web.Response:
        if rule.body is not None:
            return self._respond(rule.status, rule.body, dict(rule.headers))
        self._entry.code = rule.code
        body = json.dumps(self._facade.failed(rule))
        body = body.replace("{api_key}", self._facade.key_of(self._arrived) or "")
        return self._respond(rule.status, body, dict(rule.headers))

    def _respond(
        self, status: int, body: str, headers: dict[str, str] | None = None
    ) -> web.Response:
        self._core.log.answered(self._entry, status)
        every = self._limits.headers(self._endpoint) | (headers or {})
        kind = "text/html" if body.startswith("<") else "application/json"
        return web.Response(status=status, text=body, headers=every, content_type=kind)
