"""No odd answer makes a list empty or shorter: every list of every exchange.

Generated: each list that a run asks for × each odd body, and × each node of a full answer that is
null, missing, of another type or cut in half. The full answers are written by hand
(:mod:`.good_answers`); where the rows are in them is the table's word, and ccxt's parsers decide
whether that is true.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from freqtrade_liquidation.errors import ExchangeUnavailable, LiquidationError
from freqtrade_liquidation.exchange.answers import is_an_answer
from freqtrade_liquidation.exchange.rules.shapes import SHAPES
from freqtrade_liquidation.exchange.shape import EACH, Holder, Shape, WrongShape
from tests.unit.drill.signing.answering import NAMES, Answering, Ask, answering, empty
from tests.unit.drill.signing.good_answers import GOOD, SPOT

NO_LISTS: Final = {
    "/fapi/v1/leverageBracket": "which leverage is allowed",
    "/v5/user/query-api": "what the key may do",
    "/v5/account/info": "what kind of account it is",
    "/v1/account/accounts": "the number of the account whose balance is asked for next",
    "/api/v3/account/settings": "what kind of account it is",
}
"""What is asked beside the lists, and what it tells."""

EVENTS: Final = {"/api/history/v2/orders"}
"""Kraken Futures lists what happened, in many kinds of events, and ccxt picks those with orders."""

Path = tuple[str | int, ...]


def lists(name: str) -> Iterator[tuple[Answering, Ask, str, Shape]]:
    """Each list that a run asks of *name*, with the question that takes it."""
    exchange = answering(name)
    for question in exchange.questions().values():
        for endpoint, shape in exchange.lists_of(question).items():
            yield exchange, question, endpoint, shape


@pytest.mark.parametrize("name", NAMES)
def test_each_list_that_is_asked_for_has_a_shape(name: str) -> None:
    """Red here: ccxt, or a new question, asks an endpoint that is in no table. Add its shape to
    ``exchange/rules/shapes`` and a full answer to ``good_answers``."""
    exchange = answering(name)
    for what, question in exchange.questions().items():
        found = exchange.lists_of(question)
        assert found, f"{what} takes no list"
        without = {endpoint for endpoint, shape in exchange.asked.items() if shape is None}
        assert without <= NO_LISTS.keys(), f"{what} asks an endpoint without a shape"


@pytest.mark.parametrize("name", NAMES)
def test_full_answer_is_read_whole(name: str) -> None:
    """The rules refuse no real answer, and ccxt finds in it what the rules say is there."""
    for exchange, question, endpoint, shape in lists(name):
        good = exchange.good(endpoint)
        count = len(shape.open_rows(shape.rows(good)))
        assert count == 2, endpoint
        found = exchange.ask(question, **{endpoint: good})
        if endpoint != "/0/private/OpenOrders" or found:  # locked coins, where the balance is asked
            assert len(found) >= 2 or isinstance(found, dict), endpoint


@pytest.mark.parametrize("name", NAMES)
def test_bot_hears_an_answer_in_each_list_and_in_nothing_else(name: str) -> None:
    """What the bot takes for an answer to its own requests is what a run takes for one."""
    for exchange, _, endpoint, shape in lists(name):
        url, _, body = exchange.request(endpoint).partition(" ")
        api, request = exchange.lab.exchange._api, (shape.method, url, body)
        good = exchange.good(endpoint)
        for answer in (good, empty(shape)):
            assert is_an_answer(api, request, answer), (endpoint, answer)
        for odd, answer in odd_bodies(shape, good):
            if not isinstance(answer, bytes) and not _is_empty_word(shape, answer):
                assert not is_an_answer(api, request, answer), (endpoint, odd)


# Bodies that are no answer.


def odd_bodies(shape: Shape, good: Any) -> Iterator[tuple[str, Any]]:
    """Bodies of status 200 that claim nothing, in the exchange's words where it has any."""
    yield "no body", b""
    yield "spaces", b"  \n"
    yield "HTML", b"<html><body>Service Unavailable</body></html>"
    yield "words", b"OK"
    yield "null", None
    yield "an empty object", {}
    yield "strings", ["x"]
    yield "a list with null", [None]
    yield "numbers", [1, 2]
    yield "a number", 0
    yield "an error", {"code": 0, "msg": "Service is busy"}
    yield "words about an error", {"msg": "system busy"}
    if shape.at[:1] != (EACH,) and (shape.at or shape.holder is not Holder.LIST):
        yield "a list where an object is due", []
    text = json.dumps(good)
    for part in range(1, 10):
        yield f"{part} tenths of the page", text[: len(text) * part // 10].encode()
    for depth in range(len(shape.at) + 1):
        where: Path = tuple(0 if step == EACH else step for step in shape.at[:depth])
        for what, odd in (("null", None), ("text", ""), ("zero", 0), ("false", False)):
            if where:
                yield f"{what} at {where}", _changed(good, where, odd)
        if where and where[-1] != 0:
            yield f"nothing at {where}", _changed(good, where)
        inner = shape.at[depth] if depth < len(shape.at) else None
        if inner != EACH and (inner is not None or shape.holder is not Holder.LIST):
            yield f"a list at {where}", _changed(good, where, [])
        if inner is not None or shape.holder is not Holder.OBJECT:
            yield f"an object at {where}", _changed(good, where, {})
        for what, rows in (("strings", ["x"]), ("null", [None]), ("a number", [1])):
            if depth == len(shape.at):
                held = rows if shape.holder is Holder.LIST else {"x": rows[0]}
                yield f"{what} for rows", _changed(good, where, held)
    for field in shape.says:
        yield f"without {field}", _changed(good, tuple(field.split(".")))


@pytest.mark.parametrize("name", NAMES)
def test_body_that_is_no_answer_is_never_an_empty_list(name: str) -> None:
    """Always asked again: it may be the exchange's next answer that says what is open."""
    for exchange, question, endpoint, shape in lists(name):
        for what, odd in odd_bodies(shape, exchange.good(endpoint)):
            if _is_empty_word(shape, odd):
                continue
            with pytest.raises(ExchangeUnavailable) as told:
                raise AssertionError(
                    f"{endpoint}, {what}", exchange.ask(question, **{endpoint: odd})
                )
            assert told.value, what


def _is_empty_word(shape: Shape, odd: Any) -> bool:
    """Whether *odd* is how this exchange says "none": null, with nothing where the list goes on."""
    said_so = shape.null_with == "" and isinstance(odd, dict)
    return said_so and odd.get("code") == "00000" and odd.get("data") == {"list": None}


# Nodes of a full answer.


def nodes(node: Any, path: Path = ()) -> Iterator[Path]:
    """The way to each node of *node*, but not to itself."""
    inside: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(node, dict):
        inside = iter(node.items())
    elif isinstance(node, list):
        inside = iter(enumerate(node))
    for step, child in inside:
        yield (*path, step)
        yield from nodes(child, (*path, step))


def spoilt(shape: Shape, good: Any, path: Path) -> Iterator[tuple[str, Any]]:
    """*good* with the node at *path* gone wrong. Without a whole row it is another answer, and a
    half word beside the rows is a word like any other."""
    is_row = len(path) == len(shape.at) + 1
    value = good
    for step in path:
        value = value[step]
    yield "null", _changed(good, path, None)
    yield "retyped", _changed(good, path, {"x": 1} if not isinstance(value, dict) else "x")
    yield "true", _changed(good, path, True)
    if not (is_row or isinstance(path[-1], int)):
        yield "missing", _changed(good, path)
    is_word = isinstance(value, str) and len(value) > 1 and not value.replace(".", "").isdigit()
    if is_word and len(path) > len(shape.at):
        yield "cut in half", _changed(good, path, value[: len(value) // 2])


def summary(found: Any, *, names: bool) -> Any:
    """What a run needs of rows; *names* False: only how many there are."""
    if isinstance(found, dict):
        return sorted(found.items()) if names else len(found)
    rows = [
        (row["symbol"], row["side"], row.get("contracts") or row.get("amount")) for row in found
    ]
    return sorted(rows, key=str) if names else len(rows)


@pytest.mark.parametrize("name", NAMES)
def test_node_that_went_wrong_takes_no_row_with_it(name: str) -> None:
    """The same rows, or an unanswered question."""
    done = set()
    for exchange, question, endpoint, shape in lists(name):
        if endpoint in done or endpoint in EVENTS:
            continue
        done.add(endpoint)
        of_a_pair = question == exchange.of_a_pair  # ccxt leaves out what is not the pair's
        good = exchange.good(endpoint)
        whole = exchange.ask(question, **{endpoint: good})
        for path in nodes(good):
            for how, odd in spoilt(shape, good, path):
                names = how != "cut in half"
                if (of_a_pair and not names) or _is_empty_word(shape, odd):
                    continue
                try:
                    found = exchange.ask(question, **{endpoint: odd})
                except LiquidationError:
                    continue
                told = f"{name}: {endpoint}, {'.'.join(map(str, path))} {how}"
                assert summary(found, names=names) == summary(whole, names=names), told


def _changed(good: Any, path: Path, *value: Any) -> Any:
    """*good* with *value* at *path*, or without what is there."""
    if not path:
        return value[0]
    changed = copy.deepcopy(good)
    node = changed
    for step in path[:-1]:
        node = node[step]
    if value:
        node[path[-1]] = value[0]
    else:
        del node[path[-1]]
    return changed


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_reads_a_full_answer(name: str) -> None:
    """Also those of endpoints that no question of today asks."""
    for shape in SHAPES[name]:
        assert shape.source
        assert any(_reads(shape, answer) for answer in (*GOOD[name].values(), *SPOT.values())), (
            shape.path
        )


def _reads(shape: Shape, answer: Any) -> bool:
    try:
        return bool(shape.rows(answer))
    except WrongShape:
        return False
