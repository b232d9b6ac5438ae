"""HTTP: one request through limits, faults, latency, signature, engine, and back."""

import asyncio
import json
from urllib.parse import parse_qsl
from weakref import WeakKeyDictionary

from aiohttp import web

from freqtrade_liquidation.drill.exchange import (
    routes_futures,
    routes_futures_orders,
    routes_public,
    routes_spot,
)
from freqtrade_liquidation.drill.exchange.auth import check_signed
from freqtrade_liquidation.drill.exchange.core import Answer, Call, Core
from freqtrade_liquidation.drill.exchange.faults import FaultRule
from freqtrade_liquidation.drill.exchange.log import LoggedRequest
from freqtrade_liquidation.drill.exchange.refusals import Refusal, refuse
from freqtrade_liquidation.drill.exchange.routing import Route

TABLE: dict[tuple[str, str], Route] = {
    **routes_public.ROUTES.table,
    **routes_futures.ROUTES.table,
    **routes_futures_orders.ROUTES.table,
    **routes_spot.ROUTES.table,
}
_GARBAGE = '{"orderId": 12, "status": "FIL'


class Front:
    """Answers requests for a `Core`. Lives in one event loop."""

    def __init__(self, core: Core) -> None:
        self._core = core
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
        query = request.raw_path.partition("?")[2]
        body = await request.text()
        params = dict(parse_qsl(f"{query}&{body}" if body else query, keep_blank_values=True))
        visit = _Visit(self, self._core, request, query + body, params)
        return await visit.run()

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
        self, front: Front, core: Core, request: web.Request, signed_text: str,
        params: dict[str, str],
    ) -> None:  # fmt: skip
        self._front = front
        self._core = core
        self._request = request
        self._signed_text = signed_text
        self._call = Call(core=core, method=request.method, path=request.path, params=params)
        self._entry: LoggedRequest = core.log.arrived(request.method, request.path, params)
        futures = request.path.startswith("/fapi")
        self._limits = core.futures_limits if futures else core.spot_limits
        self._route = TABLE.get((request.method, request.path))
        self._arrived_ms = core.now_ms()
        self._entry.weight = self._route.weigh(self._call) if self._route else 1
        self._entry.connection = front.number_of(request.transport)

    async def run(self) -> web.StreamResponse:
        refused = self._limited()
        if refused is not None:
            return refused
        struck = self._strike()
        kinds = {rule.kind: rule for rule in struck}
        await self._pause(kinds.get("latency"))
        if "hang" in kinds:
            return await self._never()
        if "drop_before" in kinds:
            return self._drop()
        if "late" in kinds:
            asyncio.get_running_loop().call_later(kinds["late"].delay_ms / 1000, self._execute)
            return await self._never()
        if "error" in kinds:
            await self._pause()
            return self._error(kinds["error"])
        status, answer = self._execute()
        await self._pause()
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
        orders = self._route.orders if self._route else 0
        if orders > 1:
            orders = len(self._batch() or [])
        with self._core.lock:
            excess = self._limits.spend(self._entry.weight, orders)
        if excess is None:
            return None
        text = "Too many requests; please use the websocket for live updates."
        if excess.code == -1015:
            text = f"Too many new orders; current limits are {self._limits.orders_per_window}."
        elif excess.status == 418:
            until_ms = self._core.now_ms() + excess.wait_s * 1000
            text = f"Way too many requests; banned until {until_ms}."
        self._entry.code = excess.code
        body = json.dumps({"code": excess.code, "msg": text})
        return self._respond(excess.status, body, {"Retry-After": str(excess.wait_s)})

    def _batch(self) -> list[dict[str, str]] | None:
        if not self._call.path.endswith("/batchOrders") or self._call.method != "POST":
            return None
        try:
            return routes_futures_orders.batch_items(self._call.params)
        except Refusal:
            return []

    def _strike(self) -> list[FaultRule]:
        call = self._call
        struck = self._core.faults.take(call.method, call.path, call.params, self._batch())
        call.struck = struck
        self._entry.faults = [rule.kind for rule in struck]
        return struck

    async def _pause(self, fault: FaultRule | None = None) -> None:
        wait_ms = self._core.latency_ms / 2 + (fault.latency_ms if fault else 0)
        if wait_ms > 0:
            await asyncio.sleep(wait_ms / 1000)

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
        return refusal.status, refusal.to_json()

    def _check_signature(self) -> None:
        settings = self._core.settings
        check_signed(
            self._request.headers.get("X-MBX-APIKEY"), self._signed_text, self._call.params,
            key=settings.key, secret=settings.secret, now_ms=self._arrived_ms,
        )  # fmt: skip

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
        key = self._request.headers.get("X-MBX-APIKEY", "")
        self._entry.code = rule.code
        body = json.dumps({"code": rule.code, "msg": rule.msg.replace("{api_key}", key)})
        return self._respond(rule.status, body, dict(rule.headers))

    def _respond(
        self, status: int, body: str, headers: dict[str, str] | None = None
    ) -> web.Response:
        self._core.log.answered(self._entry, status)
        every = self._limits.headers() | (headers or {})
        kind = "text/html" if body.startswith("<") else "application/json"
        return web.Response(status=status, text=body, headers=every, content_type=kind)
