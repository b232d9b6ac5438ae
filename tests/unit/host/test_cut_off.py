"""What is told of a futures run that was cut off."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.enums import TradingMode
from freqtrade.persistence import Trade, init_db

from freqtrade_liquidation.errors import ExchangeUnavailable
from freqtrade_liquidation.host import cut_off
from freqtrade_liquidation.host.sent import Sent
from freqtrade_liquidation.model import ClosingOrder, PairOutcome, PairState, Position, Side
from freqtrade_liquidation.orders.executions import Close, Executions
from freqtrade_liquidation.ports import Explanation
from freqtrade_liquidation.run import history
from freqtrade_liquidation.run.outcome_judge import WHY
from freqtrade_liquidation.run.proof import Verdict

SPOT = "SOL/USDT"
PAIR = "BTC/USDC:USDC"
SEEN: dict[str, dict[str, Any]] = {PAIR: {"side": "long", "amount": 2.0, "trade_ids": []}}
OPEN = Position(pair=PAIR, side=Side.LONG, amount=2.0)


def bot() -> Any:
    """Its wallets show nothing: freqtrade lists the stake currency's positions."""
    exchange = SimpleNamespace(_config={"stake_currency": "USDT"})
    wallets = SimpleNamespace(get_all_positions=dict)
    return SimpleNamespace(
        exchange=exchange, wallets=wallets, config={"dry_run": False},
        trading_mode=TradingMode.FUTURES,
    )  # fmt: skip


class Venue:
    """A futures account with one pair, as a stand-in for the order manager."""

    def __init__(self, lists: list[list[Position] | None], alone: Position | None = None) -> None:
        self.lists = lists
        self.alone = alone
        self.answers_alone = True
        self.left: float | None = None
        self.trades: list[Position] = []
        self.executions = Executions()
        self.scopes: list[bool] = []

    async def get_all_positions(self, *, timeout_s: float) -> list[Position]:
        listed = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        if listed is None:
            raise ExchangeUnavailable("no answer")
        return listed

    def expected_positions(self) -> list[Position]:
        return self.trades

    async def explain(self, pairs: list[str], *, timeout_s: float) -> dict[str, Explanation]:
        told = Explanation(left=self.left, held=self.alone, is_answered=self.answers_alone)
        return dict.fromkeys(pairs, told)


