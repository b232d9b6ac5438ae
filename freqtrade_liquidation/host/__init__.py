"""freqtrade's side: the venue, the bookkeeping and the hooks."""
