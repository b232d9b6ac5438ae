"""The operator seeds: positions, orders, stops, balances."""

from decimal import Decimal

from freqtrade_liquidation.drill.exchange.futures import FuturesVenue
from freqtrade_liquidation.drill.exchange.grip import Grip, Number, decimal


class Seeding(Grip):
    """Puts things into the account behind the bot's back."""

    def open_account_anew(self) -> None:
        """Start over: no position, order or fill, balances as on the first day, no faults.

        Prices, markets, clock and limits stay. Wait before for requests that execute ``late``.
        """
        self.core.open_account_anew()

    def seed_position(
        self, pair: str, amount: Number, entry_price: Number | None = None, leverage: int = 5,
        isolated: bool = True,
    ) -> None:  # fmt: skip
        """Set a futures position, without an order. *amount* < 0 is a short, 0 none."""
        venue, symbol = self._venue(pair)
        if not isinstance(venue, FuturesVenue):
            raise ValueError(f"{pair!r} is no futures market")
        with self.core.lock:
            position = venue.position(symbol)
            position.amount = decimal(amount)
            entry = venue.price(symbol) if entry_price is None else decimal(entry_price)
            position.entry_price = entry if position.amount else Decimal(0)
            position.leverage, position.isolated = leverage, isolated
            position.updated_ms = self.core.now_ms()

    def seed_order(
        self, pair: str, side: str, amount: Number, price: Number | None = None,
        reduce_only: bool = False, client_order_id: str | None = None,
        stop_price: Number | None = None,
    ) -> str:  # fmt: skip
        """Place an order as the account's owner would: limit with a *price*, market without.

        *stop_price* makes a spot order a STOP_LOSS_LIMIT; on futures it is `seed_stop`.

        :return: its order id.
        :raises Refusal: what the exchange says to it.
        """
        venue, symbol = self._venue(pair)
        kind = "STOP_LOSS_LIMIT" if stop_price is not None else "LIMIT" if price else "MARKET"
        params = {"symbol": symbol, "side": side.upper(), "type": kind, "quantity": str(amount)}
        optional = {"price": price, "stopPrice": stop_price, "newClientOrderId": client_order_id}
        params |= {name: str(value) for name, value in optional.items() if value is not None}
        if reduce_only:
            params["reduceOnly"] = "true"
        with self.core.lock:
            return str(venue.place(params).order_id)

    def seed_stop(
        self, pair: str, side: str, amount: Number, trigger_price: Number,
        reduce_only: bool = True, client_algo_id: str | None = None, limit: Number | None = None,
        close_position: bool = False, working_type: str | None = None, kind: str = "STOP",
    ) -> str:  # fmt: skip
        """Place a futures STOP_MARKET, or a STOP that asks *limit* once it is triggered.

        :param close_position: it closes whatever the position is then; *amount* is not sent.
        :param kind: ``STOP`` or ``TAKE_PROFIT``.
        :return: its algo id.
        """
        _, symbol = self._venue(pair)
        params = {
            "symbol": symbol,
            "side": side.upper(),
            "type": kind if limit is not None else f"{kind}_MARKET",
            "algoType": "CONDITIONAL",
            "quantity": str(amount),
            "triggerPrice": str(trigger_price),
            "reduceOnly": str(reduce_only).lower(),
        }
        optional = {"price": limit, "clientAlgoId": client_algo_id, "workingType": working_type}
        params |= {name: str(value) for name, value in optional.items() if value}
        if close_position:
            params |= {"closePosition": "true", "reduceOnly": "false"}
        with self.core.lock:
            return str(self.core.futures.algo.place(params).algo_id)

    def seed_program(
        self, pair: str, kind: str, side: str, amount: Number, reduce_only: bool = False,
        trigger_price: Number = 0,
    ) -> str:  # fmt: skip
        """Start an order that the exchange works off by itself.

        :param kind: ``VP`` or ``TWAP`` (Binance), ``trail`` or ``chase`` (Gate).
        :return: its id.
        """
        _, symbol = self._venue(pair)
        with self.core.lock:
            program = self.core.futures.programs.add(
                kind, symbol, side.upper(), decimal(amount), reduce_only=reduce_only,
                trigger_price=decimal(trigger_price),
            )  # fmt: skip
            return str(program.program_id)

    def seed_balance(self, asset: str, amount: Number, futures: bool = False) -> None:
        """Set a spot balance, or a futures wallet."""
        with self.core.lock:
            held = self.core.futures.wallets if futures else self.core.spot.balances
            held[asset] = decimal(amount)

    def seed_funding(self, pair: str, amount: Number) -> None:
        """Charge (< 0) or pay a funding fee now."""
        _, symbol = self._venue(pair)
        with self.core.lock:
            self.core.futures.add_income(symbol, "FUNDING_FEE", decimal(amount))
