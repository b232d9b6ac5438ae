"""What docs/exchanges.md says of limits and of refusals, from the tables that a run uses."""

from collections.abc import Iterable, Iterator
from typing import Final

from freqtrade_liquidation.exchange.codes import CODES, PHRASES, Verdict
from freqtrade_liquidation.exchange.limiter import CANCEL, ORDER, READ, WRITE
from freqtrade_liquidation.exchange.limits import PUBLISHED, Limit

LIMITS_HEAD: Final = ("exchange", "futures", "spot", "source")
CODES_HEAD: Final = ("exchange", "zero", "blocked", "not now", "unknown")
LIMITS_MEAN: Final = """\
A run keeps these limits, and beside them the `rateLimit` that you set in `ccxt_config`. The table
lists only what a run of up to a hundred positions can reach; "-" = nothing. Exchanges that derive
from a listed one (binanceusdm, bybiteu, gateeu, myokx, …) have its limits. When an exchange says
how long to wait, nothing is sent before that, not even by the next run of the same process."""
CODES_MEAN: Final = """\
Codes and words that say more than ccxt's class does. *Zero*: the position is zero, and nothing
else. *Blocked*: less can be reduced than the order asks for, because the position got smaller or
another order claims a part of it. *Not now*: refused, and sent again after a look. *Unknown*: the
order may have been executed; the run looks before anything else. For all other codes, ccxt's class
decides."""
_NAMES: Final = {ORDER: "orders", CANCEL: "cancels", READ: "reads", WRITE: "orders and cancels"}
_COLUMNS: Final = (
    Verdict.NOTHING_TO_REDUCE,
    Verdict.CLOSE_BLOCKED,
    Verdict.REFUSED_FOR_NOW,
    Verdict.UNANSWERED,
)


def limits() -> Iterator[tuple[str, ...]]:
    """A row an exchange, as :data:`LIMITS_HEAD`."""
    for name, known in PUBLISHED.items():
        yield name, _windows(known.futures), _windows(known.spot), known.source


def refusals() -> Iterator[tuple[str, ...]]:
    """A row an exchange, as :data:`CODES_HEAD`."""
    for name in dict.fromkeys((*CODES, *PHRASES)):
        told = {**CODES.get(name, {}), **{f'"{p}"': v for p, v in PHRASES.get(name, {}).items()}}
        cells = (", ".join(c for c, v in told.items() if v is verdict) for verdict in _COLUMNS)
        yield name, *(cell or "-" for cell in cells)


def _windows(windows: Iterable[Limit]) -> str:
    return "; ".join(f"{n:,} {_NAMES[kind]} in {s:g} s" for s, n, kind in windows) or "-"
