"""Fault rules: what shall go wrong, for which requests, how often."""

import random
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Final

KINDS: Final = frozenset({
    "latency", "error", "drop_before", "drop_after", "late", "hang", "partial", "bad_json",
    "no_fill_answer", "answer", "truncated",
})  # fmt: skip

#: the kinds that can strike one order of a batch and leave its neighbours alone
ITEM_KINDS: Final = frozenset({"error", "partial", "no_fill_answer"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """One thing that shall go wrong.

    ``latency`` adds *latency_ms*; ``error`` answers *status*, *code*, *msg*, *headers* and executes
    nothing; ``drop_before`` closes the connection and executes nothing; ``drop_after`` executes
    first; ``late`` never answers and executes after *delay_ms*; ``hang`` never answers and never
    executes; ``partial`` fills only *share* of an order (a limit order then rests and does not fill
    by itself any more, a market order's rest expires); ``bad_json`` executes and answers garbage;
    ``no_fill_answer`` executes and answers NEW with nothing filled; ``answer`` executes and answers
    *status* with *body*, as a gateway in between would; ``truncated`` executes and answers half of
    its answer.

    :param method: exact; None = any. So are *symbol* (Binance's id) and *side* (BUY, SELL).
    :param path: a regular expression, searched in the path.
    :param params: request parameters that must have exactly these values.
    :param times: how many requests it strikes; None = all.
    :param after: how many matching requests it lets pass first.
    :param chance: how likely it strikes each of the others; 1 = always.
    :param label: Gate's error label; the one that fits *code*, if not given.
    :param msg: ``{api_key}`` in it becomes the caller's key, as a leaky exchange would echo it.
    :param body: of ``answer``, and of ``error`` in place of code and msg; HTML if it begins so.
    :raises ValueError: for an unknown *kind*, a bad *path*, or a *share* outside 0…1.
    """

    kind: str
    method: str | None = None
    path: str = ""
    symbol: str | None = None
    side: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    times: int | None = None
    after: int = 0
    chance: float = 1.0
    status: int = 400
    code: int = -1000
    label: str = ""
    msg: str = "An unknown error occurred while processing the request."
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    latency_ms: float = 0.0
    delay_ms: float = 0.0
    share: float = 0.5

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault kind {self.kind!r} is unknown; known: {sorted(KINDS)}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share {self.share} is not within 0…1")
        try:
            re.compile(self.path)
        except re.error as e:
            raise ValueError(f"path {self.path!r} is no regular expression: {e}") from e

    @property
    def selects_orders(self) -> bool:
        """Whether it looks at what an order says, so that a batch is matched order by order."""
        return bool(self.symbol or self.side or self.params) and self.kind in ITEM_KINDS

    @property
    def decimal_share(self) -> Decimal:
        """*share* for the engine."""
        return Decimal(repr(self.share))

    def matches(self, method: str, path: str, params: Mapping[str, str]) -> bool:
        """:return: whether it is about this request."""
        return (
            self.method in (None, method)
            and re.search(self.path, path) is not None
            and self.symbol in (None, params.get("symbol"))
            and self.side in (None, params.get("side"))
            and all(params.get(name) == str(value) for name, value in self.params.items())
        )


class FaultBoard:
    """The rules in force, and how often each has struck. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: dict[int, FaultRule] = {}
        self._seen: dict[int, int] = {}
        self._next = 1
        self._random = random.Random(1)

    def add(self, rule: FaultRule) -> int:
        """:return: the number under which it can be removed."""
        with self._lock:
            number = self._next
            self._next += 1
            self._rules[number] = rule
            self._seen[number] = 0
            return number

    def remove(self, number: int) -> None:
        """Take one rule out; unknown numbers are ignored."""
        with self._lock:
            self._rules.pop(number, None)

    def clear(self) -> None:
        """Take all rules out."""
        with self._lock:
            self._rules.clear()

    def rules(self) -> dict[int, dict[str, Any]]:
        """:return: the rules in force with ``matched``, how many requests each was about."""
        with self._lock:
            return {n: asdict(r) | {"matched": self._seen[n]} for n, r in self._rules.items()}

    def take(
        self, method: str, path: str, params: Mapping[str, str],
        items: list[dict[str, str]] | None = None,
    ) -> list[FaultRule]:  # fmt: skip
        """:return: the rules that strike this request; each match counts.

        :param items: the orders of a batch. Rules about single orders are left for `take_item`;
            other rules match if they match the request or any of its orders.
        """
        with self._lock:
            struck = []
            for number, rule in self._rules.items():
                if items is not None and rule.selects_orders:
                    continue
                candidates = [params, *(items or [])]
                if any(rule.matches(method, path, c) for c in candidates) and self._due(number):
                    struck.append(rule)
            return struck

    def take_item(self, method: str, path: str, item: Mapping[str, str]) -> list[FaultRule]:
        """:return: the rules that strike this one order of a batch."""
        with self._lock:
            return [
                rule
                for number, rule in self._rules.items()
                if rule.selects_orders and rule.matches(method, path, item) and self._due(number)
            ]

    def _due(self, number: int) -> bool:
        rule = self._rules[number]
        self._seen[number] += 1
        turn = self._seen[number] - rule.after
        is_due = turn > 0 and (rule.times is None or turn <= rule.times)
        return is_due and (rule.chance >= 1 or self._random.random() < rule.chance)
