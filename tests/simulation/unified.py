"""The simulated exchange as ccxt would show it: its methods, its unified fields, its errors.

It is ccxt's own class for Binance without its way to the network, so that its tables of errors,
features and options are the real ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import ccxt

from tests.simulation.schedule import Endpoint
from tests.simulation.world.account import Account
from tests.simulation.world.answers import Answers, Row
from tests.simulation.world.records import Kind, Market, Order, Owner, Refusal, Status

STATUS: Final = {
    Status.NEW: "open",
    Status.PARTIALLY_FILLED: "open",
    Status.FILLED: "closed",
    Status.CANCELED: "canceled",
    Status.EXPIRED: "expired",
}
"""Source: ccxt ``binance.parse_order_status``."""
BROKER: Final = {True: "x-TKT5PX2F", False: "x-cvBPrNm9"}
"""How ccxt's names for orders begin, on spot and on futures. Source: ccxt binance ``options``."""


class NotSimulated(BaseException):
    """Something is asked that the simulation does not play: a gap in it, and no error of a run."""


@dataclass(slots=True)
class Asked(BaseException):
    """What a call is about to ask of the exchange."""

    endpoint: Endpoint
    pair: str
    order_id: str = ""
    amount: float = 0.0
    more: Mapping[str, Any] | None = None


@dataclass(slots=True, kw_only=True)
class Attempt:
    """How one request fares at the exchange.

    :param fault: made instead of an answer, before anything is done.
    """

    fault: Callable[[], Exception] | None = None
    empty: bool = False
    share: float = 1.0
    delayed: Callable[[Order], None] | None = None
    request: Any = None


