"""Where exchanges differ, and neither freqtrade's exchange class nor ccxt's data says how.

Each rule has its source beside it. ``tests/unit/drill/signing`` holds the requests that come of
them against what the installed ccxt signs.
"""
