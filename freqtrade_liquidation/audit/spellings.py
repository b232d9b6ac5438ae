"""How a secret is spelt on its way through the world: as it is, and in every common encoding."""

import html
import json
import re
from base64 import b32encode, b64encode
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from freqtrade_liquidation.audit.free_text import visible

_PERCENT: Final = re.compile(r"%[0-9A-F]{2}")


def spellings(secret: str) -> set[str]:
    """Every form in which *secret* is looked for.

    As it is; percent-encoded (upper and lower hex, ``+`` for a space);
    escaped for HTML, JSON (also twice, and with ``\\/``) and by ``repr``; each character escaped,
    needed or not; hex, also with colons; base32; base64, ordinary and for URLs, both
    alone or inside a longer text such as ``user:password``; of several lines: without their breaks.
    Each of them also as the log shows it.
    """
    forms = {secret, *_percent(secret), *_markup(secret), *_quoted(secret)}
    forms |= {"".join(secret.split()), " ".join(secret.split())}
    raw = secret.encode("utf-8", "surrogatepass")
    forms |= {*_each_escaped(secret, raw), *_base64(raw)}
    for hexes in (raw.hex(), raw.hex(":")):
        forms |= {hexes, hexes.upper()}
    return {*forms, *map(visible, forms)} - {""}


def _percent(secret: str) -> Iterator[str]:
    for safe in ("", "/", "!'()*"):  # the last as JavaScript's encodeURIComponent
        yield (form := quote(secret, safe=safe, errors="surrogatepass"))
        yield _PERCENT.sub(lambda match: match[0].lower(), form)
    yield (form := quote_plus(secret, errors="surrogatepass"))
    yield _PERCENT.sub(lambda match: match[0].lower(), form)


def _markup(secret: str) -> Iterator[str]:
    yield html.escape(secret, quote=False)
    yield (form := html.escape(secret))
    yield form.replace("&#x27;", "&#39;")
    yield form.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    yield form.replace("&#x27;", "&apos;")


def _quoted(secret: str) -> Iterator[str]:
    for as_ascii in (True, False):
        yield (form := json.dumps(secret, ensure_ascii=as_ascii)[1:-1])
        yield form.replace("/", "\\/")
        yield json.dumps(form, ensure_ascii=as_ascii)[1:-1]
    yield repr(secret)[1:-1]
    yield ascii(secret)[1:-1]
    yield repr(secret.encode("utf-8", "surrogatepass"))[2:-1]


def _each_escaped(secret: str, raw: bytes) -> Iterator[str]:
    """As a writer has it who escapes all that he is given."""
    for byte in ("%{:02X}", "%{:02x}", "\\x{:02x}", "\\x{:02X}"):
        yield "".join(map(byte.format, raw))
    for character in ("&#{};", "&#x{:x};", "&#x{:X};", "\\u{:04x}", "\\u{:04X}"):
        yield "".join(map(character.format, map(ord, secret)))


def _base64(raw: bytes) -> Iterator[str]:
    """Whole, and what stays the same wherever in a longer text *raw* begins. Base32 as well."""
    for encode, bits, group in ((b64encode, 6, 3), (b32encode, 5, 5)):
        whole = encode(raw).decode()
        inside = (encode(bytes(before) + raw).decode() for before in range(group))
        parts = [
            text[-(-8 * before // bits) : 8 * (before + len(raw)) // bits]
            for before, text in enumerate(inside)
        ]
        for form in (whole, whole.rstrip("="), *parts):
            yield form
            yield form.replace("+", "-").replace("/", "_")
