"""What an exchange's error means for the request that got it."""

from enum import Enum, auto


class Verdict(Enum):
    """One of these for each code that ccxt's class does not tell rightly."""

    REFUSED = auto()
    """The exchange said no, and asking again is no use."""
    ACCOUNT_REFUSED = auto()
    """It refuses the key or the account, whatever is asked."""
    NOTHING_TO_REDUCE = auto()
    """The position is zero. Only for a code, or words, that say this and nothing else."""
    CLOSE_BLOCKED = auto()
    """Less can be reduced than the order asks for. The position may be zero, smaller, on the other
    side, or claimed by a resting order: every code that can mean two of these."""
    REFUSED_FOR_NOW = auto()
    """Not executed, and a later attempt may be: price bands, an empty book, settlement, halts."""
    NOT_ACTED = auto()
    """Not executed: too many requests, maintenance."""
    CLOCK_SKEWED = auto()
    UNANSWERED = auto()
    """A read may be repeated; a write may have acted."""
