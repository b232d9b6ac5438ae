"""What the connected exchange cannot do for a run, in words: told when the bot is armed."""

from collections.abc import Iterator

from freqtrade.enums import TradingMode
from freqtrade.exchange import Exchange
from freqtrade.exchange.common import SUPPORTED_EXCHANGES

from freqtrade_liquidation.host.exchanges.lookup import can_find
from freqtrade_liquidation.host.nonces import are_in_order


def shortcomings(exchange: Exchange) -> list[str]:
    """Sentences; empty = nothing that an operator has to know. In dry-run nothing is missing."""
    return [] if exchange._config["dry_run"] else list(_shortcomings(exchange))


def _shortcomings(exchange: Exchange) -> Iterator[str]:
    name = exchange.name
    if exchange._api.id not in SUPPORTED_EXCHANGES:
        yield (
            f"freqtrade does not officially support {name}: closing there is untested. "
            "Have the exchange's own app at hand."
        )
    if not can_find(exchange):
        yield (
            f"{name} cannot be asked for an order by our name for it: a close whose answer is lost "
            "stays open in the report until the exchange shows that it is not."
        )
    if are_in_order(exchange._api):
        yield (
            f"{name} takes one request at a time: closing many positions takes as many round trips."
        )
    if exchange._ft_has.get("marketOrderRequiresPrice"):
        yield f"{name} needs a price with a market order: one more request before each close."
    if _stops_are_limit_orders(exchange):
        yield (
            f"On {name} a stop that has to be put back is a stop-limit order: below its limit it "
            "does not sell."
        )


def _stops_are_limit_orders(exchange: Exchange) -> bool:
    """On spot, where a stop has to go for a close. Source: freqtrade's ``stoploss_order_types``."""
    kinds = exchange.get_option("stoploss_order_types") or {}
    on_spot = exchange.trading_mode == TradingMode.SPOT
    return bool(on_spot and exchange.get_option("stoploss_on_exchange") and "market" not in kinds)
