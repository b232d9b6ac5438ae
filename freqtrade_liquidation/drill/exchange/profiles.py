"""What differs between exchanges below the wire: which markets they have, and which limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from freqtrade_liquidation.drill.exchange.gate.limits import GateLimits
from freqtrade_liquidation.drill.exchange.gate.markets import gate_markets
from freqtrade_liquidation.drill.exchange.limits import Limits
from freqtrade_liquidation.drill.exchange.markets import Market, default_markets


class Markets(Protocol):
    """Makes the markets of one side."""

    def __call__(self, *, futures: bool, synthetic: int, seed: int) -> dict[str, Market]:
        """:return: them by symbol. *synthetic*: how many more, 0…250."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One exchange.

    :param limits: makes those of futures and those of spot.
    """

    markets: Markets
    limits: Callable[[], tuple[Limits, Limits]]


def _binance_limits() -> tuple[Limits, Limits]:
    return (
        Limits(weight_per_minute=2400),
        Limits(weight_per_minute=6000, orders_per_window={10: 100}),
    )


PROFILES: Final[Mapping[str, Profile]] = {
    "binance": Profile(markets=default_markets, limits=_binance_limits),
    "gate": Profile(markets=gate_markets, limits=lambda: (GateLimits(), GateLimits())),
}
"""By ccxt's exchange id."""


def profile_of(exchange: str) -> Profile:
    """:raises ValueError: if there is no such façade."""
    if exchange not in PROFILES:
        raise ValueError(f"exchange {exchange!r} is unknown; known: {sorted(PROFILES)}")
    return PROFILES[exchange]
