"""The operator's side: seed, read, disturb. Every method is thread-safe and takes plain values.

The same methods answer over HTTP, ``POST /practice/<method>`` with the arguments as JSON.
"""

from freqtrade_liquidation.drill.exchange.disturbing import Disturbing
from freqtrade_liquidation.drill.exchange.reading import Reading
from freqtrade_liquidation.drill.exchange.seeding import Seeding


class Operator(Seeding, Reading, Disturbing):
    """What a test or the drill does to the exchange behind the bot's back."""
