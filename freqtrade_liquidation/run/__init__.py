"""One run: look, cancel and close, look again, until the exchange shows a flat book."""

from freqtrade_liquidation.run.report import RunReport
from freqtrade_liquidation.run.run import Run

__all__ = ["Run", "RunReport"]
