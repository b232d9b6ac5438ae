"""What nobody could know, in the words of the truth: each predicate excuses that, and no more."""

import pytest

from tests.simulation.case import Case
from tests.simulation.honesty import never_told
from tests.simulation.play import play
from tests.simulation.protection import stops_of
from tests.simulation.schedule import (
    Asked,
    Book,
    Deed,
    Endpoint,
    Flight,
    Move,
    Resting,
    Schedule,
    Scope,
    Trade,
    Weather,
)
from tests.simulation.world.account import Rules
from tests.simulation.world.answers import Lags
from tests.simulation.world.records import Kind, Market, Owner

SPOT, FUTURES = "BTC/USDT", "BTC/USDT:USDT"


def case_of(
    book: Book,
    *moves: Move,
    scope: Scope = Scope.ACCOUNT,
    lags: Lags | None = None,
    weather: Weather | None = None,
    rules: Rules | None = None,
    flight: Flight | None = None,
    asked: tuple[Asked, ...] = (Asked(at_s=0.0, trigger="cli"),),
    database: str = "answers",
    seed: int = 1,
    **options: float,
) -> Case:
    spot = scope is Scope.SPOT
    config = {"scope": "account" if scope is Scope.ACCOUNT else "trades", **options}
    return Case(
        play(
            Schedule(
                seed=seed,
                scope=scope,
                books=(book,),
                config=config,
                rules=rules or Rules(spot=spot),
                moves=moves,
                flights=() if flight is None else (flight,),
                database=database,
                asked=asked,
                lags=lags or Lags(),
                weather=weather or Weather(pace_s=0.1),
            )
        )
    )


def market(pair: str) -> Market:
    return Market(pair=pair, base="BTC", minimum_cost=5.0 if pair == SPOT else 0.0, price=100.0)


def entry(*, filled: float) -> Resting:
    return Resting(
        key="entry", owner=Owner.BOT, kind=Kind.LIMIT, side="buy", amount=1.0, filled=filled
    )


@pytest.mark.parametrize(
    ("held", "recorded", "filled", "unknown", "gone"),
    [(1.0, 1.0, 0.0, 0.0, 0.0), (1.0, 0.9, 0.0, 0.1, 0.0), (1.2, 1.0, 0.2, 0.0, 0.0)],
    ids=["right", "a tenth is missing", "its open entry has filled the rest"],
)
def test_database_is_wrong_by_what_trade_and_open_orders_do_not_add_up_to(
    held: float, recorded: float, filled: float, unknown: float, gone: float
) -> None:
    resting = (entry(filled=filled),) if filled else ()
    trade = Trade(side="long", amount=recorded, open_orders=("entry",) if filled else ())
    case = case_of(Book(market=market(FUTURES), bots=held, resting=resting, trade=trade))
    assert case.unknown_to_the_database(FUTURES) == pytest.approx(unknown)
    assert case.gone_before(FUTURES) == pytest.approx(gone)


def test_dry_run_trade_is_no_record_of_anything() -> None:
    trade = Trade(side="long", amount=1.0, dry_run=True)
    case = case_of(Book(market=market(FUTURES), users=1.0, trade=trade), scope=Scope.TRADES)
    assert (case.unknown_to_the_database(FUTURES), case.gone_before(FUTURES)) == (0.0, 0.0)


@pytest.mark.parametrize(("at_s", "excused"), [(0.001, 0.4), (2.0, 0.0)], ids=["before", "after"])
def test_what_is_bought_back_looks_like_the_bots_own_only_before_the_first_look(
    at_s: float, excused: float
) -> None:
    """And no more of it than was gone."""
    book = Book(market=market(SPOT), bots=0.6, trade=Trade(side="long", amount=1.0))
    bought = Move(at_s=at_s, deed=Deed.USER_TRADES, pair=SPOT, amount=3.0)
    case = case_of(book, bought, scope=Scope.SPOT)
    assert case.gone_before(SPOT) == pytest.approx(0.4)
    assert case.bought_back(SPOT) == pytest.approx(excused)


def test_more_than_the_bots_is_closed_is_nothing_of_it_left() -> None:
    """Scope account: the user's own goes with it, and that is no position of the bot's."""
    trade = Trade(side="long", amount=1.0)
    case = case_of(Book(market=market(FUTURES), bots=1.0, users=2.0, trade=trade))
    began, end = case.began, case.ended[-1].ended
    assert end is not None
    assert case.bots_left(FUTURES, began - 1) == 1.0
    assert case.account.bots[FUTURES].at(end.at) == -2.0
    assert case.bots_left(FUTURES, end.at) == 0.0


@pytest.mark.parametrize(
    ("at_s", "omitted_s", "excused"),
    [(0.15, 9.0, 0.2), (0.0, 9.0, 0.0), (0.15, 0.0, 0.0)],
    ids=["after the answer for it alone", "before that", "and no list has left it out"],
)
def test_what_a_person_opens_is_never_shown_where_every_later_list_leaves_it_out(
    at_s: float, omitted_s: float, excused: float
) -> None:
    trade = Trade(side="short", amount=0.7)
    book = Book(market=market(FUTURES), bots=-0.7, trade=trade)
    sold = Move(at_s=at_s, deed=Deed.USER_TRADES, pair=FUTURES, amount=-0.2)
    case = case_of(book, sold, lags=Lags(omits={FUTURES: omitted_s}))
    [run] = case.ended
    assert run.ended is not None
    assert bool(omitted_s) == bool(run.read_of(FUTURES, Endpoint.POSITION)), "asked about alone"
    assert case.never_shown(run, FUTURES, run.ended.at) == pytest.approx(excused)


@pytest.mark.parametrize(("omitted_s", "untold"), [(9.0, 0.5), (0.0, 0.0)])
def test_stop_of_what_every_list_has_left_out_is_cleared_with_the_bots(
    omitted_s: float, untold: float
) -> None:
    """Our fill covers all that the bot has, and nothing shows that there is more."""
    stop = Resting(
        key="stop",
        owner=Owner.USER,
        kind=Kind.STOP,
        side="sell",
        amount=0.5,
        reduce_only=True,
        trigger=95.0,
    )
    trade = Trade(side="long", amount=1.0)
    book = Book(market=market(FUTURES), bots=1.0, users=0.5, resting=(stop,), trade=trade)
    case = case_of(book, lags=Lags(omits={FUTURES: omitted_s}), seed=4)
    [run] = case.ended
    assert never_told(case, run, FUTURES) == pytest.approx(untold)
    assert case.account.held[FUTURES].now == pytest.approx(untold)
    [stops] = stops_of(case)
    assert stops.needed == 0.0


def test_what_the_database_did_not_know_is_never_shown_where_every_list_leaves_it_out() -> None:
    trade = Trade(side="long", amount=0.9)
    book = Book(market=market(FUTURES), bots=1.0, trade=trade)
    case = case_of(book, lags=Lags(omits={FUTURES: 9.0}), seed=4)
    [run] = case.ended
    assert run.ended is not None
    assert case.never_shown(run, FUTURES, run.ended.at) == pytest.approx(0.1)
    assert case.never_shown(run, FUTURES, case.began) == pytest.approx(0.1), "and no more than that"
