"""freqtrade's exchange while it sends an order whose answer may be lost.

A copy, for one order, that writes down what is asked for and gives the order a name of ours: so a
run finds it again, and tells it from what the user did by hand at the same moment. No method of
freqtrade's is patched: the copy is handed out by our own bot's ``exchange``.
"""

import uuid
from collections.abc import Callable
from typing import Any, Final

from freqtrade.exceptions import InvalidOrderException, OperationalException, PricingError
from freqtrade.exchange import Exchange

from freqtrade_liquidation.exchange.line import bare_copy
from freqtrade_liquidation.exchange.rules.names import bot_order_id, stop_name
from freqtrade_liquidation.orders.entry_gate import Asked, EntryGate, OrderNote

DEFINITE_REFUSALS: Final = (InvalidOrderException, PricingError, OperationalException)
"""Raised when no order can have been placed. Source: freqtrade ``Exchange.create_order``."""


class Sending:
    """One request of freqtrade's, as the copy sees it.

    :ivar is_unknown: an order may have been placed whose answer nobody has.
    :ivar orders: those that were sent.
    """

    def __init__(self, gate: EntryGate, note: OrderNote) -> None:
        self._gate, self._note = gate, note
        self.is_unknown = False
        self.orders: list[Asked] = []

    def send(self, order: Asked, request: Callable[[], Any]) -> Any:
        """What *request* returns or raises."""
        self.orders.append(order)
        self._gate.ask(self._note, order)
        self.is_unknown = True
        try:
            answer = request()
        except DEFINITE_REFUSALS:
            self.is_unknown = False
            raise
        self.is_unknown = False
        return answer


def noting(exchange: Exchange, sending: Sending) -> Exchange:
    """A copy of *exchange* whose orders are noted in *sending*, and named."""
    clone: Any = bare_copy(exchange)
    create_order, create_stoploss = clone.create_order, clone.create_stoploss
    params_of, stop_params_of, api = clone._get_params, clone._get_stop_params, exchange._api

    def asked(amount: float, price: float | None, *, is_stop: bool = False) -> Asked:
        return Asked(amount, price, bot_order_id(api, uuid.uuid4().hex), is_stop=is_stop)

    def named_params(*args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**params_of(*args, **kwargs), "clientOrderId": sending.orders[-1].name}

    def named_stop_params(*args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**stop_params_of(*args, **kwargs), **stop_name(api, sending.orders[-1].name)}

    def noted_order(**kwargs: Any) -> Any:
        price = kwargs.get("rate") if kwargs.get("ordertype") == "limit" else None
        return sending.send(asked(kwargs["amount"], price), lambda: create_order(**kwargs))

    def noted_stop(**kwargs: Any) -> Any:
        stop = asked(kwargs["amount"], kwargs["stop_price"], is_stop=True)
        return sending.send(stop, lambda: create_stoploss(**kwargs))

    clone._get_params, clone._get_stop_params = named_params, named_stop_params
    clone.create_order, clone.create_stoploss = noted_order, noted_stop
    return clone  # type: ignore[no-any-return]
