"""The border to freqtrade's rows. SQLite takes any value in any column: each is checked here.

To drop a row that does not fit was weighed: then its position would be forgotten, and the book
called flat without it. To let the error through was weighed, too: then one row costs the whole run.
So every value is read by itself. What is readable is used; a trade that cannot be closed with what
is left of its row is kept, named and left alone.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Final

from freqtrade.persistence import Order, Trade
from sqlalchemy import Column, LargeBinary, case, cast, func, select, type_coerce
from sqlalchemy.types import NullType

logger = logging.getLogger(__name__)

LARGEST: Final = 1e18
"""Of an amount or a price. The largest supply of a listed coin is about 1e15."""
LONGEST_PAIR: Final = 100
LONGEST_TEXT: Final = 255
"""freqtrade's own length of an order's id."""
SHOWN: Final = 30
"""Characters of a text that makes no sense: enough to find its row."""
EARLIEST: Final = datetime(2009, 1, 1, tzinfo=UTC)
CLOCK_AHEAD: Final = timedelta(days=1)
SIDES: Final = ("buy", "sell", "stoploss")


def number(value: object, *, least: float = 0.0, most: float = LARGEST) -> float | None:
    """*value* as a float; ``None`` = it is not a number from *least* to *most*."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        return float(value) if least <= value <= most else None
    except ArithmeticError:  # a Decimal may be a signalling NaN
        return None


def optional(value: object, default: float, *, most: float = LARGEST) -> float | None:
    """As :func:`number`, with *default* where the column is empty."""
    return default if value is None else number(value, most=most)


def text(value: object, longest: int = LONGEST_TEXT) -> str | None:
    """*value*; ``None`` = it is not a printable text of 1 to *longest* characters."""
    fits = isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()
    return value if fits and isinstance(value, str) else None


def moment(value: object) -> datetime | None:
    """*value* as an aware time in UTC; ``None`` = it is not a time at which a trade can exist."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value) if len(value) <= LONGEST_PAIR else None
        if not isinstance(value, datetime):
            return None
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return aware if EARLIEST <= aware <= datetime.now(UTC) + CLOCK_AHEAD else None
    except (ValueError, OverflowError):
        return None


def shown(value: object) -> str:
    """*value*, which may be anything, in a few printable characters."""
    raw = value[: 2 * SHOWN] if isinstance(value, str | bytes) else value
    words = raw if isinstance(raw, str) else repr(raw)
    words = "".join(char if char.isprintable() else "?" for char in words)
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """One of a trade's orders, checked. ``None`` = the value makes no sense.

    :param filled: base currency; 0.0 where the row has none.
    :param net: base currency that it has bought or sold, its fee in coins taken off.
    """

    order_id: str | None
    side: str | None
    is_open: bool
    amount: float | None
    filled: float | None
    net: float | None
    stop_price: float | None
    price: float | None
    placed_at: datetime | None
    filled_at: datetime | None
    has_odd_date: bool

    @property
    def is_usable(self) -> bool:
        """It can be asked for and cancelled."""
        return self.order_id is not None and self.side is not None


def order_row(order: Order) -> OrderRow:
    """One of freqtrade's orders, checked."""
    side = text(order.ft_order_side)
    amount = number(order.amount or order.ft_amount)
    filled, fee = optional(order.filled, 0.0), optional(order.ft_fee_base, 0.0)
    # Older releases of freqtrade left the fill of a whole order out.
    all_of_it = order.filled is None and order.status == "closed"
    bought = amount if all_of_it else filled
    dates = [order.order_date, order.order_filled_date]
    placed_at, filled_at = map(moment, dates)
    return OrderRow(
        order_id=text(order.order_id),
        side=side if side in SIDES else None,
        is_open=bool(order.ft_is_open),
        amount=amount,
        filled=filled,
        net=None if bought is None or fee is None else bought - fee,
        stop_price=number(order.stop_price) or None,
        price=number(order.price) or None,
        placed_at=placed_at,
        filled_at=filled_at,
        has_odd_date=order.order_filled_date is not None and filled_at is None,
    )


def read_rows(read: Callable[[], Sequence[Trade]]) -> Sequence[Trade]:
    """What *read* returns: freqtrade's open trades. Where SQLAlchemy cannot make objects of them
    (one date that is no date costs the whole list), the bare values of the same rows."""
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - raised again where the rows cannot be read at all
        try:
            rows = _bare_rows()
        except Exception:  # noqa: BLE001
            raise error from None
        logger.warning("freqtrade's trades are read value by value: %s", shown(str(error)))
        return rows


TRADE: Final = (
    Trade.id, Trade.pair, Trade.base_currency, Trade.is_short, Trade.amount, Trade.leverage,
    Trade.open_rate, Trade.fee_open, Trade.open_date, Trade.max_rate, Trade.exchange,
    Trade.trading_mode,
)  # fmt: skip
ORDER: Final = (
    Order.ft_trade_id, Order.order_id, Order.ft_order_side, Order.ft_is_open, Order.amount,
    Order.ft_amount, Order.filled, Order.status, Order.ft_fee_base, Order.stop_price, Order.price,
    Order.order_date, Order.order_filled_date,
)  # fmt: skip


def _bare_rows() -> list[Any]:
    trades = _values(Trade, TRADE, Trade.is_open.is_(True))
    orders: dict[int, list[Any]] = {}
    is_wanted = Order.ft_trade_id.in_(select(Trade.id).where(Trade.is_open.is_(True)))
    for order in _values(Order, ORDER, is_wanted):
        orders.setdefault(order.ft_trade_id, []).append(order)
    for trade in trades:
        trade.orders = orders.get(trade.id, [])
    return trades


def _values(model: Any, fields: Sequence[Any], is_wanted: Any) -> list[SimpleNamespace]:
    is_sqlite = Trade.session.get_bind().dialect.name == "sqlite"
    names = [field.key for field in fields]
    columns = [_value(model.__table__.c[name], is_sqlite=is_sqlite) for name in names]
    rows = Trade.session.execute(select(*columns).where(is_wanted).order_by(model.id)).all()
    return [SimpleNamespace(**dict(zip(names, map(_decoded, row), strict=True))) for row in rows]


def _value(column: Column[Any], *, is_sqlite: bool) -> Any:
    """As stored. Text of SQLite's comes as bytes, no more than may make sense: the driver fails at
    text that is no UTF-8."""
    if not is_sqlite:
        return type_coerce(column, NullType())
    as_bytes = cast(func.substr(column, 1, LONGEST_TEXT + 1), LargeBinary)
    is_text = func.typeof(type_coerce(column, NullType())).in_(("text", "blob"))
    return case((is_text, type_coerce(as_bytes, NullType())), else_=type_coerce(column, NullType()))


def _decoded(value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
