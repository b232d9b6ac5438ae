"""The ``liquidation`` block: its keys, defaults and ranges, and the words for what is wrong."""

import difflib
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from freqtrade.constants import ENV_VAR_PREFIX
from freqtrade.exceptions import ConfigurationError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

logger = logging.getLogger(__name__)

BLOCK: Final = "liquidation"
DISABLED_WARNING: Final = (
    "SECURITY WARNING: liquidation.emergency_liquidation is false. This is a HIGH-RISK setting: "
    "a shutdown, stop or fatal error leaves every position open and unmanaged."
)

Origin = Callable[[Sequence[str]], str | None]
"""Names the file or environment variable that a key path came from; ``None`` = not known."""

Trigger = Literal["shutdown", "stop", "fatal_error"]
Scope = Literal["account", "trades"]

_ATTEMPTS: Final = (
    "Further attempts of a close, a cancel or a put-back. Questions are asked until they are "
    "answered."
)
LONGEST_TIMEOUT_S: Final = 60.0
ALLOWED: Final[dict[str, str]] = {
    "emergency_liquidation": "true or false",
    "close_positions": "true or false",
    "cancel_orders": "true or false",
    "timeout_seconds": "a number above 0 (0.001 at least) and at most 60",
    "max_retries": "a whole number from 0 to 10",
    "retry_delay_seconds": "a number from 0 to 5",
    "triggers": 'a list of "shutdown", "stop", "fatal_error", each at most once',
    "scope": '"account" or "trades"',
}
"""The range of each key in words: for messages and for the table in docs/configuration.md."""


def _list_to_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _unique(values: tuple[Trigger, ...]) -> tuple[Trigger, ...]:
    if len(set(values)) < len(values):
        raise ValueError("duplicate")
    return values


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and the key path where it is."""

    path: tuple[str, ...]
    text: str

    def located(self, origin: Origin | None) -> str:
        """One line, with the place it was found in, where that is known."""
        place = origin(self.path) if origin else None
        text = f"{self.text} Found in {place}." if place else self.text
        # A key is anybody's words: nothing of it may steer a terminal.
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class InvalidLiquidationConfig(ConfigurationError):
    """The block cannot be used; one line per problem.

    :param problems: in the order of the keys.
    :param origin: names where a key came from.
    """

    def __init__(self, problems: Sequence[Problem], origin: Origin | None = None) -> None:
        super().__init__("\n".join(problem.located(origin) for problem in problems))
        self.problems = tuple(problems)


class LiquidationConfig(BaseModel):
    """How the book is closed on an automatic trigger. Frozen; types are never converted.

    :raises ConfigurationError: on creation, one line per wrong key; never pydantic's own error.
    ``emergency_liquidation: false`` is logged as CRITICAL each time such a config is created.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    emergency_liquidation: bool = Field(
        default=True, description="Close the book on automatic triggers."
    )
    close_positions: bool = Field(
        default=True,
        description="false: only orders that could add risk are cancelled, stops stay.",
    )
    cancel_orders: bool = Field(
        default=True, description="false: only what blocks a close is cancelled."
    )
    timeout_seconds: float = Field(
        default=5.0, ge=0.001, le=LONGEST_TIMEOUT_S, description="The whole run."
    )
    max_retries: int = Field(default=3, ge=0, le=10, description=_ATTEMPTS)
    retry_delay_seconds: float = Field(
        default=0.5,
        ge=0,
        le=5,
        description="Base of the exponential backoff between these attempts, with jitter.",
    )
    triggers: Annotated[
        tuple[Trigger, ...], BeforeValidator(_list_to_tuple), AfterValidator(_unique)
    ] = Field(
        default=("shutdown", "stop", "fatal_error"),
        description="The events that close the book without being asked.",
    )
    scope: Scope = Field(
        default="account",
        description="Futures: every linear swap position of the account, or only the bot's trades. "
        "Spot is always `trades`.",
    )

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as e:
            raise InvalidLiquidationConfig(_problems(e)) from None
        if not self.emergency_liquidation:
            logger.critical(DISABLED_WARNING)

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> "LiquidationConfig":
        """A changed copy, validated like any other (pydantic's own would not be)."""
        return LiquidationConfig(**{**self.to_dict(), **(update or {})})

    @property
    def closing_triggers(self) -> tuple[Trigger, ...]:
        """The triggers that close positions; empty = nothing does, unless a person asks for it."""
        return self.triggers if self.emergency_liquidation and self.close_positions else ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in config.json and the audit trail."""
        return self.model_dump(mode="json")


KEYS: Final = tuple(LiquidationConfig.model_fields)


def _problems(error: ValidationError) -> list[Problem]:
    return [_problem(e["loc"], e["type"], e["input"]) for e in error.errors(include_url=False)]


def _problem(location: tuple[int | str, ...], kind: str, found: object) -> Problem:
    key = str(location[0])
    path = (BLOCK, key)
    if kind == "extra_forbidden":
        # The value stays out of the message: nobody knows what an unknown key holds.
        return Problem(path, f"{BLOCK}.{key} is not a known key; {_did_you_mean(key)}")
    where = "".join(f"[{index}]" for index in location[1:])
    return Problem(path, f"{BLOCK}.{key}{where} is {_shown(found)}; allowed: {ALLOWED[key]}.")


def _did_you_mean(key: str) -> str:
    close = difflib.get_close_matches(key.lower(), KEYS, n=1)
    return f'did you mean "{close[0]}"?' if close else f"known keys: {', '.join(KEYS)}."


def _shown(value: object) -> str:
    text = json.dumps(list(value) if isinstance(value, tuple) else value, default=str)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    if isinstance(value, str):
        return f"{text} (a text)"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{text} (not a finite number)"
    return text


def not_an_object(found: object) -> Problem:
    return Problem(
        (BLOCK,),
        f"{BLOCK} is {_shown(found)}; allowed: an object with keys out of {', '.join(KEYS)} "
        f"(as environment variables: one for each key, {ENV_VAR_PREFIX}{BLOCK.upper()}__<KEY>).",
    )
