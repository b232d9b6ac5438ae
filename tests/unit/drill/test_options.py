"""The drill's options, and its scenarios as the practice exchange takes them."""

import re

import pytest

from freqtrade_liquidation.drill.drill import parser
from freqtrade_liquidation.drill.exchange.facades import BY_EXCHANGE
from freqtrade_liquidation.drill.exchange.faults import FaultRule
from freqtrade_liquidation.drill.scenarios import SCENARIOS, rules_of


def test_defaults() -> None:
    options = parser().parse_args([])
    assert vars(options) == {
        "exchange": "binance",
        "positions": None,  # five, or fewer with -c
        "latency_ms": 100.0,
        "faults": "none",
        "seed": 1,
        "timeout_seconds": None,
        "config": None,
    }


@pytest.mark.parametrize(
    "arguments",
    [["--positions", "1"], ["--positions", "200"], ["--latency-ms", "0"], ["--latency-ms", "5000"],
     ["--timeout-seconds", "0.1"], ["--timeout-seconds", "60"],
     *(["--exchange", name] for name in BY_EXCHANGE),
     *(["--faults", name] for name in SCENARIOS)],
)  # fmt: skip
def test_within_bounds(arguments: list[str]) -> None:
    options = vars(parser().parse_args(arguments))
    assert str(options[arguments[0][2:].replace("-", "_")]).removesuffix(".0") == arguments[1]


@pytest.mark.parametrize(
    "arguments",
    [["--positions", "0"], ["--positions", "201"], ["--positions", "x"], ["--latency-ms", "-1"],
     ["--latency-ms", "5001"], ["--latency-ms", "nan"], ["--faults", "explode"],
     ["--exchange", "kraken"], ["--timeout-seconds", "0"], ["--timeout-seconds", "60.1"],
     ["--timeout-seconds", "nan"], ["--timeout-seconds", "soon"]],
)  # fmt: skip
def test_out_of_bounds_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


ORDERS = {"binance": "/fapi/v1/order", "gate": "/api/v4/futures/usdt/orders"}


@pytest.mark.parametrize("exchange", BY_EXCHANGE)
@pytest.mark.parametrize("name", SCENARIOS)
def test_rules_of_a_scenario_are_accepted(name: str, exchange: str) -> None:
    made = [FaultRule(**rule) for rule in rules_of(name, exchange)]
    assert len(made) == (0 if name == "none" else 1)
    for rule in made:
        assert rule.matches("POST", ORDERS[exchange], {"symbol": "BTCUSDT"})


def test_orders_path_is_not_the_lists_or_the_stops() -> None:
    others = ("/fapi/v1/openOrders", "/fapi/v1/algoOrder", "/api/v4/futures/usdt/price_orders")
    for facade in BY_EXCHANGE.values():
        assert not any(re.search(facade.order_path, path) for path in others)
