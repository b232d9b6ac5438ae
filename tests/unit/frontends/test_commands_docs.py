"""docs/commands.md says what the commands take; the help of each is plain."""

import re
from pathlib import Path

import pytest

from freqtrade_liquidation.frontends import commands

PAGE = (Path(__file__).parents[3] / "docs" / "commands.md").read_text(encoding="utf-8")


def options_of(command: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    with pytest.raises(SystemExit) as end:
        commands.run([command, "--help"])
    assert end.value.code == 0
    found = re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", capsys.readouterr().out)
    return set(found) - {"-h", "--help"}


def section_of(command: str) -> str:
    """The command's own part of the page, and what is true of all."""
    common, *sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    own = [text for text in sections if command in text.splitlines()[0].split(", ")]
    assert len(own) == 1, f"one section for {command}"
    return common + own[0]


@pytest.mark.parametrize("command", list(commands.OWN))
def test_docs_name_every_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    section = section_of(command)
    options = options_of(command, capsys)
    aliases = {"-vv", "-vvv"}
    assert [name for name in sorted(options - aliases) if f"`{name}" not in section] == []


def test_unknown_option_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        commands.run(["liquidate", "--nonsense"])
    assert end.value.code == 2
