"""Binance's wire format."""

from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from freqtrade_liquidation.drill.exchange.binance import (
    routes_futures,
    routes_futures_orders,
    routes_programs,
    routes_public,
    routes_spot,
)
from freqtrade_liquidation.drill.exchange.binance.auth import check_signed
from freqtrade_liquidation.drill.exchange.binance.connection import ccxt_config
from freqtrade_liquidation.drill.exchange.core import Call, Core
from freqtrade_liquidation.drill.exchange.facade import Arrived
from freqtrade_liquidation.drill.exchange.faults import FaultRule
from freqtrade_liquidation.drill.exchange.limits import Excess, Limits
from freqtrade_liquidation.drill.exchange.refusals import Refusal
from freqtrade_liquidation.drill.exchange.routing import Route

TABLE: Final[dict[tuple[str, str], Route]] = {
    **routes_public.ROUTES.table,
    **routes_futures.ROUTES.table,
    **routes_futures_orders.ROUTES.table,
    **routes_programs.ROUTES.table,
    **routes_spot.ROUTES.table,
}


class BinanceFacade:
    """See :class:`~freqtrade_liquidation.drill.exchange.facade.Facade`."""

    name = "binance"
    order_path = r"/fapi/v1/order$"
    private_path = r"/fapi/v[123]/(order|positionRisk|openOrders|openAlgo|batch)"
    sends_retry_after = True

    def ccxt_config(self, port: int, ca_file: Path | str) -> dict[str, Any]:
        """URLs and certificate."""
        return ccxt_config(port, ca_file)

    def parse(self, arrived: Arrived) -> dict[str, str]:
        """Query and body are both forms."""
        query, body = arrived.query, arrived.body
        return dict(parse_qsl(f"{query}&{body}" if body else query, keep_blank_values=True))

    def route(self, method: str, path: str) -> Route | None:
        """By exact path."""
        return TABLE.get((method, path))

    def limits(self, core: Core, path: str) -> Limits:
        """Futures and spot count apart."""
        return core.futures_limits if path.startswith("/fapi") else core.spot_limits

    def batch(self, call: Call) -> list[dict[str, str]] | None:
        """Of ``batchOrders``."""
        if not call.path.endswith("/batchOrders") or call.method != "POST":
            return None
        try:
            return routes_futures_orders.batch_items(call.params)
        except Refusal:
            return []

    def check_signed(self, arrived: Arrived, call: Call, now_ms: int) -> None:
        """HMAC over query and body."""
        settings = call.core.settings
        check_signed(
            self.key_of(arrived), arrived.query + arrived.body, call.params,
            key=settings.key, secret=settings.secret, now_ms=now_ms,
        )  # fmt: skip

    def refused(self, refusal: Refusal) -> dict[str, Any]:
        """Code and words."""
        return refusal.to_json()

    def failed(self, rule: FaultRule) -> dict[str, Any]:
        """Code and words of the rule."""
        return {"code": rule.code, "msg": rule.msg}

    def exceeded(self, excess: Excess, limits: Limits, now_ms: int) -> dict[str, Any]:
        """429, −1015 or a ban."""
        text = "Too many requests; please use the websocket for live updates."
        if excess.code == -1015:
            text = f"Too many new orders; current limits are {limits.orders_per_window}."
        elif excess.status == 418:
            text = f"Way too many requests; banned until {now_ms + excess.wait_s * 1000}."
        return {"code": excess.code, "msg": text}

    def key_of(self, arrived: Arrived) -> str | None:
        """In a header."""
        return arrived.headers.get("X-MBX-APIKEY")
