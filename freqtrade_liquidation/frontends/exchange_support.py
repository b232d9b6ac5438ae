"""``exchange-support``: what each exchange that freqtrade supports can do, and what is tested.

Nothing is typed by hand: the installed freqtrade and ccxt are made to sign each request of a run,
below HTTP, and the answers come from those and from their capability data.
"""

import argparse
from collections.abc import Iterable, Sequence
from typing import Final

import ccxt
import freqtrade
from freqtrade.enums import TradingMode
from rich.console import Console
from rich.text import Text

from freqtrade_liquidation.config.modes import FUTURE_IS_SWAP
from freqtrade_liquidation.drill.signing.support import Support, supported
from freqtrade_liquidation.exchange.rules.shapes import SHAPES
from freqtrade_liquidation.exchange.shape import EACH, Shape
from freqtrade_liquidation.frontends.exchange_answers import (
    CODES_HEAD,
    CODES_MEAN,
    LIMITS_HEAD,
    LIMITS_MEAN,
    limits,
    refusals,
)

COLUMNS: Final = {
    "tested": "tested",
    "positions": "positions",
    "cancel_all": "cancel all",
    "stops": "stop orders",
    "unseen": "orders that nothing lists",
    "look": "requests a look",
    "reduce_only": "reduce-only",
    "market_order": "market order",
    "batch": "batch",
    "requests": "requests",
    "position_mode": "position mode",
    "largest_order": "largest market order",
    "lost_order": "order whose answer was lost",
    "emptiness": "empty list",
}
"""Field of :class:`Support`, and what it is called."""

MEANING: Final = """\
- **tested**: *practice exchange*: whole runs over HTTP against the built-in exchange, which speaks
  as this one. *By contract*: the requests that the installed ccxt signs for a run (lists, cancel,
  close, read back, stop) are caught below HTTP and are as they must be; what the exchange answers
  is not tested. Anything else is called *untested*, with the reason.
- **positions**: how the whole account is listed. On spot a position is what the bot bought and has
  not sold.
- **cancel all**: each order is cancelled by itself, so that each has its own outcome and stops
  stay.
- **stop orders**: where they stand. Each kind that is a list of its own is asked for by name, also
  each that waits for no price and may open a position (TWAP and the like). A list that does not
  answer leaves the orders unread: closing goes on, and the book is not called flat.
- **orders that nothing lists**: kinds that may open a position and cannot be asked for. Against
  them flat cannot be proven; the bot says so when it is armed.
- **requests a look**: how many requests one look takes at least, side by side where *requests* says
  so. A run takes two looks or more.
- **reduce-only**: what the closing order carries.
- **market order**: whether it carries a price, which is one more request before each close.
- **batch**: orders are sent side by side instead: in a batch one that hangs takes the others along.
- **requests**: one at a time where the exchange wants growing nonces.
- **position mode**: what freqtrade does about it at its start, and what goes with an order.
- **largest market order**: the field of ccxt's market. Larger positions are closed in pieces.
- **order whose answer was lost**: how it is found again.
- **empty list**: how it is told apart from an answer that is none. *By its shape*: see the next
  table. Where an exchange says null for "none", a broken answer may look alike.
  *Not known*: ccxt's empty list is believed if the answer held any list."""

LISTS: Final = """\
Every list that a run takes. An answer counts only if it says what is in the fourth column, has rows
where the fifth says, and each row has what is in the sixth. Else the question is unanswered, and is
asked again; it is never taken for an empty list. Each list is tested with a full answer, with odd
bodies, and with each node of the full answer gone wrong."""
UNSUPPORTED: Final = (
    ("hedge mode", "binance, binanceusdm", "freqtrade refuses to start"),
    ("hedge mode", "bybit, bitget", "freqtrade sets one-way mode at its start"),
    (
        "hedge mode",
        "okx, gate",
        "both sides of a pair are closed, one after the other; on OKX isolated and cross, too",
    ),
    (
        "several positions of a pair",
        "everywhere",
        "reported, not closed, where no order can be sure to meet one of them; in scope `trades` "
        "also where two are on one side",
    ),
    (
        "inverse and delivery contracts",
        "everywhere",
        "freqtrade does not trade them; positions in them are reported as out of scope",
    ),
    (
        "multi-asset margin",
        "binance, binanceusdm",
        "freqtrade refuses to start, except with cross margin, where closing is the same",
    ),
    (
        "`portfolioMargin`, `papi`, `hedged`, `defaultSubType: inverse` or another `defaultType` "
        "in `ccxt_config`",
        "everywhere",
        "the start is refused",
    ),
    (
        '`defaultType: "future"` in `ccxt_config`',
        ", ".join(sorted(FUTURE_IS_SWAP)),
        "as `swap`: no request of a run differs; elsewhere the start is refused",
    ),
)
"""What, where, and what becomes of it."""


