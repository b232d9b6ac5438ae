"""A strategy for generated prices; freqtrade loads it by this folder."""