class SimulatedApi(ccxt.binance):
    """One for all schedules of a process: :meth:`play` puts it in front of another account."""

    def __init__(self, *, spot: bool) -> None:
        super().__init__(
            {
                "apiKey": "key",
                "secret": "secret",
                "options": {"defaultType": "spot" if spot else "swap"},
            }
        )
        self.spot = spot
        self._classes: dict[tuple[int, str], type[Exception]] = {}
        self.attempt: Attempt | None = None

    def play(self, account: Account, answers: Answers, *, epoch_s: float, skew_s: float) -> None:
        """From now on it answers for *account*.

        :param epoch_s: what has to be added to the account's clock; :param skew_s: of our clock.
        """
        self.account, self.answers, self._epoch_s = account, answers, epoch_s
        known = (unified_market(market, spot=self.spot) for market in account.markets.values())
        self.markets = {market["symbol"]: market for market in known}
        self.options["timeDifference"] = int(skew_s * 1000)

    def fetch(self, url: str, *args: Any, **more: Any) -> Any:
        """Nothing gets to the network."""
        raise NotSimulated(url)

    def refused(self, refusal: Refusal) -> Exception:
        """As ccxt would raise it: by the exchange's words, else by its code."""
        key = (refusal.code, refusal.words)
        if key not in self._classes:
            kind = "spot" if self.spot else "linear"
            tables = (self.exceptions[kind]["exact"], self.exceptions["exact"])
            names = (refusal.words, str(refusal.code))
            found = (table[name] for name in names for table in tables if name in table)
            self._classes[key] = next(found, ccxt.ExchangeError)
        body = f'{{"code":{refusal.code},"msg":"{refusal.words}"}}'
        return self._classes[key](f"binance {body}")

    def _meet(self, endpoint: Endpoint, pair: str | None, **more: Any) -> Attempt:
        """Here a request leaves. Without an attempt it only says what it would ask."""
        if self.attempt is None:
            raise Asked(endpoint, pair or "", **more)
        if self.attempt.fault is not None:
            raise self.attempt.fault()
        return self.attempt

    # -- questions --------------------------------------------------------------------------

    def fetch_positions(self, symbols: Any = None, params: Any = None) -> list[dict[str, Any]]:
        """The account's, or those of *symbols*."""
        alone = bool(symbols) and bool((params or {}).get("symbol"))
        pair = symbols[0] if symbols else ""
        self._meet(Endpoint.POSITION if alone else Endpoint.POSITIONS, pair)
        rows = [self._position(row) for row in self.answers.positions(whole=not alone)]
        return [row for row in rows if not symbols or row["symbol"] in symbols]

    def fetch_position(self, symbol: str, params: Any = None) -> dict[str, Any]:
        """One pair's."""
        found = self.fetch_positions([symbol])
        empty = {"symbol": symbol, "contracts": 0.0, "side": None, "info": {}}
        return found[0] if found else empty

    def fetch_balance(self, params: Any = None) -> dict[str, Any]:
        """Coins on spot; on futures the account's margin, which is a witness of its own."""
        if self._meet(Endpoint.BALANCE, "").empty:
            return {"info": {}}
        found: dict[str, Any] = {"USDT": {"free": 1000.0, "used": 0.0, "total": 1000.0}}
        if self.spot:
            for base, (total, free) in self.answers.coins().items():
                found[base] = {"free": free, "used": round(total - free, 9), "total": total}
        margin = 0.0 if self.spot else self.answers.position_margin()
        return {**found, "info": {"totalPositionInitialMargin": f"{margin:.8f}"}}

    def fetch_open_orders(
        self, symbol: str | None = None, since: Any = None, limit: Any = None, params: Any = None
    ) -> list[dict[str, Any]]:
        """As ccxt's: without a pair it asks the spot market, unless told otherwise."""
        params = params or {}
        conditional = not self.spot and bool(params.get("stop") or params.get("trigger"))
        self._meet(Endpoint.STOPS if conditional else Endpoint.ORDERS, symbol)
        if not self.spot and symbol is None and params.get("type") not in ("swap", "future"):
            return []
        pair = None if symbol is None else self._pair(symbol)
        found = self.answers.open_orders(pair, conditional=conditional)
        return [self._order(order, filled=filled) for order, filled in found]

    def fetch_order(self, id: str, symbol: Any = None, params: Any = None) -> dict[str, Any]:
        """By its id, else by the name that it was given."""
        params = params or {}
        name = params.get("clientOrderId")
        self._meet(Endpoint.ORDER, symbol, order_id=name or id)
        conditional = not self.spot and bool(params.get("stop") or params.get("trigger"))
        try:
            return self._order(self.answers.order(id, name, conditional=conditional))
        except Refusal as refusal:
            raise self.refused(refusal) from None

    def fetch_orders(
        self, symbol: Any = None, since: Any = None, limit: Any = None, params: Any = None
    ) -> list[dict[str, Any]]:
        """Those placed since then, whatever became of them."""
        self._meet(Endpoint.ALL_ORDERS, symbol)
        earliest = (since or 0) / 1000 - self._epoch_s
        return [self._order(o) for o in self.answers.all_orders(self._pair(symbol), earliest)]

    def fetch_my_trades(
        self, symbol: Any = None, since: Any = None, limit: Any = None, params: Any = None
    ) -> list[dict[str, Any]]:
        """Fills, each of one order."""
        self._meet(Endpoint.FILLS, symbol)
        pair, earliest = self._pair(symbol), (since or 0) / 1000 - self._epoch_s
        return [
            {
                "order": order.order_id,
                "symbol": symbol,
                "side": order.side,
                "amount": amount,
                "price": self.account.markets[pair].price,
                "timestamp": int((self._epoch_s + at) * 1000),
            }
            for order, at, amount in self.answers.fills(pair, earliest)
        ]

    def sapiGetAlgoFuturesOpenOrders(self, params: Any = None) -> dict[str, Any]:
        """Binance's own VP and TWAP orders: nobody has any here."""
        self._meet(Endpoint.ALGOS, "")
        return {"total": 0, "orders": []}

    # -- changes ----------------------------------------------------------------------------

    def create_order(
        self,
        symbol: str,
        type: str,
        side: str,
        amount: float,
        price: Any = None,
        params: Any = None,
    ) -> dict[str, Any]:
        """A market order, or a stop."""
        params = params or {}
        trigger = params.get("stopPrice") or params.get("triggerPrice")
        reduce_only = bool(params.get("reduceOnly"))
        name = params.get("clientOrderId")
        attempt = self._meet(
            Endpoint.CLOSE if trigger is None else Endpoint.PUT_BACK,
            symbol,
            order_id=name or "",
            amount=float(amount),
            more={"side": side, "reduce_only": reduce_only, "trigger": trigger, "limit": price},
        )
        named = {"name": name} if name is not None else {}
        order = self.account.new_order(
            self._pair(symbol),
            side,
            Kind.MARKET if trigger is None else Kind.STOP,
            float(amount),
            owner=Owner.RUN,
            reduce_only=reduce_only,
            trigger=None if trigger is None else float(trigger),
            limit=None if price is None else float(price),
            request=attempt.request,
            **named,
        )
        if name is None:
            order.name = f"{BROKER[self.spot]}{order.order_id}"
        try:
            self.account.place(order, share=attempt.share, delayed=attempt.delayed is not None)
        except Refusal as refusal:
            raise self.refused(refusal) from None
        if attempt.delayed is not None:
            attempt.delayed(order)
        answer = self._order(order)
        if trigger is None and not self.account.rules.tells_fills:
            answer.update(status="open", filled=0.0, remaining=order.amount, average=None)
        return answer

    def cancel_order(self, id: str, symbol: Any = None, params: Any = None) -> dict[str, Any]:
        """Answered with the order, or, for a conditional one, with its id alone."""
        attempt = self._meet(Endpoint.CANCEL, symbol, order_id=id)
        params = params or {}
        conditional = not self.spot and bool(params.get("stop") or params.get("trigger"))
        try:
            order = self.account.cancel(
                id, self._pair(symbol), conditional=conditional, by=Owner.RUN
            )
        except Refusal as refusal:
            raise self.refused(refusal) from None
        order.request = attempt.request
        if conditional or not self.account.rules.cancels_tell_fills:
            return {"id": id, "symbol": symbol, "status": None, "info": {"code": "200"}}
        return self._order(order)

    def set_leverage(self, leverage: Any, symbol: Any = None, params: Any = None) -> Any:
        """freqtrade sends it before a stop; it fares as the stop does."""
        return {}

    def set_margin_mode(self, marginMode: Any, symbol: Any = None, params: Any = None) -> Any:
        """freqtrade sends it before a stop; it fares as the stop does."""
        return {}

    # -- unified fields ---------------------------------------------------------------------

    def _pair(self, symbol: str) -> str:
        """What the exchange keeps it as."""
        for pair, market in self.account.markets.items():
            if symbol == (market.renamed or pair):
                return pair
        raise ccxt.BadSymbol(f"binance does not have market symbol {symbol}")

    def _symbol(self, pair: str) -> str:
        return self.account.markets[pair].renamed or pair

    def _position(self, row: Row) -> dict[str, Any]:
        amount = abs(row.amount)
        price = self.account.markets[row.pair].price
        return {
            "id": None,
            "symbol": self._symbol(row.pair),
            "side": "long" if row.amount > 0 else "short",
            "contracts": amount,
            "contractSize": 1.0,
            "entryPrice": price,
            "markPrice": price,
            "notional": amount * price,
            "initialMargin": amount * price / 3,
            "marginMode": "isolated",
            "hedged": row.pair in self.account.rules.hedged,
            "info": {"positionAmt": f"{row.amount:.8f}"},
        }

    def _order(self, order: Order, *, filled: float | None = None) -> dict[str, Any]:
        """*filled*: as an older list has it."""
        done = order.filled if filled is None else filled
        status = STATUS[order.status] if filled is None else "open"
        stop, spot = order.kind is Kind.STOP, self.spot
        kinds = {Kind.MARKET: "market", Kind.LIMIT: "limit"}
        info = {"actualOrderId": order.became} if order.became is not None else {}
        return {
            "id": order.order_id,
            "clientOrderId": order.name,
            "symbol": self._symbol(order.pair),
            "side": order.side,
            "type": kinds.get(order.kind, "stop_loss_limit" if spot else "stop_market"),
            "status": status,
            "timestamp": int((self._epoch_s + order.placed_at) * 1000),
            "amount": order.amount,
            "filled": 0.0 if stop and not spot else done,
            "remaining": round(order.amount - done, 9),
            "average": order.average if done else None,
            "price": order.limit,
            "cost": done * (order.average or 0.0),
            "stopPrice": order.trigger,
            "triggerPrice": order.trigger,
            "stopLossPrice": None,
            "takeProfitPrice": None,
            "reduceOnly": None if spot else order.reduce_only,
            "fee": None,
            "fees": [],
            "info": info,
        }


def unified_market(market: Market, *, spot: bool) -> dict[str, Any]:
    """As ccxt's list of markets has it."""
    symbol = market.renamed or market.pair
    return {
        "id": symbol.replace("/", "").split(":")[0],
        "symbol": symbol,
        "base": market.base,
        "quote": "USDT",
        "settle": None if spot else "USDT",
        "type": "spot" if spot else ("future" if market.renamed else "swap"),
        "spot": spot,
        "swap": not spot and market.renamed is None,
        "future": market.renamed is not None,
        "linear": None if spot else True,
        "inverse": None if spot else False,
        "contract": not spot,
        "contractSize": None if spot else 1.0,
        "active": True,
        "precision": {"amount": market.step, "price": 0.01},
        "limits": {
            "amount": {"min": market.minimum, "max": 1e6},
            "market": {"min": market.minimum, "max": market.maximum},
            "cost": {"min": market.minimum_cost or None, "max": None},
        },
        "info": {},
    }
