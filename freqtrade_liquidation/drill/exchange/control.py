"""``POST /practice/<method>``: the operator's side for other processes."""

import asyncio
import json
from typing import Any, Final
from urllib.request import Request, urlopen

from aiohttp import web

from freqtrade_liquidation.drill.exchange.operator import Operator
from freqtrade_liquidation.drill.exchange.refusals import Refusal

#: what may be called: the operator's public methods
METHODS: Final = frozenset(name for name in dir(Operator) if not name.startswith("_"))


class Control:
    """Calls operator methods by name with JSON arguments."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """:return: ``{"result": …}``, or 400 with ``{"error": …}``."""
        name = request.match_info["method"]
        if name not in METHODS:
            return web.json_response(
                {"error": f"{name!r} is unknown: {sorted(METHODS)}"}, status=404
            )
        try:
            arguments = json.loads(await request.text() or "{}")
            result = await asyncio.to_thread(getattr(self._operator, name), **arguments)
        except (Refusal, TypeError, ValueError, ArithmeticError) as e:
            return web.json_response({"error": f"{type(e).__name__}: {e}"}, status=400)
        return web.json_response({"result": result})


def call(control_url: str, method: str, **arguments: Any) -> Any:
    """Call an operator method of an exchange in another process.

    :param control_url: what the exchange printed at start, ``http://127.0.0.1:…``.
    :raises OSError: if it does not answer or refuses.
    """
    request = Request(  # noqa: S310 - the loopback URL of our own exchange
        f"{control_url}/practice/{method}", json.dumps(arguments).encode(), method="POST"
    )
    with urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)["result"]
