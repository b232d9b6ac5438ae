"""What the command line says about itself."""

from freqtrade_liquidation.frontends.commands import ABOUT, OWN, about


def test_every_own_command_is_told_and_nothing_else() -> None:
    assert set(ABOUT) == {*OWN, "trade"}
    for name, words in ABOUT.items():
        assert f"  {name}" in about()
        assert words in about()