def run(arguments: Sequence[str]) -> int:
    """Prints it. :returns: 0; 2 where an exchange is named that freqtrade does not support."""
    parser = argparse.ArgumentParser(
        prog="freqtrade-liquidation exchange-support",
        description="What each exchange that freqtrade supports can do, and what is tested.",
    )
    parser.add_argument("exchange", nargs="*", help="only these; default: all")
    parser.add_argument("--markdown", action="store_true", help="as the page docs/exchanges.md")
    options = parser.parse_args(arguments)
    found = [s for s in supported() if not options.exchange or s.exchange in options.exchange]
    if unknown := set(options.exchange) - {support.exchange for support in found}:
        parser.error(f"not officially supported by freqtrade: {', '.join(sorted(unknown))}")
    if options.markdown:
        print(page(found), end="")  # noqa: T201 - it is what was asked for
        return 0
    console = Console(highlight=False)
    for support in found:
        console.print(Text(_title(support), style="bold"))
        for field, name in COLUMNS.items():
            console.print(Text(f"  {name}: {getattr(support, field)}"), soft_wrap=True)
    return 0


def page(found: Iterable[Support]) -> str:
    """docs/exchanges.md."""
    rows = list(found)
    parts = [
        "# Exchanges",
        f"Made by `freqtrade-liquidation exchange-support --markdown`; do not edit.\n{made_with()}",
        "Any other exchange is untested; freqtrade trades spot there at most.",
        *(
            f"## {mode.value.capitalize()}\n\n{_table([r for r in rows if r.mode == mode])}"
            for mode in (TradingMode.FUTURES, TradingMode.SPOT)
        ),
        f"## What the columns say\n\n{MEANING}",
        f"## Limits\n\n{LIMITS_MEAN}\n\n" + _lines(LIMITS_HEAD, [*limits()]),
        f"## What refusals mean\n\n{CODES_MEAN}\n\n" + _lines(CODES_HEAD, [*refusals()]),
        f"## Lists\n\n{LISTS}\n\n{_shapes()}",
        "## Not supported\n\nRefused at the start or reported, never half handled:\n\n"
        + _lines(("what", "where", "what happens"), UNSUPPORTED),
    ]
    return "\n\n".join(parts) + "\n"


def _shapes() -> str:
    rows = [
        (
            name,
            str(shape.lists),
            _code(f"{shape.method} {shape.path}" + (f" {shape.sent}" if shape.sent else "")),
            ", ".join(_code(f"{field} = {word}") for field, word in shape.says.items()) or "any",
            _place(shape),
            ", ".join(str(need) for need in shape.row),
            shape.source,
        )
        for name, shapes in SHAPES.items()
        for shape in shapes
    ]
    head = ("exchange", "list", "request", "answer says", "rows", "each row has", "source")
    return _lines(head, rows)


def _place(shape: Shape) -> str:
    steps = ["each" if step == EACH else str(step) for step in shape.at]
    held = _code(".".join(steps)) if steps else "the answer"
    null = {None: "", "": "; null: none"}
    return f"{held}: {shape.holder}" + null.get(
        shape.null_with, f"; null with {shape.null_with} null: none"
    )


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`"


def made_with() -> str:
    """The versions that the page holds for."""
    return f"freqtrade {freqtrade.__version__}, ccxt {ccxt.__version__}."


def _table(rows: Sequence[Support]) -> str:
    cells = [[_name(row), *(str(getattr(row, field)) for field in COLUMNS)] for row in rows]
    return _lines(("exchange", *COLUMNS.values()), cells)


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _name(support: Support) -> str:
    return support.exchange + (f" ({support.margin_modes})" if support.margin_modes else "")


def _title(support: Support) -> str:
    return f"{_name(support)}, {support.mode}"
