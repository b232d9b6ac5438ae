"""What becomes of each request, drawn when it is sent: the same for the same seed and request."""

from random import Random
from typing import Final
from zlib import crc32

from tests.simulation.schedule import Endpoint, Fate, Schedule, Word

READ: Final = (
    *(Word.DOWN, Word.DOWN, Word.LOST, Word.LOST_DONE, Word.HANGS, Word.HANGS),
    *(Word.THROTTLED, Word.OVERLOADED),
)
_WRITE: Final = (
    *(Word.THROTTLED, Word.OVERLOADED, Word.DOWN, Word.DOWN_DONE, Word.LOST, Word.LOST_DONE),
    *(Word.LATE, Word.HANGS, Word.HANGS_DONE, Word.HANGS_LATE),
)
WORDS: Final = {
    Endpoint.BALANCE: (*READ, Word.EMPTY),
    Endpoint.CLOSE: (*_WRITE, Word.BUSY, Word.BUSY, Word.REFUSED, Word.DELAYED, Word.DELAYED),
    Endpoint.CANCEL: (*_WRITE, Word.REFUSED),
    Endpoint.PUT_BACK: (*_WRITE, Word.REFUSED),
}
"""What goes wrong with a request, by endpoint; named twice = twice as often."""


class Fates:
    """Of one schedule. Each endpoint of each pair has a stream of its own, so that the order in
    which requests leave in one instant changes nothing."""

    def __init__(self, schedule: Schedule) -> None:
        self._seed = schedule.seed
        self._weather = schedule.weather
        self._streams: dict[tuple[Endpoint, str], Random] = {}
        self._counts: dict[tuple[Endpoint, str], int] = {}

    def draw(self, endpoint: Endpoint, pair: str) -> Fate:
        """Of the next request there."""
        key = (endpoint, pair)
        number = self._counts.get(key, 0)
        self._counts[key] = number + 1
        script = self._weather.script.get(key, ())
        if number < len(script):
            return script[number]
        random = self._streams.get(key)
        if random is None:
            name = crc32(f"{endpoint} {pair}".encode())
            random = self._streams[key] = Random(self._seed * 4_294_967_296 + name)
        return self._drawn(endpoint, random)

    def _drawn(self, endpoint: Endpoint, r: Random) -> Fate:
        weather = self._weather
        whole = weather.pace_s * r.uniform(0.5, 1.5)
        part = r.choice((0.02, 0.5, 0.98))  # executed at arrival, midway, with the answer
        out_s, back_s = whole * part, whole * (1.0 - part)
        if endpoint in weather.dead:
            return Fate(word=weather.dead[endpoint], out_s=out_s, back_s=back_s)
        if weather.faults and r.random() < weather.faults / 3:
            out_s, back_s = out_s + r.choice((0.0, 0.5, 2.0)), back_s + r.choice((0.0, 0.5, 2.0))
        if r.random() >= weather.faults:
            return Fate(out_s=out_s, back_s=back_s)
        if endpoint is Endpoint.CLOSE and r.random() < 0.25:
            return Fate(out_s=out_s, back_s=back_s, share=r.choice((0.0, 0.3, 0.6, 0.95)))
        if r.random() < 0.004:
            return Fate(word=Word.ACCOUNT, out_s=out_s, back_s=back_s)
        return Fate(
            word=r.choice(WORDS.get(endpoint, READ)),
            out_s=out_s,
            back_s=back_s,
            late_s=whole + r.choice((0.05, 0.3, 1.0, 2.5, 6.0)),
            retry_after_s=r.choice((None, None, 0.3, 1.5)),
        )
