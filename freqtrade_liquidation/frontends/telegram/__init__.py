"""``/liquidate`` in freqtrade's own Telegram bot, behind its authorisation."""

from freqtrade_liquidation.frontends.telegram.channel import LiquidatingTelegram

__all__ = ["LiquidatingTelegram"]
