"""Numbers as text."""

from decimal import Decimal


def text(value: Decimal) -> str:
    """:return: *value* without an exponent, at most eight decimals."""
    rounded = value.quantize(Decimal("1e-8")) if value.as_tuple().exponent else value
    return f"{rounded.normalize() + 0:f}"
