"""What the installed freqtrade and ccxt would send for us, caught below HTTP. Nothing leaves."""
