"""A freqtrade whose hooks do not fit is named, seam by seam."""

from typing import Any

import freqtrade
import pytest
from freqtrade.exceptions import OperationalException
from freqtrade.exchange import Exchange
from freqtrade.freqtradebot import FreqtradeBot

from freqtrade_liquidation.host import seams


def test_installed_freqtrade_fits() -> None:
    seams.check()


def test_missing_method_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Exchange, "_amount_to_contracts")
    with pytest.raises(OperationalException, match=r"Exchange\._amount_to_contracts is missing"):
        seams.check()


def test_renamed_parameter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def execute_entry(self: Any, symbol: str, *, is_short: bool = False) -> bool:
        return False

    monkeypatch.setattr(FreqtradeBot, "execute_entry", execute_entry)
    with pytest.raises(
        OperationalException, match=r"FreqtradeBot\.execute_entry has no parameter pair"
    ):
        seams.check()


@pytest.mark.parametrize(
    ("version", "fits"),
    [("2026.4", True), ("2026.10-dev-1a2b", True), ("2027.1", True),
     ("2026.3", False), ("2025.12", False), ("develop", False)],
)  # fmt: skip
def test_version_is_compared_as_numbers(
    monkeypatch: pytest.MonkeyPatch, version: str, fits: bool
) -> None:
    monkeypatch.setattr(freqtrade, "__version__", version)
    if fits:
        seams.check()
    else:
        with pytest.raises(OperationalException, match=f"version '?{version}"):
            seams.check()


def test_all_faults_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freqtrade, "__version__", "2025.1")
    monkeypatch.delattr(FreqtradeBot, "handle_cancel_exit")
    with pytest.raises(OperationalException) as caught:
        seams.check()
    assert str(caught.value).count("\n- ") == 2
