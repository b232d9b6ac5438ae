"""What a run does on the exchange, through freqtrade's wrapper: the order managers."""
