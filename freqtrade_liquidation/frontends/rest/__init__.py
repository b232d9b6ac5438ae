"""Four endpoints in freqtrade's own REST server, behind its authentication."""

from freqtrade_liquidation.frontends.rest.server import LiquidatingApiServer

__all__ = ["LiquidatingApiServer"]
