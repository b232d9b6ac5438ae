"""What a service manager is told when a bot ends."""

from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.exceptions import ConfigurationError, OperationalException, TemporaryError
from sqlalchemy.exc import OperationalError

from freqtrade_liquidation.__main__ import _code_of_bot
from freqtrade_liquidation.audit.log import AuditUnreadable

NO_MARKETS = OperationalException("Could not load markets, therefore cannot start. Please …")


def raised(error: Exception, by: Exception) -> Exception:
    """As freqtrade's bot leaves it: raised from itself, its cause in the context alone."""
    error.__context__, error.__cause__ = by, error
    return error


LOCKED = OperationalError("SELECT 1", {}, Exception("database is locked"))
UNREADABLE = raised(OperationalException("Not started"), AuditUnreadable("the database is busy"))
DOWN = raised(OperationalException("no balance"), TemporaryError("503"))


@pytest.mark.parametrize(
    ("code", "failed_by", "expected"),
    [
        (2, NO_MARKETS, 1),
        (2, DOWN, 1),
        (2, UNREADABLE, 1),
        (2, LOCKED, 1),
        (1, LOCKED, 1),
        (2, OperationalException("Impossible to load Strategy"), 2),
        (2, ConfigurationError("wrong"), 2),
        (0, ConfigurationError("wrong"), 2),
        (2, None, 2),
    ],
)
def test_start_that_failed(code: int, failed_by: Exception | None, expected: int) -> None:
    assert _code_of_bot(code, bot(failed_by=failed_by, armed=False), ["trade"]) == expected


@pytest.mark.parametrize(
    ("code", "remain", "signal", "expected"),
    [
        (130, False, "SIGTERM", 130),
        (130, True, "SIGTERM", 3),
        (2, False, "SIGTERM", 130),
        (2, False, None, 1),
        (1, False, None, 1),
        (1, True, None, 3),
    ],
)
def test_end_of_a_bot_that_has_run(
    code: int, remain: bool, signal: str | None, expected: int
) -> None:
    assert _code_of_bot(code, bot(remain=remain, signal=signal), ["trade"]) == expected


def bot(
    *,
    failed_by: Exception | None = None,
    armed: bool = True,
    remain: bool = False,
    signal: str | None = None,
) -> Any:
    return SimpleNamespace(
        positions_remain=remain,
        signals=SimpleNamespace(first=signal),
        is_armed=armed,
        start_failed_by=failed_by,
    )
