"""Half a minute of the soak; ``make soak`` goes on for half an hour, and looks at memory, too."""

from tests.integration.forking import ForkedBot
from tests.soak.soak import A_DAY, DAY_IN_S, Soak

SECONDS = 20.0


def test_bot_lives_through_hostile_input_and_its_signal_closes_the_book() -> None:
    report = Soak(SECONDS, make_bot=ForkedBot).run()
    print("\n".join(report.lines()))
    assert report.inputs.keys() == A_DAY.keys()
    assert all(report.inputs.values()), "some of each kind"
    assert sum(report.inputs.values()) > sum(A_DAY.values()) * SECONDS / DAY_IN_S / 2
    assert report.status.startswith("Armed: positions are closed")
