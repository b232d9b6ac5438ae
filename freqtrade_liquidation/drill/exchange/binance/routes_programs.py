"""VP and TWAP orders, ``/sapi/v1/algo/futures``: at the spot address, for the futures account."""

from typing import Final

from freqtrade_liquidation.drill.exchange.core import Answer, Call
from freqtrade_liquidation.drill.exchange.decimals import text
from freqtrade_liquidation.drill.exchange.routing import Routes

ROUTES = Routes()
KINDS: Final = ("VP", "TWAP")


@ROUTES.add("GET", "/sapi/v1/algo/futures/openOrders", signed=True)
def open_programs(call: Call) -> Answer:
    """Those under way. A row does not tell whether it is reduce-only."""
    orders = [
        {
            "algoId": program.program_id, "symbol": program.symbol, "side": program.side,
            "positionSide": "BOTH", "totalQty": text(program.amount), "executedQty": "0.00000000",
            "executedAmt": "0.00000000", "avgPrice": "0.00000000",
            "clientAlgoId": f"practice-{program.program_id}", "bookTime": program.created_ms,
            "endTime": 0, "algoStatus": "WORKING", "algoType": program.kind, "urgency": "LOW",
        }
        for program in call.core.futures.programs.open(*KINDS)
    ]  # fmt: skip
    return {"total": len(orders), "orders": orders}


@ROUTES.add("DELETE", "/sapi/v1/algo/futures/order", signed=True)
def cancel_program(call: Call) -> Answer:
    """Cancel one."""
    ended = call.core.futures.programs.end(call.params.get("algoId"), *KINDS)
    return {"algoId": ended.program_id, "success": True, "code": 0, "msg": "OK"}
