"""The terminal: what strangers wrote (an exchange's error, a reason) must not steer it."""

import getpass
import os
import socket
import sys
import termios
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from freqtrade_liquidation.audit.free_text import STEERING


def forget_what_was_typed() -> None:
    """Call it before a question: what was typed before it stood there does not answer it."""
    if sys.stdin.isatty():
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def who_asks() -> str:
    """The person at this terminal, for the record: ``name@host``.

    A user without a passwd entry (a container's ``--user 12345``) is ``uid 12345``: the record's
    wording must not keep a book open.
    """
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # Python 3.13 made one of the other
        name = f"uid {os.getuid()}"
    return f"{name}@{socket.gethostname()}"


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
            yield Segment(text if control else STEERING.sub("", text), style, control)
