"""No secret gets through, whatever it stands in."""

import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqtrade_liquidation.audit.masking import MASK, Masker, MaskingFilter

SECRET = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=4)


@given(secret=SECRET, before=st.text(), after=st.text())
def test_text_known_secret_in_any_form_is_gone(secret: str, before: str, after: str) -> None:
    masker = Masker([secret])
    for form in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]):
        masked = masker.text(before + form + after)
        assert secret not in masked
        assert MASK in masked
    assert secret not in str(masker.value({secret: [before + secret, {"x": (secret,)}]}))


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET /fapi/v1/order?symbol=X&signature=abcdef0123&timestamp=1", "abcdef0123"),
        ("{'X-MBX-APIKEY': 'abcDEF'}", "abcDEF"),
        ('"X-MBX-APIKEY": "abc\\"DEF"', "DEF"),
        ("X-MBX-APIKEY: abcDEF", "abcDEF"),
        ("Authorization: Bearer abcDEF.xyz", "abcDEF"),
        ("{'Authorization': 'Basic abcDEF=='}", "abcDEF"),
        ("OK-ACCESS-SIGN: abcDEF=", "abcDEF"),
        ("postgresql+psycopg://bot:p@ssw0rd@db/x", "ssw0rd"),
        ("https://api.telegram.org/bot123456:AAabcdefghijklmnopqrstuvwxyz0123456/x", "AAabc"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\nxx\n-----END PRIVATE KEY-----", "MIIE"),
        ("-----BEGIN EC PRIVATE KEY-----\\nMIIE cut off", "MIIE"),
        ('{\\"apiKey\\": \\"abcDEF\\"}', "abcDEF"),
        ("password=hunter2;", "hunter2"),
    ],
)
def test_text_looks_like_secret_is_masked(text: str, secret: str) -> None:
    masked = Masker().text(text)
    assert secret not in masked
    assert MASK in masked


@pytest.mark.parametrize(
    "text",
    ["BTC/USDT:USDT closed 0.01 at 50000.5", "2026-01-01T00:00:00.000001+00:00",
     '{"code":-2022,"msg":"ReduceOnly Order is rejected."}', "https://fapi.binance.com:443/x?a=1"],
)  # fmt: skip
def test_text_ordinary_stays(text: str) -> None:
    assert Masker(["a", "ok", ""]).text(text) == text


def test_value_under_a_secret_name_is_masked() -> None:
    assert Masker().value({"apiKey": "x", "n": {"password": "y", "p": "z"}}) == {
        "apiKey": MASK, "n": {"password": MASK, "p": "z"},
    }  # fmt: skip


def test_short_secrets_are_counted_not_masked() -> None:
    assert Masker(["abc", "", "abcd"]).ignored == 1


def test_filter_masks_message_arguments_and_traceback() -> None:
    try:
        raise ValueError("hunter22") from KeyError("hunter22")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", 40, "f", 1, "got %s", ("hunter22",), info, sinfo="hunter22")
    assert MaskingFilter(Masker(["hunter22"])).filter(record)
    text = logging.Formatter().format(record)
    assert "hunter22" not in text
    assert text.startswith("got ***")
    assert "KeyError" in text
    assert record.exc_info is None  # rich would format it anew, unmasked


def test_filter_arguments_that_do_not_fit_still_masked() -> None:
    record = logging.LogRecord("x", 40, "f", 1, "got %d", ("hunter22",), None)
    assert MaskingFilter(Masker(["hunter22"])).filter(record)
    assert "hunter22" not in record.getMessage()
