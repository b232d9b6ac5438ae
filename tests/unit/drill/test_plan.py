"""Of a user's file a drill takes the block and the pairs, each checked, and says what it leaves."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from freqtrade.exceptions import ConfigurationError

from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.drill import plan
from freqtrade_liquidation.drill.drill import parser

LISTED = [f"{base}/USDT:USDT" for base in ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "P001")]
Write = Callable[..., list[str]]


def options(*words: str) -> argparse.Namespace:
    return parser().parse_args(words)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: dict[str, Any] | str, name: str = "mine.json") -> list[str]:
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / name).write_text(text)
        return ["-c", str(tmp_path / name)]

    return write


def whitelist(*pairs: object) -> dict[str, Any]:
    return {"exchange": {"name": "okx", "key": "k", "secret": "s", "pair_whitelist": list(pairs)}}


def test_without_a_file_five_pairs_and_the_defaults() -> None:
    found = plan.make(options(), LISTED)
    assert found == plan.Plan(pairs=tuple(LISTED[:5]), settings=LiquidationConfig())


def test_file_gives_block_and_pairs_and_nothing_else(write: Write) -> None:
    block = {"timeout_seconds": 8, "max_retries": 1}
    content = whitelist("SOL/USDT:USDT", "BTC/USDT:USDT") | {
        "liquidation": block, "db_url": "sqlite:///mine.sqlite", "dry_run": True,
        "telegram": {"enabled": True, "token": "t"},
    }  # fmt: skip
    found = plan.make(options(*write(content)), LISTED)
    assert found == plan.Plan(
        pairs=("SOL/USDT:USDT", "BTC/USDT:USDT"), settings=LiquidationConfig(**block)
    )


def test_variables_do_not_count(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FREQTRADE__LIQUIDATION__TIMEOUT_SECONDS", "70")
    monkeypatch.setenv("FREQTRADE__EXCHANGE__PAIR_WHITELIST", '["XRP/USDT:USDT"]')
    found = plan.make(options(*write(whitelist("ETH/USDT:USDT"))), LISTED)
    assert (found.pairs, found.settings) == (("ETH/USDT:USDT",), LiquidationConfig())


def test_later_file_and_those_that_it_names_count_as_for_freqtrade(write: Write) -> None:
    write({"liquidation": {"max_retries": 7}}, "more.json")
    first = write(whitelist("ETH/USDT:USDT") | {"liquidation": {"timeout_seconds": 9}}, "a.json")
    second = write({"add_config_files": ["more.json"]}, "b.json")
    found = plan.make(options(*first, *second), LISTED)
    assert (found.settings.timeout_seconds, found.settings.max_retries) == (9, 7)
    assert found.pairs == ("ETH/USDT:USDT",)


def test_option_wins_over_the_file(write: Write) -> None:
    words = write({"liquidation": {"timeout_seconds": 8, "max_retries": 1}})
    found = plan.make(options(*words, "--timeout-seconds", "0.5"), LISTED).settings
    assert found == LiquidationConfig(timeout_seconds=0.5, max_retries=1)


@pytest.mark.parametrize(
    ("content", "words"),
    [({"liquidation": {"timeout_seconds": 70}}, "liquidation.timeout_seconds is 70"),
     ({"liquidation": {"timeout_secs": 7}}, 'did you mean "timeout_seconds"?'),
     ({"liquidation": True}, "liquidation is true"),
     ({"liquidaton": {"max_retries": 1}}, 'did you mean "liquidation"?'),
     ('{"liquidation": {"max_retries": 1, "max_retries": 2}}', "stands 2 times"),
     ('{"exchange": {"key": "geheim"', "is not valid JSON, line 1"),
     ("[]", "does not hold a JSON object"),
     (whitelist("BTC/USDT:USDT", 5), "exchange.pair_whitelist must be a list of pairs"),
     ({"exchange": {"pair_whitelist": "BTC/USDT:USDT"}}, "must be a list of pairs"),
     ({"exchange": []}, "must be a list of pairs"),
     (whitelist("*/USDT:USDT"), "'*/USDT:USDT' is neither a pair nor a valid pattern")],
)  # fmt: skip
def test_wrong_file_is_refused_in_words(
    content: dict[str, Any] | str, words: str, write: Write
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        plan.make(options(*write(content)), LISTED)
    assert words in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_missing_file_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.json"):
        plan.make(options("-c", "/nowhere.json"), LISTED)


def test_pairs_that_are_not_listed_are_named(write: Write) -> None:
    pairs = ["BTC/USDT", "PEPE/USDT:USDT", "\x1b]2J", *(f"Q{n}/USDT:USDT" for n in range(12))]
    found = plan.make(options(*write(whitelist(*pairs, "ETH/USDT:USDT"))), LISTED)
    assert found.pairs == ("ETH/USDT:USDT",)
    (note,) = found.notes
    assert "'BTC/USDT', 'PEPE/USDT:USDT', '\\x1b]2J', " in note
    assert note.endswith(" and 5 more.")


@pytest.mark.parametrize("pairs", [[], ["BTC/USDT"]])
def test_file_without_a_fitting_pair_leads_to_the_exchange_s_own(
    pairs: list[str], write: Write
) -> None:
    found = plan.make(options(*write(whitelist(*pairs))), LISTED)
    assert found.pairs == tuple(LISTED[:5])
    assert "names no pair that can take part" in found.notes[-1]


def test_patterns_match_as_for_freqtrade_and_each_pair_counts_once(write: Write) -> None:
    found = plan.make(options(*write(whitelist("ETH/USDT:USDT", "(ETH|.*R.)/.*"))), LISTED)
    assert found.pairs == ("ETH/USDT:USDT", "XRP/USDT:USDT")
    found = plan.make(options(*write(whitelist(".*/USDT:USDT"))), LISTED)
    assert found.pairs == tuple(LISTED[:5])


@pytest.mark.parametrize(("asked", "count", "said"), [(1, 1, False), (2, 2, False), (3, 2, True)])
def test_positions_beyond_the_file_s_pairs_are_said(
    asked: int, count: int, said: bool, write: Write
) -> None:
    words = write(whitelist("ETH/USDT:USDT", "BTC/USDT:USDT"))
    found = plan.make(options(*words, "--positions", str(asked)), LISTED)
    assert len(found.pairs) == count
    assert found.notes == (("--positions 3: only 2 pairs take part.",) if said else ())


@pytest.mark.parametrize(
    ("block", "faults", "leaves", "why"),
    [({}, "none", 0, ""), ({}, "partial", 0, ""),
     ({}, "refused", 1, "--faults refused"), ({}, "hang", 5, "--faults hang"),
     ({"emergency_liquidation": False}, "none", 5, "liquidation.emergency_liquidation is false"),
     ({"triggers": ["stop"]}, "refused", 5, 'liquidation.triggers does not name "shutdown"'),
     ({"close_positions": False}, "none", 5, "liquidation.close_positions is false"),
     ({"cancel_orders": False}, "none", 0, "liquidation.cancel_orders is false")],
)  # fmt: skip
def test_what_must_be_left_open(
    block: dict[str, Any], faults: str, leaves: int, why: str, write: Write
) -> None:
    found = plan.make(options(*write({"liquidation": block}), "--faults", faults), LISTED)
    assert (found.leaves, found.why) == (frozenset(LISTED[:leaves]), why)
    assert found.keeps_orders is (block == {"cancel_orders": False})
