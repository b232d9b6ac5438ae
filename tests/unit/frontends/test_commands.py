"""What the command line says about itself."""

import pytest

from freqtrade_liquidation.__main__ import main
from freqtrade_liquidation.frontends import commands
from freqtrade_liquidation.frontends.commands import ABOUT, OWN, about


def test_every_own_command_is_told_and_nothing_else() -> None:
    assert set(ABOUT) == {*OWN, "trade"}
    for name, words in ABOUT.items():
        assert f"  {name}" in about()
        assert words in about()


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["liquidat", "--yes"], "liquidate"),
        (["LIQUIDATE", "--yes"], "liquidate"),
        (["-c", "config.json", "liquidate", "--yes"], "liquidate"),
        (["drll"], "drill"),
        (["close-everything"], None),
    ],
)
def test_unknown_command_is_a_usage_error_and_never_done(
    arguments: list[str], meant: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """freqtrade ends with 0, which a script takes for "done and flat"."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert (f"Did you mean: freqtrade-liquidation {meant} " in told) is (meant is not None)
    assert all(name in told for name in OWN)


@pytest.mark.parametrize("arguments", [["list-exchanges", "--nonsense"], []])
def test_command_that_freqtrade_knows_is_not_taken_for_another_one(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "The command comes first" not in capsys.readouterr().err


def test_help_of_freqtrade_is_no_error() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["list-exchanges", "--help"])
    assert ended.value.code == 0


def test_ctrl_c_ends_a_command_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(OWN, "drill", interrupted)
    assert commands.run(["drill"]) == 1
    assert capsys.readouterr().err.strip() == "Interrupted: drill was not finished."