Told = Callable[..., tuple[PairOutcome, ...]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """What is told of a run that has seen ``SEEN``, on a venue."""
    client = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(cut_off, "ExchangeClient", lambda exchange: client)
    for module in (cut_off, history):
        monkeypatch.setattr(module, "APART_S", 0.01)

    def ask(
        venue: Venue,
        *,
        seen: Mapping[str, dict[str, Any]] = SEEN,
        sent: Mapping[str, Sent] | None = None,
        scope: str = "account",
    ) -> tuple[PairOutcome, ...]:
        def make(*args: Any, account_scope: bool, **options: Any) -> Any:
            venue.scopes.append(account_scope)
            return venue

        monkeypatch.setattr(cut_off, "FuturesOrders", make)
        return cut_off._by_positions(bot(), seen, sent or {}, scope)

    init_db("sqlite://")
    yield ask
    Trade.session.remove()


@pytest.mark.parametrize("scope", ["account", "trades"])
@pytest.mark.parametrize("answers", [True, False])
def test_position_that_freqtrade_does_not_list_is_not_called_closed(
    told: Told, answers: bool, scope: str
) -> None:
    """It is looked for in the scope of the run that was cut off: in "trades" it may be the
    user's."""
    venue = Venue([[OPEN] if answers else None])
    [outcome] = told(venue, scope=scope)
    expected = (PairState.OPEN, 2.0) if answers else (PairState.NOT_PROVEN, None)
    assert (outcome.state, outcome.residual_amount) == expected
    assert venue.scopes == [scope == "account"]


@pytest.mark.parametrize(
    ("lists", "alone", "answers_alone", "state"),
    [
        pytest.param([[]], None, True, PairState.CLOSED, id="lists and the pair alone"),
        pytest.param([[]], None, False, PairState.NOT_PROVEN, id="lists only"),
        pytest.param([[], None], None, True, PairState.NOT_PROVEN, id="one list"),
        pytest.param([[]], OPEN, True, PairState.OPEN, id="shown alone"),
        pytest.param([[], [OPEN]], None, True, PairState.OPEN, id="listed later"),
        pytest.param([[], [], [OPEN]], None, True, PairState.OPEN, id="listed last"),
    ],
)
def test_list_that_lacks_a_position_is_no_proof_that_it_is_closed(
    told: Told,
    lists: list[list[Position] | None],
    alone: Position | None,
    answers_alone: bool,
    state: PairState,
) -> None:
    venue = Venue(lists, alone)
    venue.answers_alone = answers_alone
    [outcome] = told(venue)
    assert outcome.state is state
    if state is PairState.NOT_PROVEN:
        assert (outcome.amount, outcome.residual_amount) == (2.0, None)
        assert outcome.error == WHY[Verdict.CONTRADICTED]


@pytest.mark.parametrize("filled", [2.0, 1.5])
def test_fills_of_the_run_show_what_is_closed_as_far_as_they_go(
    told: Told, monkeypatch: pytest.MonkeyPatch, filled: float
) -> None:
    order = ClosingOrder(pair=PAIR, side=Side.LONG, amount=2.0, client_order_id="ftl1")
    close = Close(order=order)

    async def found(wire: Any, sent: Sent, asked: Close) -> None:
        asked.answer = {"id": "1", "status": "canceled", "filled": filled, "average": 9.0}

    monkeypatch.setattr(cut_off, "find", found)
    sent = {PAIR: Sent(correlation_id="liq", trigger="cli", pair=PAIR, closes=[close])}
    either: list[list[list[Position] | None]] = [[[]], [None]]
    for lists in either:
        venue = Venue(lists)
        venue.answers_alone = False
        [outcome] = told(venue, sent=sent)
        is_closed = outcome.state is PairState.CLOSED
        assert is_closed == (filled == 2.0), outcome
        assert [known.filled for known in venue.executions.closes] == [filled]


@pytest.mark.parametrize(("left", "state"), [(0.0, PairState.CLOSED), (2.0, PairState.NOT_PROVEN)])
def test_trade_is_told_that_the_run_was_cut_off_before_it_saw(
    told: Told, left: float, state: PairState
) -> None:
    """In scope "trades" nothing leaves before the first look. What a stop has closed since, its
    own fill tells."""
    venue = Venue([[]])
    venue.answers_alone, venue.left = False, left
    venue.trades = [replace(OPEN, trade_ids=(1,))]
    [outcome] = told(venue, seen={}, scope="trades")
    assert (outcome.pair, outcome.state, outcome.tracked) == (PAIR, state, True)


def test_trade_whose_position_was_gone_before_is_not_told_as_closed(told: Told) -> None:
    venue = Venue([[]])
    venue.trades = [OPEN]
    assert told(venue, seen={}) == ()


@pytest.mark.parametrize("listed", [[], None])
def test_pair_of_which_only_an_order_was_cancelled_is_no_position(
    told: Told, listed: list[Position] | None
) -> None:
    sent = {"ETH/USDC:USDC": Sent(correlation_id="liq", trigger="cli", pair="ETH/USDC:USDC")}
    assert [outcome.pair for outcome in told(Venue([listed]), sent=sent)] == [PAIR]


def test_what_is_too_small_to_close_is_told_as_dust(told: Told) -> None:
    venue = Venue([[replace(OPEN, amount=0.1, minimum_amount=1.0)]])
    venue.answers_alone = False
    [outcome] = told(venue)
    assert (outcome.state, outcome.residual_amount) == (PairState.DUST, 0.1)


def test_coins_that_were_all_sold_leave_no_dust_of_float_noise() -> None:
    """0.3 - 0.1 - 0.2 is no zero in floats."""
    closes = [
        Close(
            order=ClosingOrder(
                pair=SPOT, side=Side.LONG, amount=sold, client_order_id=f"ftl{sold}"
            ),
            answer={"id": "1", "status": "closed", "filled": sold, "average": 150.0},
        )
        for sold in (0.1, 0.2)
    ]
    sent = Sent(correlation_id="liq", trigger="cli", pair=SPOT, closes=closes)
    first = {"pair": SPOT, "side": "long", "amount": 0.3, "entry_price": 150.0, "trade_ids": [1]}
    amounts: Any = SimpleNamespace(minimum=lambda pair, price: 0.001)
    outcome = cut_off._spot_outcome(first, sent, None, amounts)
    assert (outcome.state, outcome.residual_amount) == (PairState.CLOSED, 0.0)
