"""The places where we meet freqtrade, checked before a bot is started.

A freqtrade whose hooks do not fit stops the start: never a bot that believes it is armed.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

import freqtrade
from freqtrade.exceptions import OperationalException

OLDEST: Final = (2026, 4)

Seams = tuple[tuple[str, str, tuple[str, ...]], ...]

NEEDED: Final[Seams] = (
    ("freqtrade.worker:Worker", "__init__", ("args", "config")),
    ("freqtrade.worker:Worker", "run", ()),
    ("freqtrade.worker:Worker", "_worker", ("old_state",)),
    ("freqtrade.worker:Worker", "_sleep", ("sleep_duration",)),
    ("freqtrade.worker:Worker", "_reconfigure", ()),
    ("freqtrade.worker:Worker", "_notify", ("message",)),
    ("freqtrade.worker:Worker", "exit", ()),
    ("freqtrade.freqtradebot:FreqtradeBot", "__init__", ("config",)),
    ("freqtrade.freqtradebot:FreqtradeBot", "process", ()),
    ("freqtrade.freqtradebot:FreqtradeBot", "cleanup", ()),
    ("freqtrade.freqtradebot:FreqtradeBot", "execute_entry", ("pair", "is_short")),
    ("freqtrade.freqtradebot:FreqtradeBot", "execute_trade_exit", ("trade",)),
    ("freqtrade.freqtradebot:FreqtradeBot", "create_stoploss_order", ("trade", "stop_price")),
    ("freqtrade.freqtradebot:FreqtradeBot", "handle_onexchange_order", ("trade",)),
    (
        "freqtrade.freqtradebot:FreqtradeBot",
        "update_trade_state",
        ("trade", "order_id", "action_order", "stoploss_order", "send_msg"),
    ),
    (
        "freqtrade.freqtradebot:FreqtradeBot",
        "handle_cancel_enter",
        ("trade", "order", "order_obj", "reason"),
    ),
    (
        "freqtrade.freqtradebot:FreqtradeBot",
        "handle_cancel_exit",
        ("trade", "order", "order_obj", "reason"),
    ),
    (
        "freqtrade.exchange:Exchange",
        "create_order",
        ("pair", "ordertype", "side", "amount", "rate", "leverage", "reduceOnly", "initial_order"),
    ),
    (
        "freqtrade.exchange:Exchange",
        "create_stoploss",
        ("pair", "amount", "stop_price", "order_types", "side", "leverage"),
    ),
    ("freqtrade.exchange:Exchange", "cancel_order", ("order_id", "pair", "params")),
    ("freqtrade.exchange:Exchange", "fetch_order", ("order_id", "pair", "params")),
    ("freqtrade.exchange:Exchange", "fetch_orders", ("pair", "since")),
    ("freqtrade.exchange:Exchange", "cancel_stoploss_order", ("order_id", "pair", "params")),
    ("freqtrade.exchange:Exchange", "fetch_stoploss_order", ("order_id", "pair", "params")),
    (
        "freqtrade.exchange:Exchange",
        "fetch_order_or_stoploss_order",
        ("order_id", "pair", "stoploss_order"),
    ),
    ("freqtrade.exchange:Exchange", "_order_needs_price", ("side", "ordertype")),
    ("freqtrade.exchange:Exchange", "get_rate", ("pair", "side", "is_short", "refresh")),
    ("freqtrade.exchange:Exchange", "get_option", ("param",)),
    ("freqtrade.exchange:Exchange", "exchange_has", ("endpoint",)),
    ("freqtrade.exchange:Exchange", "get_balances", ()),
    ("freqtrade.exchange:Exchange", "_get_params", ("side", "ordertype", "leverage", "reduceOnly")),
    (
        "freqtrade.exchange:Exchange",
        "_get_stop_params",
        ("side", "ordertype", "stop_price"),
    ),
    (
        "freqtrade.exchange:Exchange",
        "_get_stop_limit_rate",
        ("stop_price", "order_types", "side"),
    ),
    ("freqtrade.exchange:Exchange", "_lev_prep", ("pair", "leverage", "side", "accept_fail")),
    ("freqtrade.exchange:Exchange", "_order_contracts_to_amount", ("order",)),
    ("freqtrade.exchange:Exchange", "amount_to_precision", ("pair", "amount")),
    ("freqtrade.exchange:Exchange", "_contracts_to_amount", ("pair", "num_contracts")),
    ("freqtrade.exchange:Exchange", "_amount_to_contracts", ("pair", "amount")),
    ("freqtrade.exchange:Exchange", "_get_funding_fees_from_exchange", ("pair", "since")),
    ("freqtrade.exchange:Exchange", "get_trades_for_order", ("order_id", "pair", "since")),
    ("freqtrade.rpc:RPCHandler", "send_msg", ("msg",)),
    ("freqtrade.rpc.rpc_manager:RPC", "_rpc_start", ()),
    ("freqtrade.rpc.rpc_manager:RPC", "_rpc_stop", ()),
)
"""Where, which method, and the parameters that we count on."""

TELEGRAM: Final[Seams] = (
    ("freqtrade.rpc.telegram:Telegram", "_init_telegram_app", ()),
    ("freqtrade.rpc.telegram:Telegram", "_init_keyboard", ()),
    ("freqtrade.rpc.telegram:Telegram", "_help", ("update", "context")),
    ("freqtrade.rpc.telegram:Telegram", "_start", ("update", "context")),
    ("freqtrade.rpc.telegram:Telegram", "_stop", ("update", "context")),
    ("freqtrade.rpc.telegram:Telegram", "compose_message", ("msg",)),
    ("freqtrade.rpc.telegram:Telegram", "_message_loudness", ("msg",)),
    ("freqtrade.rpc.telegram:Telegram", "_send_msg", ("msg",)),
)
REST: Final[Seams] = (("freqtrade.rpc.api_server:ApiServer", "configure_app", ("app", "config")),)
"""Checked only where the configuration enables them: they are slow to import."""


def check(needed: Seams = NEEDED) -> None:
    """Compares the installed freqtrade with what we need.

    :raises OperationalException: naming every seam that does not fit.
    """
    faults = [*_version_faults(), *(fault for need in needed for fault in _faults(*need))]
    if faults:
        raise OperationalException(
            f"freqtrade {freqtrade.__version__} does not fit freqtrade-liquidation; "
            "the bot is not started, because it would not be protected:\n- " + "\n- ".join(faults)
        )


def substitute() -> None:
    """Puts our classes in the place of freqtrade's, before freqtrade looks them up."""
    check()
    import freqtrade.rpc.rpc_manager as rpc_module
    import freqtrade.worker as worker_module

    from freqtrade_liquidation.host.bot import LiquidatingBot
    from freqtrade_liquidation.host.rpc import LiquidatingRPC
    from freqtrade_liquidation.host.worker import LiquidatingWorker

    worker_module.FreqtradeBot = LiquidatingBot  # type: ignore[misc]
    worker_module.Worker = LiquidatingWorker  # type: ignore[misc]
    rpc_module.RPC = LiquidatingRPC  # type: ignore[misc]


def _version_faults() -> Iterator[str]:
    parts = freqtrade.__version__.split("-")[0].split(".")
    try:
        version = tuple(int(part) for part in parts[:2])
    except ValueError:
        yield f"version {freqtrade.__version__!r} is not of the form YEAR.MONTH"
        return
    if version < OLDEST:
        yield f"version {freqtrade.__version__} is older than {OLDEST[0]}.{OLDEST[1]}"


def _faults(where: str, method: str, parameters: tuple[str, ...]) -> Iterator[str]:
    module_name, class_name = where.split(":")
    module = __import__(module_name, fromlist=[class_name])
    function: Callable[..., Any] | None = getattr(getattr(module, class_name, None), method, None)
    if function is None:
        yield f"{class_name}.{method} is missing"
        return
    known = inspect.signature(function).parameters
    missing = [name for name in parameters if name not in known]
    if missing:
        yield f"{class_name}.{method} has no parameter {', '.join(missing)}"
