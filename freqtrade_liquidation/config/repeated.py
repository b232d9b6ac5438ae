"""Keys of ours that stand twice: JSON takes the last, and nobody hears that the first is gone.

Source: python-rapidjson, ``Decoder.start_object`` and ``end_object``; JSON with comments and
trailing commas as freqtrade's ``load_config.py`` reads it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import rapidjson
from freqtrade.configuration.load_config import CONFIG_PARSE_MODE

from freqtrade_liquidation.config.settings import BLOCK, Problem


class _Pairs(list[tuple[str, Any]]):
    """An object with all that was written in it."""


class _Decoder(rapidjson.Decoder):
    def start_object(self) -> list[tuple[str, Any]]:
        return []

    def end_object(self, pairs: Sequence[tuple[str, Any]]) -> _Pairs:
        return _Pairs(pairs)


def repeated_keys(text: str) -> Iterator[Problem]:
    """The block, and keys within it, that *text* holds more than once.

    Elsewhere freqtrade's configuration is freqtrade's affair.

    :param text: one file, valid JSON as freqtrade reads it.
    """
    content = _Decoder(parse_mode=CONFIG_PARSE_MODE)(text)
    if not isinstance(content, _Pairs):
        return
    blocks = [value for key, value in content if key == BLOCK]
    if len(blocks) > 1:
        yield Problem(
            (BLOCK,),
            f'"{BLOCK}" stands {len(blocks)} times in one file: only the last would count. Put all '
            "its keys into one block.",
        )
    for block in blocks:
        counts = Counter(key for key, _ in block) if isinstance(block, _Pairs) else Counter[str]()
        for key, count in counts.items():
            if count > 1:
                yield Problem(
                    (BLOCK, key),
                    f"{BLOCK}.{key} stands {count} times in one block: only the last would count. "
                    "Keep one.",
                )
