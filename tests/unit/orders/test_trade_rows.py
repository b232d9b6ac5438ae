"""freqtrade's rows as SQLite lets anybody write them: each costs itself, at most."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from freqtrade.persistence import Trade
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text as sql

from freqtrade_liquidation.orders import trade_rows
from freqtrade_liquidation.orders.trades import KnownTrade, known_trade, open_trades
from tests.unit.orders.test_trades import FUTURES, SPOT, config, database, order, put

__all__ = ["database"]

ODD: dict[str, Any] = {
    "text": "abc", "nothing": None, "infinity": math.inf, "minus infinity": -math.inf,
    "negative": -1.0, "huge": 1e300, "bytes": b"\xff\x00", "a megabyte": "A" * 1_000_000,
    "escape": "\x1b[31m<script>", "no time": "2999-99-99 x", "empty": "", "whole": 2**62,
}  # fmt: skip
"""SQLite stores NaN as NULL."""
NOT_NULL = ("id", "ft_trade_id", "is_open")
TRADE = [field.key for field in trade_rows.TRADE]
ORDER = [field.key for field in trade_rows.ORDER]
COLUMNS = [f"trades.{name}" for name in TRADE] + [f"orders.{name}" for name in ORDER]


def spoil(column: str, value: object) -> None:
    """Writes *value* into the row of the first trade, past SQLAlchemy's types and constraints."""
    table, _, name = column.partition(".")
    connection = Trade.session.connection().connection
    connection.execute("PRAGMA writable_schema = ON")
    for known in ("trades", "orders"):
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name = ?", (known,)
        )
    schema = connection.execute("PRAGMA schema_version").fetchone()[0]
    connection.execute(f"PRAGMA schema_version = {schema + 1}")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    key = "id" if table == "trades" else "ft_trade_id"
    connection.execute(f"UPDATE {table} SET {name} = ? WHERE {key} = 1", (value,))
    connection.commit()
    Trade.session.remove()


def two_trades(mode: Any) -> None:
    quote = ":USDT" if mode == FUTURES else ""
    for number, base in enumerate(("BTC", "ETH"), 1):
        placed = datetime.now(UTC) - timedelta(hours=1)
        bought = order(
            f"{number}", "buy", 0.5, ft_pair=f"{base}/USDT{quote}", order_date=placed,
            order_filled_date=placed,
        )  # fmt: skip
        put(bought, pair=f"{base}/USDT{quote}", trading_mode=mode, base_currency=base)


def is_sound(trade: KnownTrade) -> bool:
    """Every value has its type and its bounds."""
    amounts = [trade.amount, trade.owned, trade.open_rate, trade.highest_rate, trade.fee_open]
    amounts += [o.amount for o in trade.open_orders] + [o.filled for o in trade.open_orders]
    texts = [trade.pair, trade.base_currency, *trade.order_ids, trade.left_alone or ""]
    return (
        all(isinstance(a, float) and 0 <= a <= trade_rows.LARGEST for a in amounts)
        and all(isinstance(t, str) and len(t) <= 400 for t in texts)
        and all(isinstance(d, datetime) and d.tzinfo for d in (trade.opened_at, trade.last_fill_at))
    )


@pytest.mark.parametrize("mode", [SPOT, FUTURES])
@pytest.mark.parametrize("column", [c for c in COLUMNS if c.partition(".")[2] not in NOT_NULL])
def test_odd_value_costs_its_own_trade_at_most(column: str, mode: Any) -> None:
    """Nothing raises, the other trade is as it was, and this one is either closed for what it has,
    or kept and called unreadable: never forgotten."""
    two_trades(mode)
    for odd in ODD.values():
        spoil(column, odd)
        spoilt, healthy = open_trades(config(mode=mode))
        assert healthy.pair.startswith("ETH/USDT")
        assert healthy.owned == 0.5
        assert healthy.left_alone is None
        assert is_sound(spoilt)
        assert is_sound(healthy)
        is_anothers = spoilt.left_alone is not None and not spoilt.is_unreadable
        assert not is_anothers or column in ("trades.exchange", "trades.trading_mode")
        if spoilt.left_alone is None:
            assert spoilt.owned <= 0.5


def test_amount_that_makes_no_sense_is_known_by_the_orders_fills() -> None:
    two_trades(SPOT)
    spoil("trades.amount", "abc")
    spoilt, _ = open_trades(config())
    assert (spoilt.owned, spoilt.left_alone) == (0.5, None)
    assert "amount is abc" in (spoilt.remark or "")


def test_amount_that_nothing_tells_leaves_the_trade_alone_by_name() -> None:
    two_trades(SPOT)
    spoil("trades.amount", "abc")
    spoil("orders.filled", "x")
    spoilt, _ = open_trades(config())
    assert spoilt.is_unreadable
    assert "amount is abc" in (spoilt.left_alone or "")


def test_short_on_spot_is_never_bought_back() -> None:
    """Anything but 0 reads as true: the close of a short is a buy."""
    two_trades(SPOT)
    spoil("trades.is_short", "x")
    assert open_trades(config())[0].is_unreadable


def test_side_that_the_orders_contradict_is_not_believed() -> None:
    two_trades(FUTURES)
    spoil("trades.is_short", 1)
    assert open_trades(config(mode=FUTURES))[0].is_unreadable


def test_dates_that_are_no_dates_cost_no_trade() -> None:
    two_trades(SPOT)
    for column in ("trades.open_date", "orders.order_date", "orders.order_filled_date"):
        spoil(column, "junk")
    spoilt, healthy = open_trades(config())
    assert (spoilt.owned, healthy.owned) == (0.5, 0.5)
    assert spoilt.opened_at == trade_rows.EARLIEST
    assert datetime.now(UTC) - spoilt.last_fill_at < timedelta(minutes=1)


def test_database_that_does_not_answer_is_no_bad_row() -> None:
    Trade.session.execute(sql("DROP TABLE trades"))
    with pytest.raises(Exception, match="no such table"):
        open_trades(config())


ANYTHING = st.one_of(
    st.none(), st.text(), st.binary(), st.floats(), st.integers(), st.booleans(), st.datetimes(),
    st.decimals(), st.lists(st.integers()),
)  # fmt: skip


class Row:
    """A row of which each value was drawn."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


@given(
    trade=st.fixed_dictionaries(dict.fromkeys(TRADE, ANYTHING)),
    orders=st.lists(st.fixed_dictionaries(dict.fromkeys(ORDER, ANYTHING)), max_size=3),
    mode=st.sampled_from([SPOT, FUTURES]),
)
def test_border_raises_nothing_and_lets_only_typed_values_through(
    trade: dict[str, Any], orders: list[dict[str, Any]], mode: Any
) -> None:
    row = Row({**trade, "id": 1, "orders": [Row(one) for one in orders]})
    assert is_sound(known_trade(cast("Any", row), config(mode=mode)))
