"""How much a property is tried: a bounded number in the tests, ``make fuzz`` asks for more."""

import os
from typing import Final

from hypothesis import HealthCheck, settings

EXAMPLES: Final = int(os.environ.get("TESTS_FUZZ_EXAMPLES", "20"))
"""Of what needs a database or an exchange; what only computes is tried ten times as often."""

bounded: Final = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
cheap: Final = settings(bounded, max_examples=EXAMPLES * 10)
