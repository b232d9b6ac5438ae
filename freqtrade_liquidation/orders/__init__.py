"""What a run does on the exchange, through freqtrade's wrapper: the order managers.

One for each market, side by side: :mod:`.futures`, :mod:`.spot` and :mod:`.dry_run`.
"""
