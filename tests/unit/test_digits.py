"""Numbers that a person acts on."""

import pytest

from freqtrade_liquidation.digits import digits, sum_of


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1234567.8, "1234567.8"),
        (2_500_000_000.0, "2500000000"),
        (0.00001234, "0.00001234"),
        (1e-8, "0.00000001"),
        (0.1 + 0.2, "0.3"),
        (1000.1 - 0.1, "1000"),
        (65000.0, "65000"),
        (100, "100"),
        (0.0, "0"),
        (-3.99, "-3.99"),
    ],
)
def test_every_digit_and_no_exponent(value: float, shown: str) -> None:
    assert digits(value) == shown


@pytest.mark.parametrize(
    ("amounts", "together"),
    [
        ((), 0.0),
        ((0.62, -0.2), 0.42),
        ((1.071, -0.316), 0.755),
        ((0.1 + 0.2, -0.3), 0.0),  # what arithmetic has left is nobody's
        ((1234567.12345678, -0.00000001), 1234567.12345677),
        ((1_234_567_890_123.0, -1.0), 1_234_567_890_122.0),
    ],
)
def test_sums_are_those_of_decimals(amounts: tuple[float, ...], together: float) -> None:
    """To the last digit that an exchange tells, and without what floats add to it."""
    assert sum_of(*amounts) == together
