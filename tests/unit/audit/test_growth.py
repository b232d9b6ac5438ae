"""The masker holds the GIL while it reads what strangers wrote: its time grows with the text, no
faster, whatever the text."""

import base64
import random
import re
from collections.abc import Callable
from functools import partial

import pytest

from freqtrade_liquidation.audit import free_text, spellings
from freqtrade_liquidation.audit.masking import LONGEST_TEXT, MADE_FROM_SECRETS, Masker
from tests.unit.audit.secrets_of_tests import cpu_ns, masker, secret

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
PLAIN = "letters-and-digits-2026"
UNITS = (
    *("a", "a-", "-", " ", ".", "%", "%2", "\\", '"', "'", "=", ":", "://", "a:b@", "&#x27;"),
    *(
        "eyJ",
        "eyJ-",
        "eyJaaaaa.",
        "?signature=",
        "&signature=%",
        "%26SIGNATURE%3D",
        "-----BEGIN ",
        "\x1b",
        "\u202e",
    ),
    *(KEY[:5], KEY[:6], KEY[:11], KEY[:12], KEY[:6] + " ", KEY, "hunter2", "hunter22", "aaaaaaa"),
    base64.b64encode(random.Random(1).randbytes(3000)).decode(),
)
"""A text of one of these over and over: what clever patterns try again at each place."""
MASKER = Masker(
    [secret(KEY), secret(KEY[::-1]), secret("hunter22"), secret("aaaaaaaa"),
     secret("a-a-a-a-a-a-a-a-b"), secret("/hooks/" + KEY[::2], in_parts=False)]
)  # fmt: skip
SIZES = (2_000, 4_000, 8_000, 16_000)
LINEAR = 2.0
"""Times the ratio of the sizes: noise, and caches that get too small. Quadratic is eight times."""


def growth(work: Callable[[str], object], unit: str, sizes: tuple[int, ...] = SIZES) -> float:
    """How much longer the longest text takes, against how much longer it is; 1.0 = linear."""
    texts = [(unit * (size // len(unit) + 1))[:size] for size in sizes]
    for _ in range(3):  # another process may have taken the caches away
        shortest_ns, found = 0, 0.0
        for text in texts:
            taken_ns = cpu_ns(partial(work, text), rounds=3)
            shortest_ns = shortest_ns or max(taken_ns, 20_000)
            found = max(found, taken_ns / shortest_ns / (len(text) / len(texts[0])))
            if found > 2 * LINEAR:  # the next one would take minutes
                return found
        if found < LINEAR:
            break
    return found


@pytest.mark.parametrize("unit", UNITS)
def test_masker_is_linear(unit: str) -> None:
    assert max(SIZES) < LONGEST_TEXT
    assert growth(MASKER.text, unit) < LINEAR


@pytest.mark.parametrize("pattern", [*MADE_FROM_SECRETS.values(), free_text.STEERING])
@pytest.mark.parametrize("unit", UNITS)
def test_pattern_is_linear(pattern: re.Pattern[str], unit: str) -> None:
    sizes = tuple(4 * size for size in SIZES)
    assert growth(lambda text: pattern.sub("", text), unit, sizes) < LINEAR


@pytest.mark.parametrize("work", [free_text.visible, free_text.to_json])
@pytest.mark.parametrize("unit", UNITS)
def test_display_is_linear(work: Callable[[str], object], unit: str) -> None:
    assert growth(work, unit) < LINEAR


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("make", [spellings.spellings, masker])
def test_preparation_is_linear_in_the_secret(make: Callable[[str], object], unit: str) -> None:
    """A private key has thousands of characters."""
    assert growth(make, unit, (500, 1_000, 2_000, 4_000)) < LINEAR


def test_measure_sees_a_quadratic_pattern() -> None:
    guessing = re.compile(r"([A-Za-z][\w+.-]*://[^\s:/@]*:)[^\s]+@")
    assert growth(lambda text: guessing.sub("", text), "a-", (500, 1_000, 2_000, 4_000)) > LINEAR


@pytest.mark.parametrize("unit", UNITS)
def test_longest_text_is_masked_in_milliseconds(unit: str) -> None:
    """One request of a stranger, of any length."""
    text = unit * (1_000_000 // len(unit))
    assert cpu_ns(lambda: MASKER.text(text), rounds=3) < 100_000_000
