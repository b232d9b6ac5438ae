"""No answer of an exchange, however odd, gets an exception out of a run or makes it worse.

Real runs over HTTP: the exchange executes what it is asked and answers junk. What it did and what
the run says of it are judged by the exchange's own ledger.
"""

import json
from typing import Any, Final

from freqtrade.exchange import Exchange
from hypothesis import assume, given
from hypothesis import strategies as st

from freqtrade_liquidation.drill.exchange import PracticeExchange
from freqtrade_liquidation.exchange import waits
from tests.fuzz.bounds import bounded
from tests.integration.hostile import futures_book, play, spot_book
from tests.integration.hostile_truth import assert_nothing_was_done_wrong

PATHS: Final = {
    True: ("positionRisk", "openOrders$", "openAlgoOrders", "/order$", "algoOrder$", "batchOrders",
           "balance|account", "userTrades", "/fapi/"),
    False: ("/account$", "openOrders$", "/order$", "myTrades", "/api/v3/"),
}  # fmt: skip
WORDS: Final = (
    "code", "msg", "symbol", "orderId", "clientOrderId", "algoId", "status", "side", "positionAmt",
    "positionSide", "executedQty", "origQty", "avgPrice", "cummulativeQuoteQty", "type", "balances",
    "asset", "free", "locked", "entryPrice", "reduceOnly", "success", "data", "result", "fills",
)  # fmt: skip
HANGS_AFTER_S: Final = 5.0
"""Ten times what a run has; bars are measured where nothing else keeps the machine busy."""
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(),
    st.sampled_from(["", "0", "-1", "NaN", "1e999", "BTCUSDT", "ETHUSDT", "FILLED", "CANCELED",
                     "NEW", "SELL", "BUY", "BOTH", "BTC", "\x00", "\ud800", "9" * 400]),
    st.text(max_size=8),
)  # fmt: skip
bodies = st.one_of(
    st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), inner, max_size=5)
        ),
        max_leaves=12,
    ).map(json.dumps),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.sampled_from(["", "[" * 5000, "{", "<html>", "<" * 3000, "null", "[null]", "{}", "[{}]",
                     "[[]]", '{"code":200}', '{"code":-2015}', '{"code":"x","msg":null}']),
)  # fmt: skip


@st.composite
def junk(draw: Any) -> tuple[bool, list[dict[str, Any]]]:
    """A market, and what it answers."""
    futures = draw(st.booleans())
    rules = st.fixed_dictionaries({
        "path": st.sampled_from(PATHS[futures]),
        "method": st.sampled_from([None, "GET", "POST", "DELETE"]),
        "status": st.sampled_from([200, 200, 200, 201, 400, 418, 429, 500, 503]),
        "body": bodies,
        "times": st.sampled_from([1, 2, None]),
        "after": st.integers(0, 2),
    })  # fmt: skip
    return futures, draw(st.lists(rules, min_size=1, max_size=3))


@bounded
@given(answers=junk())
def test_junk_in_place_of_an_answer_makes_nothing_worse(
    answers: tuple[bool, list[dict[str, Any]]],
    running: PracticeExchange,
    wrappers: dict[bool, Exchange],
) -> None:
    futures, rules = answers
    # An empty list is a true word of an exchange's: what contradicts it is tested by itself.
    assume(not any(rule["status"] < 300 and rule["body"].strip() == "[]" for rule in rules))
    waits._KNOWN.clear()
    running.open_account_anew()
    book = futures_book(running) if futures else spot_book(running)
    for rule in rules:
        running.add_fault("answer", **rule)
    try:
        played = play(running, wrappers[futures], book, timeout_seconds=0.5)
    finally:
        running.clear_faults()
    assert_nothing_was_done_wrong(played)
    assert played.ended - played.began < HANGS_AFTER_S
