"""docs/audit.md says what the code does."""

import re
from pathlib import Path

from freqtrade_liquidation.audit.events import AuditEventType
from freqtrade_liquidation.audit.tables import EVENT_COLUMNS, RUN_COLUMNS

TEXT = (Path(__file__).parents[3] / "docs" / "audit.md").read_text(encoding="utf-8")


def test_docs_list_every_event_type_in_order() -> None:
    assert re.findall(r"^\| `(liquidation_\w+)` \|", TEXT, re.MULTILINE) == list(AuditEventType)


def test_docs_name_every_column() -> None:
    assert all(f"`{column}`" in TEXT for column in (*EVENT_COLUMNS, *RUN_COLUMNS))
