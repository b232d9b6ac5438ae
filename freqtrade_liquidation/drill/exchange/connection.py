"""How freqtrade is told to trade on the practice exchange."""

from collections.abc import Iterable, Mapping
from typing import Any

JsonDict = dict[str, Any]


def freqtrade_config(
    *, name: str, ccxt_config: Mapping[str, Any], key: str, secret: str, pairs: Iterable[str],
    futures: bool,
) -> JsonDict:  # fmt: skip
    """:return: a complete live configuration of freqtrade, but for a strategy and directories.

    :param name: freqtrade's name of the exchange.
    """
    listed = list(pairs)
    config: JsonDict = {
        "$schema": "https://schema.freqtrade.io/schema.json", "bot_name": "practice",
        "dry_run": False, "trading_mode": "futures" if futures else "spot",
        "margin_mode": "isolated" if futures else "", "stake_currency": "USDT",
        "stake_amount": 200, "max_open_trades": len(listed), "tradable_balance_ratio": 0.99,
        "timeframe": "5m", "initial_state": "running", "cancel_open_orders_on_exit": False,
        "force_entry_enable": True, "fiat_display_currency": "", "db_url": "sqlite://",
        "unfilledtimeout": {"entry": 10, "exit": 10, "exit_timeout_count": 0, "unit": "minutes"},
        "entry_pricing": _pricing(), "exit_pricing": _pricing(),
        "order_types": {
            "entry": "market", "exit": "market", "emergency_exit": "market",
            "stoploss": "market" if futures else "limit", "stoploss_on_exchange": True,
        },
        "exchange": {
            "name": name, "key": key, "secret": secret, "enable_ws": False,
            "pair_whitelist": listed, "pair_blacklist": [],
            "ccxt_config": dict(ccxt_config),
        },
        "pairlists": [{"method": "StaticPairList"}],
        "telegram": {"enabled": False, "token": "", "chat_id": ""},
        "internals": {"process_throttle_secs": 1},
    }  # fmt: skip
    return config


def _pricing() -> JsonDict:
    return {
        "price_side": "other", "use_order_book": True, "order_book_top": 1,
        "price_last_balance": 0.0, "check_depth_of_market": {"enabled": False,
                                                             "bids_to_ask_delta": 1},
    }  # fmt: skip
