"""Markets as Binance publishes them."""

from decimal import Decimal
from typing import Any, Final

from freqtrade_liquidation.drill.exchange.markets import Market


def _filters(market: Market) -> list[dict[str, Any]]:
    lot = {"minQty": str(market.step), "stepSize": str(market.step)}
    price = {"minPrice": str(market.tick), "maxPrice": str(market.price * 1000)}
    notional = {"notional": str(market.min_notional)}
    if not market.futures:
        notional = {"minNotional": str(market.min_notional), "maxNotional": "9000000.00000000"}
    return [
        {"filterType": "PRICE_FILTER", "tickSize": str(market.tick), **price},
        {"filterType": "LOT_SIZE", "maxQty": str(market.max_amount), **lot},
        {"filterType": "MARKET_LOT_SIZE", "maxQty": str(market.max_market_amount), **lot},
        {"filterType": "MIN_NOTIONAL" if market.futures else "NOTIONAL", **notional},
    ]


_FUTURES_TYPES: Final = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT",
                         "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"]  # fmt: skip
_SPOT_TYPES: Final = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT",
                      "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]  # fmt: skip


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -int(exponent))


def market_json(market: Market, delivery_ms: int | None = None) -> dict[str, Any]:
    """:param delivery_ms: when a perpetual that is being delisted is delivered.
    :return: the market's entry in ``exchangeInfo``.
    """
    entry: dict[str, Any] = {
        "symbol": market.symbol, "status": "TRADING", "baseAsset": market.base,
        "quoteAsset": market.quote, "baseAssetPrecision": 8, "quotePrecision": 8,
        "filters": _filters(market),
    }  # fmt: skip
    if market.futures:
        return entry | {
            "pair": market.symbol,
            "contractType": "PERPETUAL" if delivery_ms is None else "PERPETUAL_DELIVERING",
            "deliveryDate": 4133404800000 if delivery_ms is None else delivery_ms,
            "onboardDate": 1569398400000, "marginAsset": market.quote, "underlyingType": "COIN",
            "pricePrecision": _decimals(market.tick), "quantityPrecision": _decimals(market.step),
            "orderTypes": _FUTURES_TYPES, "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
            "liquidationFee": "0.012500", "marketTakeBound": "0.05",
        }  # fmt: skip
    return entry | {
        "orderTypes": _SPOT_TYPES, "isSpotTradingAllowed": True, "isMarginTradingAllowed": False,
        "quoteAssetPrecision": 8, "permissions": [], "permissionSets": [["SPOT"]],
    }  # fmt: skip
