"""Gate's wire format."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from freqtrade_liquidation.drill.exchange.core import Call, Core
from freqtrade_liquidation.drill.exchange.facade import Arrived
from freqtrade_liquidation.drill.exchange.faults import FaultRule
from freqtrade_liquidation.drill.exchange.gate import (
    routes_account,
    routes_market,
    routes_orders,
    routes_programs,
    routes_stops,
)
from freqtrade_liquidation.drill.exchange.gate.auth import check_signed
from freqtrade_liquidation.drill.exchange.gate.connection import ccxt_config
from freqtrade_liquidation.drill.exchange.gate.paths import Paths
from freqtrade_liquidation.drill.exchange.gate.refusals import label_of, refusal_json
from freqtrade_liquidation.drill.exchange.limits import Excess, Limits
from freqtrade_liquidation.drill.exchange.refusals import Refusal
from freqtrade_liquidation.drill.exchange.routing import Route

PATHS: Final = Paths(
    "/api/v4",
    {
        **routes_market.ROUTES.table,
        **routes_account.ROUTES.table,
        **routes_orders.ROUTES.table,
        **routes_stops.ROUTES.table,
        **routes_programs.ROUTES.table,
    },
)


class GateFacade:
    """See :class:`~freqtrade_liquidation.drill.exchange.facade.Facade`."""

    name = "gate"
    order_path = r"/futures/usdt/orders$"
    private_path = r"/futures/usdt/(orders|price_orders|positions)"
    sends_retry_after = False

    def ccxt_config(self, port: int, ca_file: Path | str) -> dict[str, Any]:
        """URLs and certificate."""
        return ccxt_config(port, ca_file)

    def parse(self, arrived: Arrived) -> dict[str, str]:
        """Path, query and JSON body; of an order the engine's ``symbol`` and ``side``, too."""
        params = dict(parse_qsl(arrived.query, keep_blank_values=True))
        params |= PATHS.find(arrived.method, arrived.path)[1]
        params |= dict(_flat(_json_object(arrived.body)))
        contract = params.get("contract") or params.get("initial.contract")
        if contract:
            params["symbol"] = _bare(contract).replace("_", "")
        size = params.get("size") or params.get("initial.size")
        if size:
            params["side"] = "SELL" if size.startswith("-") else "BUY"
        return params

    def route(self, method: str, path: str) -> Route | None:
        """By path, with names in it."""
        return PATHS.find(method, path)[0]

    def limits(self, core: Core, path: str) -> Limits:
        """Each endpoint counts by itself."""
        return core.futures_limits

    def batch(self, call: Call) -> list[dict[str, str]] | None:
        """Batches are not part of this façade: freqtrade sends none."""
        return None

    def check_signed(self, arrived: Arrived, call: Call, now_ms: int) -> None:
        """Three headers."""
        settings = call.core.settings
        check_signed(arrived, key=settings.key, secret=settings.secret, now_ms=now_ms)

    def refused(self, refusal: Refusal) -> dict[str, Any]:
        """Label and words."""
        return refusal_json(refusal)

    def failed(self, rule: FaultRule) -> dict[str, Any]:
        """Label and words of the rule."""
        return {"label": rule.label or label_of(rule.code), "message": rule.msg}

    def exceeded(self, excess: Excess, limits: Limits, now_ms: int) -> dict[str, Any]:
        """429."""
        return {"label": label_of(excess.code), "message": "Request Rate limit Exceeded"}

    def key_of(self, arrived: Arrived) -> str | None:
        """In a header."""
        return arrived.headers.get("KEY")


def _bare(contract: str) -> str:
    return contract.removeprefix("mark_").removeprefix("index_")


def _json_object(body: str) -> dict[str, Any]:
    try:
        parsed = json.loads(body or "{}")
    except ValueError:
        return {}  # the route finds its parameters missing, and says so
    return parsed if isinstance(parsed, dict) else {}


def _flat(parsed: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in parsed.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            yield f"{prefix}{name}", text
