"""What a liquidation would have done and cost, on freqtrade's own backtest."""
