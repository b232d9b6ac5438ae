"""A freqtrade whose hooks do not fit is named, seam by seam, and no hook is left out."""

import inspect
import re
import subprocess
import sys
from collections import Counter, defaultdict
from functools import cache
from typing import Any, Final

import freqtrade
import pytest
from freqtrade.exceptions import OperationalException
from freqtrade.exchange import Exchange
from freqtrade.freqtradebot import FreqtradeBot

from freqtrade_liquidation.host import seam_names, seams
from tests.unit.host.freqtrade_names import ANYTHING, Use, uses

LISTED: Final = {**seam_names.NEEDED, **seam_names.TELEGRAM, **seam_names.REST}
UNTYPED: Final = (
    "freqtrade.exchange:Exchange",
    "freqtrade.freqtradebot:FreqtradeBot",
    "freqtrade.persistence:Order",
    "freqtrade.rpc.rpc_manager:RPCManager",
    "freqtrade.rpc.telegram:Telegram",
    "freqtrade.rpc:RPCHandler",
    "freqtrade.wallets:Wallets",
)
"""What an object may be whose type mypy does not know."""
OF_OTHERS: Final = {*dir(str), "close", "fetch_positions", "fetch_ticker", "id", "market"}
"""What text, ccxt's objects and a database's cursor have, too, where mypy knows no type."""


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> list[Use]:
    """What our code uses of freqtrade."""
    return uses(tmp_path_factory.mktemp("mypy"))


def test_each_name_of_freqtrades_that_we_use_is_listed(used: list[Use]) -> None:
    assert len({(use.owner, use.name) for use in used}) > 150, "the walk has seen next to nothing"
    assert "\n".join(unlisted(used, LISTED)) == ""


def test_no_name_can_be_left_out_of_the_list_unseen(used: list[Use]) -> None:
    """Nor is any there for nothing."""
    listed = [(where, name) for where in LISTED for name, _ in seams.each(LISTED[where])]
    places = Counter(name for _, name in listed)
    unseen = []
    for where, name in listed:
        names = re.sub(rf"\b{name}\b(\(.*?\))?", "", LISTED[where])
        of_name = [use for use in used if use.name == name]
        if places[name] == 1 and not unlisted(of_name, {**LISTED, where: names}):
            unseen.append(f"{where} {name}")
    assert unseen == []


def unlisted(used: list[Use], listed: seam_names.Names) -> list[str]:
    """The uses of names, or of parameters, that are not *listed*."""
    by_name: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for where, names in listed.items():
        for name, parameters in seams.each(names):
            by_name[name].append((where, parameters or ()))
    return [
        f"{use.where}: {use.owner}.{use.name} {' '.join(use.parameters)}"
        for use in used
        if not _is_listed(use, by_name[use.name])
    ]


def _is_listed(use: Use, entries: list[tuple[str, tuple[str, ...]]]) -> bool:
    if f"{use.owner}:{use.name}" in LISTED:
        return True
    if use.owner != ANYTHING:
        known = [{*parameters} for where, parameters in entries if use.owner in _names_of(where)]
        return any({*use.parameters} <= parameters for parameters in known)
    return bool(entries) or not _may_be_freqtrades(use.name)


@cache
def _may_be_freqtrades(name: str) -> bool:
    return name not in OF_OTHERS and any(seams.has(seams.find(kind), name) for kind in UNTYPED)


@cache
def _names_of(where: str) -> set[str]:
    """Of the module or class *where*, and of what the class derives from."""
    found = seams.find(where)
    if not inspect.isclass(found):
        return {where}
    return {f"{base.__module__}.{base.__qualname__}" for base in found.__mro__}


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


def test_attribute_that_a_class_only_sets_on_its_objects_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seams.check({"freqtrade.freqtradebot:FreqtradeBot": "wallets _exit_lock"})
    with pytest.raises(OperationalException, match=r"FreqtradeBot\.wallet is missing"):
        seams.check({"freqtrade.freqtradebot:FreqtradeBot": "wallet"})


def test_missing_module_or_class_is_named() -> None:
    with pytest.raises(OperationalException, match=r"freqtrade\.bot is missing"):
        seams.check({"freqtrade.bot": "Bot"})
    with pytest.raises(OperationalException, match=r"freqtrade\.worker:Works is missing"):
        seams.check({"freqtrade.worker:Works": "run()"})


def test_signature_that_would_not_take_our_call_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def amount_to_precision(self: Any, amount: float, pair: str) -> float:
        return amount

    def get_fee(self: Any, symbol: str, account: str, taker_or_maker: str = "taker") -> float:
        return 0.0

    monkeypatch.setattr(Exchange, "amount_to_precision", amount_to_precision)
    monkeypatch.setattr(Exchange, "get_fee", get_fee)
    with pytest.raises(OperationalException) as caught:
        seams.check()
    told = str(caught.value)
    assert "Exchange.amount_to_precision takes its parameters in another order" in told
    assert "Exchange.get_fee needs a parameter that we do not know: account" in told


def test_name_that_our_modules_import_is_missed_in_words_and_not_in_a_traceback() -> None:
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            "import freqtrade.constants, freqtrade.worker\n"
            "del freqtrade.constants.CANCEL_REASON\n"
            "from freqtrade_liquidation.__main__ import main\n"
            "main(['trade', '-c', 'none.json'])",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "CANCEL_REASON is missing" in ended.stderr
