"""docs/exchanges.md is what the command prints, and the command tells no more than is known."""

from pathlib import Path

import freqtrade
import pytest

from freqtrade_liquidation.drill.signing import support
from freqtrade_liquidation.drill.signing.judging import faults
from freqtrade_liquidation.drill.signing.lab import Lab, setups
from freqtrade_liquidation.drill.signing.probe import probe
from freqtrade_liquidation.drill.signing.recorder import Signed
from freqtrade_liquidation.drill.signing.support import supported
from freqtrade_liquidation.frontends import exchange_support

PAGE = (Path(__file__).parents[3] / "docs" / "exchanges.md").read_text(encoding="utf-8")


def test_page_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """Else: freqtrade-liquidation exchange-support --markdown > docs/exchanges.md"""
    made_with = next(line for line in PAGE.splitlines() if line.startswith("freqtrade "))
    if not made_with.startswith(f"freqtrade {freqtrade.__version__},"):
        pytest.skip(f"the page is made with another freqtrade: {made_with}")
    assert exchange_support.run(["--markdown"]) == 0
    printed = capsys.readouterr().out
    assert printed.replace(exchange_support.made_with(), made_with) == PAGE


def test_one_exchange_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert exchange_support.run(["okx"]) == 0
    told = capsys.readouterr().out
    assert "okx (isolated), futures\n  tested: by contract\n" in told
    assert "stop orders: lists of their own: conditional, trigger, oco, move_order_stop" in told
    assert "; also asked for: iceberg, twap, chase\n" in told
    assert "bybit" not in told


def test_exchange_that_freqtrade_does_not_support_is_refused() -> None:
    with pytest.raises(SystemExit) as end:
        exchange_support.run(["mtgox"])
    assert end.value.code == 2


def test_only_what_the_practice_exchange_speaks_is_called_tested_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_mode = {(s.exchange, str(s.mode)): s.tested for s in supported()}
    assert by_mode.pop(("binance", "futures")) == "practice exchange"
    assert by_mode.pop(("binance", "spot")) == "practice exchange"
    assert set(by_mode.values()) <= {"by contract", "practice exchange"}
    monkeypatch.setattr(support, "FACADES", {})
    assert next(iter(supported())).tested == "by contract"


def test_request_that_lacks_something_is_called_untested() -> None:
    lab = Lab(next(s for s in setups() if str(s) == "bybit futures isolated"))
    found = dict(probe(lab))
    assert faults(lab, found) == []
    [order] = found["close"]

    def without(**change: str) -> list[Signed]:
        values = {**order.values, **change}
        return [Signed(method="POST", host="", path=order.path, values=values)]

    for change, words in (
        (without(reduceOnly="false"), "close: not reduce-only"),
        (without(qty="200"), "close: not for 2 contracts"),
        (without(orderLinkId="other"), "close: no order with our name"),
        ([], "close: nothing is sent"),
    ):
        assert words in faults(lab, {**found, "close": change})
    nameless = Signed(method="GET", host="", path="/v5/order/realtime", values={"orderId": ""})
    assert "find: asks with an empty id" in faults(lab, {**found, "find": [nameless]})
