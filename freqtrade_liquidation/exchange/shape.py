"""The shape of an answer that holds a list: where its rows are, and what must surround them.

ccxt reads an answer with ``safe_list(answer, field, [])``: null, a missing key and an object about
an error all become an empty list, and an empty list of positions is a flat book. To believe an
empty list only when a second answer agrees would cost a round trip in every run, and an exchange
that is busy gives the same wrong answer twice. To look at the answer before ccxt does costs
nothing: each endpoint has one shape in which it says "none". An answer that claims emptiness must
have that shape all the way down; an answer with rows must name symbol, side and amount in each row.

The shapes stand in :mod:`.rules.shapes`; :mod:`.answers` holds each answer against them.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

Row = Mapping[str, Any]
Kind = Callable[[Any], bool]

EACH: Final = -1
"""A step of :attr:`Shape.at`: each entry of a list."""
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?")


class WrongShape(Exception):
    """The answer is none to the question. Says where it differs, and nothing of its content."""


class Listing(StrEnum):
    """What an endpoint lists."""

    POSITIONS = "positions"
    ORDERS = "orders"
    STOPS = "stop orders"
    BALANCE = "balance"
    ANYTHING = "anything"


class Holder(StrEnum):
    """What holds the rows."""

    LIST = "a list"
    OBJECT = "an object by id"
    ONE = "the row itself"


@dataclass(frozen=True, slots=True)
class Need:
    """A field that every row has.

    :param fields: dotted names; one of them has to be there.
    :param kind: whether its value is one.
    :param called: what the value is, in a word.
    """

    fields: tuple[str, ...]
    kind: Kind
    called: str

    def is_met(self, row: Row) -> bool:
        """Whether *row* has it."""
        return any(self.kind(_inside(row, name)) for name in self.fields)

    def __str__(self) -> str:
        return " or ".join(f"`{name}`" for name in self.fields)


@dataclass(frozen=True, slots=True)
class Either:
    """One of several needs: an order for a whole position may name that instead of an amount."""

    needs: tuple[Need, ...]

    def is_met(self, row: Row) -> bool:
        """Whether *row* has one of them."""
        return any(need.is_met(row) for need in self.needs)

    def __str__(self) -> str:
        return " or ".join(str(need) for need in self.needs)


def text(*fields: str) -> Need:
    """Words that are not empty."""
    return Need(fields, lambda value: isinstance(value, str) and bool(value.strip()), "text")


def identity(*fields: str) -> Need:
    """An id: text, or a whole number."""
    return Need(fields, _is_identity, "id")


def number(*fields: str) -> Need:
    """A finite number, or text that is one."""
    return Need(fields, is_number, "number")


def word(*fields: str, among: str) -> Need:
    """One of the words in *among*, in any case; an empty one is written ``-``."""
    known = {"" if each == "-" else each for each in among.split()}
    return Need(fields, lambda value: isinstance(value, str) and value.lower() in known, among)


SIDES: Final = word("side", among="buy sell")


def words(*fields: str) -> Need:
    """Text that may be empty."""
    return Need(fields, lambda value: isinstance(value, str), "words")


def true(*fields: str) -> Need:
    """True, also in a word."""
    return Need(fields, lambda value: value is True or value == "true", "true")


def flag(*fields: str) -> Need:
    """True or false, also in words."""
    return Need(fields, _is_flag, "flag")


def is_number(value: Any) -> bool:
    """Whether *value* is a finite number, or text that is one in full."""
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None and math.isfinite(float(value))
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """One endpoint that lists something.

    :param path: of the address, as a regular expression for all of it.
    :param sent: a part of the query or the body, where one path has several answers.
    :param says: fields of the answer, and the word by which each says that all went well.
    :param at: the steps from the answer to what holds the rows.
    :param beside: dotted fields of the answer that are text: what kind of list it is, and how it
        goes on.
    :param null_with: null instead of a list means "none" where this field, also null or empty,
        stands beside it. ``""``: null alone means "none", which is the weaker proof.
    :param row: what every row has.
    :param amount: the field with a row's size: a row of zero is no position.
    :param source: where this is written, beside ccxt's parser for it.
    """

    lists: Listing
    path: str
    method: str = "GET"
    sent: str = ""
    says: Mapping[str, str] = field(default_factory=dict)
    at: tuple[str | int, ...] = ()
    holder: Holder = Holder.LIST
    beside: tuple[str, ...] = ()
    null_with: str | None = None
    row: tuple[Need | Either, ...] = ()
    amount: str = ""
    source: str

    def fits(self, method: str, url: str, body: Any) -> bool:
        """Whether it is the shape of the answer to this request."""
        address = urlsplit(url)
        sent = address.query + (body.decode() if isinstance(body, bytes) else str(body or ""))
        return (
            method == self.method
            and re.fullmatch(self.path, address.path) is not None
            and self.sent in sent
        )

    def rows(self, answer: Any, *, at_most: int | None = None) -> list[Row]:
        """The rows of *answer*; an empty list only where the exchange says that there are none.

        :param at_most: no more rows are looked into; ``None`` = all are.
        :raises WrongShape: if it is no answer to the question.
        """
        for name, good in self.says.items():
            if _said(_inside(answer, name)) != good:
                raise WrongShape(f"{name} is not {good}")
        for name in self.beside:
            if not isinstance(_inside(answer, name), str):
                raise WrongShape(f"{name} is not text")
        rows = [row for held in self._holders(answer) for row in self._held(held)]
        for row in rows[:at_most]:
            missing = next((need for need in self.row if not need.is_met(row)), None)
            if missing is not None:
                raise WrongShape(f"a row without {str(missing).replace('`', '')}")
        return rows

    def open_rows(self, rows: list[Row]) -> list[Row]:
        """Those whose size is not zero; all of them, where rows have no size."""
        return [row for row in rows if not self.amount or float(_inside(row, self.amount))]

    def _holders(self, answer: Any) -> Iterator[Any]:
        nodes, above = [answer], [answer]
        for step in self.at:
            above, nodes = nodes, [child for node in nodes for child in _children(node, step)]
        if nodes == [None] and self._means_none(above[0]):
            return
        yield from nodes

    def _means_none(self, around: Any) -> bool:
        """Whether null is the exchange's word for "none", *around* being the object with it."""
        if not self.null_with:
            return self.null_with is not None
        return self.null_with in around and around[self.null_with] in (None, "")

    def _held(self, held: Any) -> list[Row]:
        rows: list[Any]
        match self.holder:
            case Holder.LIST if isinstance(held, list):
                rows = held
            case Holder.OBJECT if isinstance(held, dict):
                rows = list(held.values())
            case Holder.ONE:
                rows = [held]
            case _:
                raise WrongShape(f"no {self.holder.removeprefix('a ')} where rows are")
        if not all(isinstance(row, dict) for row in rows):
            raise WrongShape("a row that is no object")
        return rows


def _children(node: Any, step: str | int) -> list[Any]:
    match node, step:
        case list(), int() if step == EACH:
            return node
        case list(), int() if step < len(node):
            return [node[step]]
        case dict(), str() if step in node:
            return [node[step]]
    raise WrongShape(f"no {'list' if step == EACH else step} on the way to the rows")


def _inside(node: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        if isinstance(node, list):
            node = node[int(name)] if name.isdigit() and int(name) < len(node) else None
        else:
            node = node.get(name) if isinstance(node, dict) else None
    return node


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_identity(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool) and value != ""


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool) or (
        isinstance(value, str) and value.lower() in {"true", "false", "yes", "no"}
    )
