"""What is typed on a phone, as a command or as an answer that helps."""

from datetime import timedelta

import pytest

from freqtrade_liquidation.frontends.telegram.parsing import (
    ALLOWED,
    Arm,
    BadCommand,
    Close,
    Command,
    Disarm,
    ShowStatus,
    parse,
    resolve,
)
from tests.unit.frontends.telegram_fakes import BTC, ETH


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("", Close()),
        ("now", Close(at_once=True)),
        ("NOW", Close(at_once=True)),
        (BTC, Close(pairs=(BTC,))),
        (f"{BTC}, {ETH} Now", Close(pairs=(BTC, ETH), at_once=True)),
        ("kPEPE/USDC:USDC", Close(pairs=("kPEPE/USDC:USDC",))),
        ("status", ShowStatus()),
        ("Status", ShowStatus()),
        ("disarm 15m", Disarm(duration=timedelta(minutes=15))),
        ("Disarm 2H new disk", Disarm(duration=timedelta(hours=2), reason="new disk")),
        ("arm", Arm()),
        ("arm all is well", Arm(reason="all is well")),
    ],
)
def test_command_is_understood(typed: str, command: Command) -> None:
    assert parse(typed.split()) == command


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("disarm", "needs a duration"),
        ("disarm soon", "'soon'"),
        ("disarm 0m", "'0m'"),
        ("disarm 25h", "'25h'"),
        ("disarm 99999999999999h", "'99999999999999h'"),
        ("now now", "'now'"),
        (f"now {BTC}", "'now'"),
        ("all", "'all'"),
        ("status now", "'now'"),
        ("BTC", "'BTC'"),
        ("BTC/USDT/USDT", "'BTC/USDT/USDT'"),
        ("cancel", "'cancel'"),
        (", now", "','"),
        (",", "','"),
    ],
)
def test_what_is_no_command_is_answered_with_what_was_found_and_what_is_allowed(
    typed: str, found: str
) -> None:
    with pytest.raises(BadCommand) as raised:
        parse(typed.split())
    assert found in str(raised.value)
    assert ALLOWED in str(raised.value)


def test_pairs_are_found_in_any_case_and_nothing_else_is_guessed() -> None:
    assert resolve([], [BTC]) is None
    assert resolve([BTC.lower(), ETH], [BTC, ETH]) == frozenset({BTC, ETH})
    with pytest.raises(BadCommand, match=r"BTC/USDT is not a pair.*did you mean BTC/USDT:USDT"):
        resolve(["BTC/USDT", ETH], [BTC, ETH])


def test_pair_that_two_pairs_of_the_exchange_could_be_is_not_guessed() -> None:
    listed = ["kX/USDC:USDC", "KX/USDC:USDC"]
    assert resolve(["KX/USDC:USDC"], listed) == frozenset({"KX/USDC:USDC"})
    with pytest.raises(BadCommand):
        resolve(["kx/USDC:USDC"], listed)
