"""What the bot's loop does for us raises nothing into it."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from freqtrade_liquidation.host.watch import Watch

PARTS = ("_heed_neighbours", "_finish_interrupted", "_repair_if_due", "_heed_control")


@pytest.mark.parametrize("broken", PARTS)
def test_watch_goes_on_whatever_a_part_of_it_raises(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    """The loop would die of it, and its death would close the book."""
    watch, done = Watch(cast(Any, SimpleNamespace())), []

    def part(name: str) -> Any:
        def work() -> None:
            done.append(name)
            if name == broken:
                raise ValueError("soon")

        work.__name__ = name
        return work

    for name in PARTS:
        monkeypatch.setattr(watch, name, part(name))
    watch.look()
    watch.look()
    assert done == [*PARTS, *PARTS]
    assert caplog.text.count("a part of its protection failed") == 1, "told once"
