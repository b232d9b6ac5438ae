"""The terminal: what strangers wrote (an exchange's error, a reason) must not steer it."""

from collections.abc import Iterable
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

CONTROLS: Final = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))
"""All of C0 and C1 but tab and newline: escape sequences begin with one of them."""
DIRECTIONS: Final = (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Unicode's marks of writing direction: they show a text in another order than it has."""
_NOTHING: Final = dict.fromkeys([*CONTROLS, *DIRECTIONS])


class Terminal(Console):
    """rich's console, without the control characters of a text; its own styles stay.

    They take no room on a line, so that a table keeps its width, and what they began is seen:
    of an escape sequence that clears the screen, ``[2J``.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As rich's, which everything that is printed passes, nested and live parts too."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else text.translate(_NOTHING), style, control)
