"""Our Telegram and REST in freqtrade's places, where a configuration switches them on.

freqtrade imports these modules only when they are enabled, and so do we: they are slow to load.
"""

from typing import Any

from freqtrade_liquidation.host import seam_names, seams


def substitute(config: dict[str, Any]) -> None:
    """Before a bot for *config* is built.

    :raises OperationalException: if the installed freqtrade does not fit.
    """
    if config.get("telegram", {}).get("enabled", False):
        _telegram()
    if config.get("api_server", {}).get("enabled", False):
        _rest()


def _telegram() -> None:
    import freqtrade.rpc.telegram as module

    seams.check(seam_names.TELEGRAM)
    from freqtrade_liquidation.frontends.telegram import LiquidatingTelegram

    module.Telegram = LiquidatingTelegram


def _rest() -> None:
    import freqtrade.rpc.api_server as package

    seams.check(seam_names.REST)
    from freqtrade_liquidation.frontends.rest import LiquidatingApiServer

    package.ApiServer = LiquidatingApiServer  # type: ignore[misc]
