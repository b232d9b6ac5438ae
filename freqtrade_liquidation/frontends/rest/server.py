"""freqtrade's REST server with our routes in it."""

from typing import Any

from fastapi import Depends, FastAPI
from freqtrade.rpc.api_server import ApiServer
from freqtrade.rpc.api_server.api_auth import http_basic_or_jwt_token
from freqtrade.rpc.api_server.deps import is_trading_mode

from freqtrade_liquidation.frontends.rest.bodies import Heard
from freqtrade_liquidation.frontends.rest.routes import router


class LiquidatingApiServer(ApiServer):
    """Put in ``ApiServer``'s place. No method is patched."""

    def configure_app(self, app: FastAPI, config: dict[str, Any]) -> None:
        """Ours come first: freqtrade's last route, its user interface, takes whatever is left."""
        app.include_router(
            router,
            prefix="/api/v1",
            dependencies=[Depends(http_basic_or_jwt_token), Depends(is_trading_mode), Heard],
        )
        super().configure_app(app, config)
