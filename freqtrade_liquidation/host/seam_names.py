"""Every name of freqtrade's that a bot of ours stands on, for :mod:`.seams` to check at the start.

A test walks our code and fails for a name that is not here. Only backtests and drills may use more.
"""

from collections.abc import Mapping
from typing import Final

Names = Mapping[str, str]
"""By ``module:Class`` or module: attributes, and functions with the parameters that we count on.

A function's parameters stand in freqtrade's order, with each one that it cannot do without.
"""

NEEDED: Final[Names] = {
    "freqtrade.worker:Worker": """
        __init__(args, config) _args _notify(message) _reconfigure() _sd_notify
        _sleep(sleep_duration) _worker(old_state) exit() freqtrade run()
    """,
    "freqtrade.worker": "FreqtradeBot",
    "freqtrade.freqtradebot:FreqtradeBot": """
        __init__(config) _exit_lock cancel_stoploss_on_exchange(trade) check_for_open_trades()
        cleanup() config create_stoploss_order(trade, stop_price) exchange
        execute_entry(pair, stake_amount, is_short) execute_trade_exit(trade, limit, exit_check)
        handle_cancel_enter(trade, order, order_obj, reason)
        handle_cancel_exit(trade, order, order_obj, reason) handle_onexchange_order(trade)
        process() rpc startup() state trading_mode
        update_trade_state(trade, order_id, action_order, stoploss_order, send_msg) wallets
    """,
    "freqtrade.exchange:Exchange": """
        _amount_to_contracts(pair, amount) _api _api_async _cache_lock _config
        _contracts_to_amount(pair, num_contracts) _exchange_ws _exit_rate_cache _ft_has
        _get_funding_fees_from_exchange(pair, since)
        _get_params(side, ordertype, leverage, reduceOnly)
        _get_stop_limit_rate(stop_price, order_types, side)
        _get_stop_params(side, ordertype, stop_price)
        _lev_prep(pair, leverage, side, accept_fail) _order_contracts_to_amount(order)
        _order_needs_price(side, ordertype) _trades_contracts_to_amount(trades)
        amount_to_precision(pair, amount) cancel_order(order_id, pair, params)
        cancel_stoploss_order(order_id, pair, params) close()
        create_order(pair, ordertype, side, amount, rate, leverage, reduceOnly, initial_order)
        create_stoploss(pair, amount, stop_price, order_types, side, leverage)
        exchange_has(endpoint) fetch_order(order_id, pair, params)
        fetch_order_or_stoploss_order(order_id, pair, stoploss_order) fetch_orders(pair, since)
        fetch_stoploss_order(order_id, pair, params) get_balances()
        get_fee(symbol, taker_or_maker) get_option(param) get_pair_base_currency(pair)
        get_pair_quote_currency(pair) get_precision_amount(pair)
        get_rate(pair, refresh, side, is_short) get_trades_for_order(order_id, pair, since)
        loop market_is_tradable(market) markets name precisionMode
        reload_markets(force, load_leverage_tiers) trading_mode _ws_async
    """,
    "freqtrade.exchange:Hyperliquid": "_get_configured_hip3_dexes()",
    "freqtrade.exchange:Okx": "net_only",
    "freqtrade.exchange": "common",
    "freqtrade.exchange.common": "SUPPORTED_EXCHANGES",
    "freqtrade.persistence.trade_model:ProfitStruct": "profit_abs",
    "freqtrade.persistence:Order": """
        amount filled ft_amount ft_cancel_reason ft_fee_base ft_is_open ft_order_side ft_order_tag
        ft_pair ft_trade_id id order_date order_date_utc order_filled_date order_id
        parse_from_ccxt_object(order, pair, side, amount, price) price session status stop_price
        to_ccxt_object() trade update_from_ccxt_object(order)
    """,
    "freqtrade.persistence:Trade": """
        amount base_currency calculate_profit(rate) close_date_utc close_profit_abs
        close_rate_requested commit()
        entry_side exchange exit_order_status exit_reason exit_side fee_open fee_open_currency
        fee_updated(side) fully_canceled_entry_order_count get_open_trades()
        get_trades(trade_filter) id is_open is_short leverage max_rate
        nr_of_successful_entries open_date open_date_utc open_rate orders pair rollback()
        select_order(order_side, is_open, only_filled) session set_funding_fees(funding_fee)
        trading_mode
    """,
    "freqtrade.persistence": "init_db(db_url)",
    "freqtrade.persistence.base": "ModelBase",
    "freqtrade.wallets:Wallets": """
        get_all_positions() get_free(currency) get_owned(pair, base_currency) update()
    """,
    "freqtrade.rpc.rpc_manager:RPCManager": "registered_modules send_msg(msg)",
    "freqtrade.rpc:RPC": "_freqtrade _rpc_start() _rpc_stop()",
    "freqtrade.rpc:RPCHandler": "name send_msg(msg)",
    "freqtrade.rpc.rpc_manager": "RPC",
    "freqtrade.resolvers:ExchangeResolver": """
        load_exchange(config, exchange_config, validate, load_leverage_tiers)
    """,
    "freqtrade.strategy:IStrategy": """
        INTERFACE_VERSION minimal_roi stoploss timeframe use_exit_signal
        populate_entry_trend(dataframe, metadata) populate_exit_trend(dataframe, metadata)
        populate_indicators(dataframe, metadata)
    """,
    "freqtrade.configuration:Configuration": "__init__(args, runmode) get_config()",
    "freqtrade.configuration": "environment_vars load_config",
    "freqtrade.configuration.environment_vars": "environment_vars_to_dict() logger",
    "freqtrade.configuration.load_config": """
        CONFIG_PARSE_MODE load_config_file(path) load_from_files(files) logger
    """,
    "freqtrade.commands.cli_options:Arg": "cli kwargs",
    "freqtrade.commands:Arguments": "__init__(args) get_parsed_arg()",
    "freqtrade.commands.arguments": "NO_CONF_ALLOWED",
    "freqtrade.commands.cli_options": "AVAILABLE_CLI_OPTIONS",
    "freqtrade.enums:ExitType": "SOLD_ON_EXCHANGE",
    "freqtrade.enums:RPCMessageType": "STATUS WARNING",
    "freqtrade.enums:State": "PAUSED RELOAD_CONFIG RUNNING STOPPED",
    "freqtrade.enums:TradingMode": "FUTURES SPOT",
    "freqtrade.util:FtPrecise": "__init__(number)",
    "freqtrade.config_schema.config_schema": "CONF_SCHEMA",
    "freqtrade.constants": """
        BuySell CANCEL_REASON Config DEFAULT_CONFIG DEFAULT_DB_DRYRUN_URL DEFAULT_DB_PROD_URL
        ENV_VAR_PREFIX RETRY_TIMEOUT
    """,
    "freqtrade.enums": "PriceType",
    "freqtrade.exceptions": """
        ConfigurationError FreqtradeException InvalidOrderException OperationalException
        PricingError TemporaryError
    """,
    "freqtrade.main": "main()",
    "freqtrade.misc": "deep_merge_dicts(source, destination) parse_db_uri_for_logging(uri)",
}

TELEGRAM: Final[Names] = {
    "freqtrade.rpc.telegram": "authorized_only(command_handler)",
    "freqtrade.rpc.telegram:Telegram": """
        _app _config _help(update, context) _init_keyboard() _init_telegram_app() _keyboard _loop
        _message_loudness(msg) _rpc _send_msg(msg) _start(update, context) _stop(update, context)
        _thread compose_message(msg)
    """,
}
REST: Final[Names] = {
    "freqtrade.rpc.api_server.api_auth": "http_basic_or_jwt_token() httpbasic oauth2_scheme",
    "freqtrade.rpc.api_server.deps": "get_api_config() is_trading_mode()",
    "freqtrade.rpc.api_server:ApiServer": "configure_app(app, config)",
}
"""Checked only where the configuration enables them: they are slow to import."""
