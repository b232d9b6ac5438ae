"""The codes with which a process of ours ends."""

from typing import Final

ERROR: Final = 1
"""Anything else: an exchange that is down at the start. A supervisor starts the bot again."""
USAGE: Final = 2
"""A command line or a configuration that a person must change first."""
POSITIONS_REMAIN: Final = 3
SIGNALLED: Final = 130
"""freqtrade's own, after a signal."""
