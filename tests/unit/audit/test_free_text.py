"""What is read back is never changed; what steers a terminal never reaches it."""

import ast
import json
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import freqtrade_liquidation
from freqtrade_liquidation.audit.chain import plain
from freqtrade_liquidation.audit.events import AuditEvent, AuditEventType
from freqtrade_liquidation.audit.free_text import (
    EXACT,
    NESTED,
    STEERING,
    WORDS,
    to_json,
    visible,
    with_words,
)
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.sink import RunRecord
from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.host.control import Control
from freqtrade_liquidation.host.history import note_config
from freqtrade_liquidation.model import (
    ClosingOrder,
    OpenOrder,
    OrderRole,
    PairOutcome,
    PairState,
    Position,
    Side,
)
from tests.unit.audit.secrets_of_tests import masker

ID = "liq_20261129_000000_2026beef"
PAIR = "BTC/USDT:USDT"
PASSWORDS = (
    "2026",
    "0000",
    "long",
    "true",
    "None",
    PAIR,
    "BTC/",
    "8389765",
    "liq_",
    "T00:",
    "open",
)
ORDER = "83897652026040000"

SHOWN_THOUGH_UNUSUAL = (
    *(*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD),
    *range(0x13430, 0x13460),
)
"""Format characters that are seen: signs of Arabic, Syriac and Egyptian writing."""


# -- the terminal ---------------------------------------------------------------------------------


def test_every_character_that_could_steer_a_terminal_is_escaped() -> None:
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        kind = unicodedata.category(character)
        steers = kind in ("Cc", "Cf", "Cs", "Zl", "Zp") and code not in SHOWN_THOUGH_UNUSUAL
        if steers and character not in "\t\n":
            assert visible(character).isascii(), hex(code)
            assert visible(character).startswith("\\"), hex(code)
        elif kind != "Cn":
            assert visible(character) == character, hex(code)


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_json_stays_json_and_steers_nothing(value: Any) -> None:
    line = to_json(value)
    assert json.loads(line) == value
    assert not STEERING.search(line)
    assert "\n" not in line


def test_json_keeps_ordinary_letters() -> None:
    assert to_json({"reason": "für \x1b[2J\u202e"}) == r'{"reason": "für \u001b[2J\u202e"}'


# -- what is read back ----------------------------------------------------------------------------


def row_of(item: AuditEvent | RunRecord) -> dict[str, Any]:
    return {field.name: plain(getattr(item, field.name)) for field in fields(item)}


OUTCOME = PairOutcome(
    pair=PAIR, side=Side.LONG, state=PairState.OPEN, amount=2026.0000, residual_amount=0.2026,
    error="it said 2026",
)  # fmt: skip
POSITION = Position(pair=PAIR, side=Side.LONG, amount=2026.0, obstacle="it is long")
RESTING = OpenOrder(pair=PAIR, order_id=ORDER, role=OrderRole.ENTRY, side="buy", amount=2026.0)
CLOSING = ClosingOrder(pair=PAIR, side=Side.LONG, amount=1.0, client_order_id="x2026-0000long")
EVENT = AuditEvent(
    event_type=AuditEventType.CLOSE_INTENDED, operation="close", correlation_id=ID, trigger="cli",
    pair=PAIR, config=LiquidationConfig().to_dict(), error="2026 and 0000",
    additional_data={
        **CLOSING.to_dict(), "order_id": ORDER, "order_ids": [ORDER],
        "until": "2026-11-29T00:00:00",
        "positions": [OUTCOME.to_dict()], "open_positions": [POSITION.to_dict()],
        "orders": [RESTING.to_dict()], "reason": "long 2026", "outcome": "open",
        "unheard_of": ID, "unheard_of_time": "2026-11-29T00:00:00.000000+00:00",
    },
)  # fmt: skip
RUN = RunRecord(
    correlation_id=ID, trigger="cli", state="in_progress",
    started_at=datetime(2026, 11, 29, tzinfo=UTC),
    actor="2026", reason="long", scope="account", pairs=[PAIR], outcome=[OUTCOME.to_dict()],
    errors=["0000 is 2026"],
)  # fmt: skip


def without_words(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_words(item) for key, item in value.items() if key not in WORDS}
    return [without_words(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("item", [EVENT, RUN])
def test_password_changes_nothing_that_is_read_back(
    item: AuditEvent | RunRecord, password: str
) -> None:
    row = row_of(item)
    masked = with_words(row, masker(password).text)
    assert without_words(masked) == without_words(row)
    words = [masked.get("error") or "", *(masked.get("errors") or ())]
    assert not any(password in text for text in words)


@pytest.mark.parametrize("password", PASSWORDS)
def test_password_costs_no_latch_no_window_and_no_settings(password: str, tmp_path: Path) -> None:
    with_it = AuditLog(
        f"sqlite:///{tmp_path}/t.sqlite", fallback=tmp_path / "f.jsonl", masker=masker(password)
    )
    try:
        control = Control(with_it)
        until = control.disarm(timedelta(minutes=15), by=f"cli {password}", reason=password)
        assert control.state().disarmed_until == until
        control.latch(by=f"cli x ({ID})", correlation_id=ID)
        assert control.state().latched_by is not None
        for _ in range(2):
            note_config(with_it, LiquidationConfig())
        kinds = [row["event_type"] for row in with_it.events()]
        assert kinds.count("liquidation_config_changed") == 1, "the settings did not change"
        with_it.record([EVENT], RUN)
        assert [row["pair"] for row in with_it.events(ID, [EVENT.event_type])] == [PAIR]
        assert [run["correlation_id"] for run in with_it.unfinished_runs()] == [ID]
        assert with_it.verify().ok
    finally:
        with_it.close()


def test_words_of_unknown_fields_are_masked_at_any_depth() -> None:
    row = {"additional_data": {"new": "hunter22", "news": [{"x": ["hunter22", 5]}], "order_id": 1}}
    masked = with_words(row, masker("hunter22").text)
    assert masked == {"additional_data": {"new": "***", "news": [{"x": ["***", 5]}], "order_id": 1}}


# -- every field has been decided upon ------------------------------------------------------------


def keys_in_the_code() -> Iterator[str]:
    """What our own code writes into the trail, as far as its text shows."""
    for file in Path(freqtrade_liquidation.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if name == "note" and any("Event." in ast.unparse(arg) for arg in node.args):
                yield from (keyword.arg for keyword in node.keywords if keyword.arg)
            given_data = [k.value for k in node.keywords if k.arg in ("additional_data", "details")]
            for data in given_data:
                keys = data.keys if isinstance(data, ast.Dict) else []
                yield from (str(key.value) for key in keys if isinstance(key, ast.Constant))


def test_every_field_is_either_free_text_or_read_back() -> None:
    written = {
        *keys_in_the_code(),
        *(f.name for kind in (AuditEvent, RunRecord) for f in fields(kind)),
    }
    for item in (OUTCOME, POSITION, RESTING, CLOSING):
        written |= set(item.to_dict())
    assert {"order_ids", "lifecycle_state", "signals", "scope"} <= written, "none was found"
    assert written - WORDS - EXACT - NESTED == set()
    assert not WORDS & (EXACT | NESTED)
    assert not EXACT & NESTED
