"""The filters that an order has to pass before it is taken."""

from decimal import Decimal, InvalidOperation

from freqtrade_liquidation.drill.exchange.markets import Market
from freqtrade_liquidation.drill.exchange.refusals import Refusal, filter_failure, refuse


def number(params: dict[str, str], name: str) -> Decimal | None:
    """:return: the parameter *name*, None if it was not sent.

    :raises Refusal: −1102, if it is no number.
    """
    text = params.get(name)
    if text is None or text == "":
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise refuse(-1102, f"Mandatory parameter '{name}' was malformed.")
    return value


def required(params: dict[str, str], name: str) -> Decimal:
    """:return: the parameter *name*.

    :raises Refusal: −1102, if it is missing or no number.
    """
    value = number(params, name)
    if value is None:
        raise refuse(
            -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
        )
    return value


def flag(params: dict[str, str], name: str) -> bool:
    """:return: whether the parameter *name* says true."""
    return params.get(name, "").lower() == "true"


def check_amount(market: Market, amount: Decimal, *, at_market: bool) -> None:
    """Hold *amount* against LOT_SIZE and, for an order *at_market*, MARKET_LOT_SIZE."""
    maximum = market.max_market_amount if at_market else market.max_amount
    broken = "MARKET_LOT_SIZE" if at_market else "LOT_SIZE"
    if amount <= 0:
        raise _either(market, -4003, "LOT_SIZE")
    if amount % market.step:
        raise _either(market, -1111, "LOT_SIZE")
    if amount < market.step:
        raise _either(market, -4004, "LOT_SIZE")
    if amount > maximum:
        raise _either(market, -4005, broken)


def check_price(market: Market, price: Decimal) -> None:
    """Hold *price* against PRICE_FILTER."""
    if price <= 0 or price % market.tick:
        raise _either(market, -4014, "PRICE_FILTER")


def check_notional(market: Market, notional: Decimal) -> None:
    """Hold *notional* against the market's minimum."""
    if notional < market.min_notional:
        text = f"Order's notional must be no smaller than {market.min_notional}"
        futures = refuse(-4164, f"{text} (unless you choose reduce only).")
        raise futures if market.futures else filter_failure("NOTIONAL")


def _either(market: Market, futures_code: int, spot_filter: str) -> Refusal:
    return refuse(futures_code) if market.futures else filter_failure(spot_filter)
