"""``liquidation-analysis``: what a liquidation would have done and cost, on a backtest."""
