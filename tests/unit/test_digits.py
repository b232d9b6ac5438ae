"""Numbers that a person acts on."""

import pytest

from freqtrade_liquidation.digits import digits


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
