"""Trailing and chase orders, ``/futures/usdt/autoorder``."""

from typing import Any

from freqtrade_liquidation.drill.exchange.core import Answer, Call
from freqtrade_liquidation.drill.exchange.decimals import text
from freqtrade_liquidation.drill.exchange.gate.markets import gate_id
from freqtrade_liquidation.drill.exchange.gate.words import is_settled_here, seconds, size
from freqtrade_liquidation.drill.exchange.programs import Program
from freqtrade_liquidation.drill.exchange.routing import Routes

ROUTES = Routes()


def _json(call: Call, program: Program) -> dict[str, Any]:
    market = call.core.futures.markets[program.symbol]
    signed = program.amount if program.side == "BUY" else -program.amount
    return {
        "id": program.program_id, "user": 1, "contract": gate_id(market), "settle": "usdt",
        "amount": size(market, signed), "is_gte": True,
        "activation_price": text(program.trigger_price), "price_type": 1, "price_offset": "1%",
        "text": "", "reduce_only": program.reduce_only, "position_related": False,
        "create_time": int(seconds(program.created_ms)), "finish_time": 0, "reason": "",
        "is_dual_mode": False, "status": "open" if program.is_open else "finished",
    }  # fmt: skip


def _wrapped(call: Call, data: dict[str, Any]) -> Answer:
    return {"code": 0, "message": "", "data": data, "timestamp": call.core.now_ms()}


def _list(call: Call, kind: str) -> Answer:
    programs = call.core.futures.programs.open(kind) if is_settled_here(call) else []
    size_of_page = int(call.params.get("page_size") or 20)
    first = (int(call.params.get("page_num") or 1) - 1) * size_of_page
    shown = programs[first : first + size_of_page]
    return _wrapped(call, {"orders": [_json(call, program) for program in shown]})


@ROUTES.add("GET", "/futures/{settle}/autoorder/v1/trail/list", signed=True)
def list_trails(call: Call) -> Answer:
    """Trailing orders under way, oldest first, a page at a time."""
    return _list(call, "trail")


@ROUTES.add("GET", "/futures/{settle}/autoorder/v1/chase/list", signed=True)
def list_chases(call: Call) -> Answer:
    """Chase orders under way, oldest first, a page at a time."""
    return _list(call, "chase")


@ROUTES.add("POST", "/futures/{settle}/autoorder/v1/trail/stop", signed=True)
def stop_trail(call: Call) -> Answer:
    """End one."""
    ended = call.core.futures.programs.end(call.params.get("id"), "trail")
    return _wrapped(call, {"order": _json(call, ended)})


@ROUTES.add("POST", "/futures/{settle}/autoorder/v1/chase/stop", signed=True)
def stop_chase(call: Call) -> Answer:
    """End one."""
    ended = call.core.futures.programs.end(call.params.get("id"), "chase")
    return _wrapped(call, {"order": _json(call, ended)})
