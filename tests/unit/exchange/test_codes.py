"""The tables are decisions: a code of this kind that ccxt adds has to be written into one."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from freqtrade_liquidation.exchange.classify import CLASSES
from freqtrade_liquidation.exchange.codes import CODES, PHRASES, Verdict
from tests.unit.exchange.ccxt_tables import Listed, listed

TELLING: Final = re.compile(
    r"time.?out|timed out|busy|again|unknown error|network error|internal|server error"
    r"|system (error|exception|abnormal|is)|abnormal|overload|too frequen|too fast|too many req"
    r"|reduce.?only|no position|position (is zero|is empty|is not suff|does)|close amount"
    r"|market is|price (limit|is not within|out of|deviat|too far|cannot be)|percent_price"
    r"|multiplier|halt|suspended|auction|settle(d|ment)|maintenance|liquidity|in progress"
    r"|match(ed)? (any|against)|processing|at the current time|submitted",
    re.IGNORECASE,
)
"""Words that say: may have acted, not now, or nothing left to reduce."""
OTHER_PRODUCTS: Final = re.compile(
    r"borrow|loan|repay|rede(e|m)|withdraw|transfer|copy|lead|copier|collateral|kol\b|savings"
    r"|subscri|purchase|sub-?account|TP/SL|trigger|take.?profit|stop.?loss|iceberg|time-weighted"
    r"|margin mode|ETP|LT\b|nav\b|options?\b|bot\b|grid|signal|codes? created|redemption|withdrawal"
    r"|market maker|moving positions|closeFraction|leverage",
    re.IGNORECASE,
)
"""Answers that no request of a run can get."""
MISLED: Final = frozenset({Verdict.REFUSED, Verdict.ACCOUNT_REFUSED})
"""The class's verdicts that such words can contradict; the others already mean: look again."""

LEFT_TO_CCXT: Final[Mapping[str, str]] = {
    "binance": "-4035 -4042 -18002 200003903 -2026 -4164 -4183 -4184 -4210 -4211 -4401"
    " -4531 -5047 -4017 -4018 -4025 -4062 -4138",
    "bybit": "110016 131092 140016 170031 175003 175006 176018 176019 30017 30018 30022 30023",
    "okx": "4088 51120 51133 51139 51162 51163 51205 51508 54073 58007 59216 59300 59508 59686"
    " 70064 70065 4006",
    "bitget": "30029 32001 32018 32028 32065 32083 33002 34017 36103 1003 40031 40302 40304 40306"
    " 40708 40709 50004",
    "htx": "1041",
}
"""Where the class's "refused" is right in spite of the words: what was asked for does not exist,
another product, another endpoint."""


def undecided(exchange_id: str) -> Iterator[Listed]:
    """What ccxt knows of *exchange_id*, and whose words its class may tell wrongly."""
    for row in listed(exchange_id):
        decided = row.code in CODES.get(exchange_id, {}) or any(
            phrase in row.words for phrase in PHRASES.get(exchange_id, {})
        )
        verdict = next(CLASSES[kind] for kind in row.kind.__mro__ if kind in CLASSES)
        if (
            not decided
            and verdict in MISLED
            and not row.section.startswith(("inverse", "option", "portfolio"))
            and TELLING.search(row.words)
            and not OTHER_PRODUCTS.search(row.words)
        ):
            yield row


@pytest.mark.parametrize("exchange_id", sorted({*CODES, *PHRASES} - {"bitmart"}))
def test_code_whose_words_contradict_ccxts_class_is_a_decision(exchange_id: str) -> None:
    """One that ccxt adds belongs into the tables, or beside those that are left to its class."""
    found = {row.code: row for row in undecided(exchange_id)}
    left = set(LEFT_TO_CCXT.get(exchange_id, "").split())
    assert {code: row.words for code, row in found.items() if code not in left} == {}
    assert left <= found.keys(), "no longer in ccxt, or decided in a table"


@pytest.mark.parametrize("exchange_id", sorted({*CODES, *PHRASES} - {"bitmart"}))
def test_words_are_read_from_ccxts_source(exchange_id: str) -> None:
    """Else the test above sees nothing and passes."""
    rows = list(listed(exchange_id))
    assert len(rows) >= 19
    assert exchange_id in ("gate", "hyperliquid", "kraken", "krakenfutures", "bingx") or any(
        TELLING.search(row.words) for row in rows
    )


@pytest.mark.parametrize(
    ("exchange_id", "codes", "verdict"),
    [
        ("bitget", "40010 40725 45001", Verdict.UNANSWERED),
        ("bybit", "170035", Verdict.UNANSWERED),
        ("binance", "-2022 -4118", Verdict.CLOSE_BLOCKED),
        ("okx", "51112", Verdict.CLOSE_BLOCKED),
        ("okx", "51169 51023", Verdict.NOTHING_TO_REDUCE),
        ("okx", "51006 51136 51138", Verdict.REFUSED_FOR_NOW),
    ],
)
def test_decision(exchange_id: str, codes: str, verdict: Verdict) -> None:
    assert {CODES[exchange_id][code] for code in codes.split()} == {verdict}
