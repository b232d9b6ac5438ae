"""Rows as ccxt unifies them: each must say what it is about, or its list counts as unanswered."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import ccxt

from freqtrade_liquidation.exchange.answers import heard_by
from freqtrade_liquidation.exchange.rules.kin import rule_for
from freqtrade_liquidation.exchange.shape import Row, is_number

SIGNED_SIZE: Final[Mapping[str, str]] = {
    # ccxt binance.parse_position_risk takes the side from the notional's sign, which is 0 while the
    # mark price is. Binance USDⓈ-M Futures API, Position Information V3: positionAmt has the sign.
    "binance": "positionAmt",
}
"""The exchange's own field whose sign is the side, by ccxt's exchange id."""
SIZE: Final[Mapping[str, str]] = {
    # ccxt bitget.parse_position divides it by the contract size, and has none for a market that
    # it does not know. Bitget V2 and V3, Get All Positions: total, one contract being one coin.
    "bitget": "total",
}
"""The exchange's own field for the size in contracts, by ccxt's exchange id."""


def whole_positions(api: Any, rows: Sequence[Any]) -> list[Any]:
    """*rows*, ccxt's unified positions from its exchange *api*.

    :raises ccxt.BadResponse: if an open one has no symbol, side or size, or if ccxt left one out:
        its ``binance.fetch_positions`` drops every row whose entry price is not above zero.
    """
    found: list[Any] = [_complete(api, row) for row in rows]
    for row in found:
        contracts = row.get("contracts")
        if not is_number(contracts):
            raise ccxt.BadResponse("a position without its size")
        if float(contracts) and not (row.get("symbol") and row.get("side") in ("long", "short")):
            raise ccxt.BadResponse("an open position without its symbol or side")
    _none_left_out(api, [row for row in found if float(row["contracts"])])
    return found


def whole_orders(api: Any, rows: Sequence[Any], *, of_pair: bool) -> list[Any]:
    """*rows*, ccxt's unified orders from its exchange *api*.

    :param of_pair: ccxt left out the orders of other pairs.
    :raises ccxt.BadResponse: if one has no id, symbol, side or amount, or if ccxt left one out.
    """
    for row in rows:
        if not (row.get("id") and row.get("symbol") and row.get("side") in ("buy", "sell")):
            raise ccxt.BadResponse("an order without its id, symbol or side")
        # One for a whole position has the amount 0, and ccxt makes None of it. Where the shape of
        # the list is known, each row's amount was looked at before.
        known = is_number(row.get("amount")) or is_number(row.get("remaining"))
        if not known and not heard_by(api).rows:
            raise ccxt.BadResponse("an order without its amount")
    if not of_pair:
        _none_left_out(api, rows)
    return list(rows)


def coins(balances: Mapping[Any, Any]) -> dict[str, float]:
    """Free and locked coins by currency, of freqtrade's ``get_balances``.

    :raises ccxt.BadResponse: if a currency has no amount: taken for zero, its coins would be gone.
    """
    held = {name: held["total"] for name, held in balances.items() if _is_of_currency(held)}
    if not all(isinstance(name, str) and is_number(total) for name, total in held.items()):
        raise ccxt.BadResponse("a balance without its currency or amount")
    return {name: float(total) for name, total in held.items()}


def _is_of_currency(held: Any) -> bool:
    """ccxt adds timestamps, and debts as a dictionary of their own."""
    return isinstance(held, dict) and "total" in held


def _complete(api: Any, row: Row) -> Row:
    """*row* with what the exchange says and ccxt does not take from it."""
    info = row.get("info") or {}
    size: Any = info.get(rule_for(SIZE, api, ""))
    if row.get("contracts") is None and is_number(size):
        row = {**row, "contracts": abs(float(size))}
    signed: Any = info.get(rule_for(SIGNED_SIZE, api, ""))
    if not row.get("side") and is_number(signed) and float(signed):
        row = {**row, "side": "long" if float(signed) > 0 else "short"}
    return row


def _none_left_out(api: Any, rows: Sequence[Any]) -> None:
    if (missing := len(heard_by(api).rows) - len(rows)) > 0:
        raise ccxt.BadResponse(f"ccxt left out {missing} of the rows that {api.id} answered")
