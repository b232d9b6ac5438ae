"""How fast a book is flat, measured on the practice exchange: ``python -m benchmarks``.

The process is sealed off before it imports anything else, as the bots that it starts are.
"""

from freqtrade_liquidation.drill.seal import seal_this_process

seal_this_process()
