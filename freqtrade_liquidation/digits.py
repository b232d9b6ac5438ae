"""Amounts and prices as people need them to act: every digit, no exponent."""

import functools
from decimal import Decimal


def digits(value: float) -> str:
    """*value* in plain digits: ``1234567.8``, ``0.00001234``.

    Twelve significant ones: more than any exchange takes, and fewer than what a float adds to
    ``0.1 + 0.2``.
    """
    return format(Decimal(f"{value:.12g}"), "f")


@functools.lru_cache(maxsize=4096)  # a run sums the same few amounts at each of its steps
def sum_of(*amounts: float) -> float:
    """The sum of decimals.

    In floats 0.62 - 0.2 is a little less than 0.42, and a market would round that down to 0.419.
    Fifteen significant digits are all that a float keeps of a decimal; those behind them are what
    arithmetic has left there.
    """
    return float(sum((Decimal(f"{amount:.15g}") for amount in amounts), Decimal()))
