"""ccxt's tables of exceptions with the exchange's words, which stand in comments of its source."""

import ast
import inspect
import io
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ccxt


@dataclass(frozen=True, slots=True)
class Listed:
    """One code, or one message, of one exchange.

    :param section: the keys around it, as ``linear/exact``.
    :param words: the code and the comment beside it.
    """

    section: str
    code: str
    kind: type[Exception]
    words: str


def listed(exchange_id: str) -> Iterator[Listed]:
    """Each entry of ccxt's ``exceptions`` for *exchange_id*."""
    module = sys.modules[getattr(ccxt, exchange_id).__module__]
    source = inspect.getsource(module)
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "exceptions":
                    yield from _entries(value, "", comments)


def _entries(table: Any, section: str, comments: dict[int, str]) -> Iterator[Listed]:
    for key, value in zip(table.keys, table.values, strict=True):
        if isinstance(value, ast.Dict):
            yield from _entries(value, f"{section}/{key.value}".lstrip("/"), comments)
        elif isinstance(value, ast.Name):
            words = f"{key.value} {comments.get(key.lineno, '')}"
            yield Listed(section, key.value, getattr(ccxt, value.id), words)
