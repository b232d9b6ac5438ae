"""No secret gets through, whatever it stands in; nothing else is changed."""

import base64
import html
import json
import random
import string
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from freqtrade_liquidation.audit.free_text import visible
from freqtrade_liquidation.audit.masking import (
    LONG_SECRET,
    LONGEST_TEXT,
    MASK,
    SHORTEST_PART,
    Masker,
    Secret,
)
from freqtrade_liquidation.audit.spellings import spellings
from tests.unit.audit.secrets_of_tests import masker, secret

CHARACTERS = st.characters(exclude_characters="*")  # what remains could be read as a mask
SECRET = st.text(CHARACTERS, min_size=4, max_size=80).filter(lambda s: len(s.split()) == 1)
KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
PEM = "\n".join(
    ["-----BEGIN PRIVATE KEY-----"]
    + [base64.b64encode(random.Random(i).randbytes(48)).decode() for i in range(3)]
    + ["-----END PRIVATE KEY-----"]
)


@given(value=SECRET, before=st.text(max_size=40), after=st.text(max_size=40), data=st.data())
@example(value="2026", before="", after="", data=None)
@example(value=KEY, before="k", after="k", data=None)
@example(value="p<&'\"/ \x1b\u202eß", before="", after="", data=None)
def test_secret_in_any_spelling_is_gone(
    value: str, before: str, after: str, data: st.DataObject | None
) -> None:
    forms = sorted(form for form in spellings(value) if len(form) >= 4)
    for form in [data.draw(st.sampled_from(forms))] if data else forms:
        shown = masker(value).text(before + form + after)
        assert value not in shown
        assert visible(form) not in shown
        assert MASK in shown
        assert len(shown) < 12 * (len(before + form + after) + 1)


@given(
    value=st.text(string.ascii_letters + string.digits + "+/=-_", min_size=LONG_SECRET),
    data=st.data(),
)
def test_part_of_a_long_secret_is_gone(value: str, data: st.DataObject) -> None:
    """An exchange echoes how a key begins, or a text ends in the middle of one."""
    form = data.draw(st.sampled_from(sorted(f for f in spellings(value) if len(f) >= LONG_SECRET)))
    first = data.draw(st.integers(0, len(form) - SHORTEST_PART))
    part = form[first : data.draw(st.integers(first + SHORTEST_PART, len(form)))]
    shown = masker(value).text(f"# {part} #")
    assert shown == f"# {MASK} #"


def test_shortest_part_is_gone_wherever_it_begins() -> None:
    known = masker(KEY)
    for first in range(len(KEY) - SHORTEST_PART + 1):
        for before in range(SHORTEST_PART):
            part = KEY[first : first + SHORTEST_PART]
            assert known.text("#" * before + part + "#") == "#" * before + MASK + "#"


@given(st.text(max_size=300))
def test_text_without_secrets_stays_but_for_characters_that_steer(text: str) -> None:
    assert masker(KEY, PEM, "hunter22-of-nobody").text(text) == visible(text)
    assert masker(KEY).text(text, with_controls=True) == text


@given(
    before=st.binary(max_size=20),
    password=st.text(CHARACTERS, min_size=4, max_size=40),
    after=st.binary(max_size=20),
)
def test_secret_inside_a_base64_text_is_gone(before: bytes, password: str, after: bytes) -> None:
    """A header of basic authentication: wherever the password begins in it."""
    raw = password.encode("utf-8", "surrogatepass")
    text = base64.b64encode(before + raw + after).decode()
    its_own = text[-(-8 * len(before) // 6) : 8 * (len(before) + len(raw)) // 6]
    assert its_own not in masker(password).text(f"Authorization: Basic {text}")


@pytest.mark.parametrize(
    "text",
    [
        *(f"header was {line}" for line in PEM.split("\n")[1:-1]),
        json.dumps({"key": PEM}),
        repr({"key": PEM}),
        PEM.replace("\n", "\r\n"),
        " ".join(PEM.split()),
    ],
)
def test_private_key_is_gone_line_by_line(text: str) -> None:
    shown = masker(PEM).text(text)
    for line in PEM.split("\n")[1:-1]:
        assert line[:SHORTEST_PART] not in shown
        assert line[-SHORTEST_PART:] not in shown


def test_characters_that_steer_do_not_hide_a_secret() -> None:
    shown = masker("hunter\x1b22").text("it was hunter\x1b22, 'hunter\\x1b22', \x1b[2J")
    assert shown == f"it was {MASK}, '{MASK}', \\x1b[2J"


@pytest.mark.parametrize("value", ["hunter22", KEY])
@pytest.mark.parametrize("spread", range(-70, 71))
def test_text_that_is_too_long_is_cut_off_but_never_inside_a_secret(
    value: str, spread: int
) -> None:
    text = "x" * (LONGEST_TEXT - len(value) // 2 + spread) + value + "y" * 100
    shown = masker(value).text(text)
    assert len(shown) < LONGEST_TEXT + 60
    assert f"(cut off: {len(text)} characters)" in shown
    assert not any(value[i : i + 4] in shown for i in range(len(value) - 3))


def test_huge_text_is_bounded() -> None:
    for text in ("\x1b" * 10_000_000, KEY * 1_000_000, "hunter22" * 1_000_000):
        assert len(masker(KEY, "hunter22").text(text)) < LONGEST_TEXT + 60


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /fapi/v1/order?symbol=X&signature=abcdef0123&timestamp=1",
         "GET /fapi/v1/order?symbol=X&signature=***&timestamp=1"),
        ("/v1/order?a=1&Signature=aB%2Bc%2Fd%3D&Timestamp=1 503",
         "/v1/order?a=1&Signature=***&Timestamp=1 503"),
        ("signature=abc&b=1", "signature=***&b=1"),
        ("?a=1&amp;signature=abc&amp;b=1", "?a=1&amp;signature=***&amp;b=1"),
        (r"?a=1\u0026signature=abc\u0026b=1", r"?a=1\u0026signature=***\u0026b=1"),
        ("a%3D1%26signature%3Dabc%26b%3D1", "a%3D1%26signature%3D***%26b%3D1"),
        ("a%3d1%26Signature%3dabc%252F", "a%3d1%26Signature%3d***"),
        ("/ws?token=eyJhbGciOi.eyJpZGVudGl0eSI6.SflKxwRJSMeKKF2QT4fwpMeJf36POk",
         "/ws?token=***"),
    ],
)  # fmt: skip
def test_what_the_process_makes_from_secrets_is_masked(text: str, shown: str) -> None:
    assert Masker().text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "BTC/USDT:USDT closed 0.01 at 50000.5", "2026-01-01T00:00:00.000001+00:00",
        '{"code":-2022,"msg":"ReduceOnly Order is rejected."}', "https://fapi.binance.com:443/x?a=1",
        "a signature=abc of hers", "my_signature=abc", "signature not valid",
        "password: what you typed", "token=… key=… secret", "one\ttwo\nthree", "eyJ.eyJ.eyJ",
    ],
)  # fmt: skip
def test_text_that_only_looks_like_a_secret_stays(text: str) -> None:
    assert masker("a", "ok", "", KEY).text(text) == text


