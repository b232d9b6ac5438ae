"""How we speak to any exchange, through freqtrade and ccxt."""
