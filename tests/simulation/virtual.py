"""The virtual clock of the backtest analysis serves simulations, too."""

from freqtrade_liquidation.analysis.virtual import VirtualLoop, run

__all__ = ["VirtualLoop", "run"]