def test_ordinary_words_of_a_password_stay() -> None:
    shown = masker("freqtrade-2026x").text("freqtrade 2026.9 on freqtrade-2026")
    assert shown == "freqtrade 2026.9 on freqtrade-2026"


def test_address_is_masked_as_a_whole_only() -> None:
    known = Masker([secret("/hooks/freqtrade_liquidation/abc", in_parts=False)])
    shown = known.text("/hooks/freqtrade_liquidation/abc in freqtrade_liquidation/audit")
    assert shown == f"{MASK} in freqtrade_liquidation/audit"


def test_secret_that_is_too_short_is_named_by_its_key() -> None:
    known = Masker(
        [Secret(key="api_server.password", value="abc"), Secret(key="b", value="abcd"),
         Secret(key="c", value="")]
    )  # fmt: skip
    assert known.too_short == ("api_server.password",)
    assert known.text("abc abcd") == f"abc {MASK}"


def test_secret_never_shows_itself() -> None:
    assert "hunter22" not in repr(secret("hunter22"))


def test_secret_is_found_in_a_request_that_requests_made() -> None:
    assert "p@ss/w" not in masker("p@ss/w rd").text(f"?pw={quote('p@ss/w rd')}")


def test_address_is_gone_in_any_letter_case() -> None:
    address = "0xAbCdEf0123456789aBcDeF0123456789AbCdEf01"
    for shown in (address, address.lower(), address.upper(), address.swapcase(), address[2:]):
        assert masker(address).text(f"İ {shown}!") == f"İ {MASK}!"


@pytest.mark.parametrize("value", [KEY, "p<&'\"/+= 2026", "ключ-пароль", "back\\slash%25"])
def test_secret_as_other_programs_write_it_is_gone(value: str) -> None:
    """Spelt by the libraries that spell it so, not by our own list of spellings."""
    raw = value.encode()
    for form in (
        value,
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        urlencode({"key": value}).partition("=")[2],
        html.escape(value),
        json.dumps(value)[1:-1],
        json.dumps(json.dumps(value))[3:-3],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        ascii(value)[1:-1],
        repr(raw)[2:-1],
        raw.hex(),
        raw.hex().upper(),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        base64.b64encode(b"operator:" + raw).decode(),
        base64.urlsafe_b64encode(b"x" + raw + b"\n").decode(),
        base64.b32encode(raw).decode(),
    ):
        shown = masker(value).text(f"<{form}>")
        assert MASK in shown, form
        assert len(shown) < len(MASK) + 20, f"all but what stands around it: {form} -> {shown}"


@pytest.mark.parametrize("value", [KEY, "hunter#22"])
def test_secret_of_which_each_character_is_escaped_is_gone(value: str) -> None:
    raw = value.encode()
    for form in (
        base64.b32encode(raw).decode(),
        base64.b32encode(b"me:" + raw).decode(),
        "".join(f"%{byte:02x}" for byte in raw),
        "".join(f"&#{byte};" for byte in raw),
        "".join(f"&#x{byte:X};" for byte in raw),
        "".join(f"\\u{byte:04x}" for byte in raw),
        "".join(f"\\x{byte:02X}" for byte in raw),
        raw.hex(":"),
        raw.hex(":").upper(),
    ):
        shown = masker(value).text(f"<{form}>")
        assert MASK in shown
        assert len(shown) < 20
