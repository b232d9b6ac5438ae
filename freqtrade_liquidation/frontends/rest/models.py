"""What goes over REST, typed; the OpenAPI page is made of it."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from freqtrade_liquidation.host.preview import Preview
from freqtrade_liquidation.host.standing import Standing
from freqtrade_liquidation.manager import LiquidationResult


class LiquidateRequest(BaseModel):
    """What to close, or to preview."""

    model_config = ConfigDict(extra="forbid", strict=True)

    pairs: list[str] | None = Field(
        None, min_length=1, description="As freqtrade writes them; omitted = the whole book."
    )
    preview: bool = Field(False, description="Only say what would be done; nothing is sent.")
    reason: str | None = Field(None, max_length=500, description="For the audit trail.")


class DisarmRequest(BaseModel):
    """A maintenance window."""

    model_config = ConfigDict(extra="forbid", strict=True)

    duration: str = Field(
        alias="for",
        description="90s, 15m or 2h; at most 24h.",
        json_schema_extra={"pattern": "^[0-9]{1,6}[smh]$"},
    )
    reason: str | None = Field(None, max_length=500, description="For the audit trail.")


class ArmRequest(BaseModel):
    """The end of a maintenance window."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str | None = Field(None, max_length=500, description="For the audit trail.")


class RefusalModel(BaseModel):
    """Why nothing was done."""

    detail: str


class PairModel(BaseModel):
    """The outcome for one pair. Amounts in base currency, profit in stake currency."""

    pair: str
    side: str
    state: str = Field(description="closed, dust, open or not_proven")
    amount: float
    residual_amount: float | None = Field(description="null = could not be read")
    realized_pnl: float | None = Field(description="null = not known")
    tracked: bool = Field(description="false = freqtrade's database does not know it")
    protected: bool | None = Field(description="A stop stands for what is left.")
    error: str | None


class ResultModel(BaseModel):
    """How a liquidation ended."""

    correlation_id: str
    state: str = Field(description="completed, partial, failed or skipped")
    positions_closed: int
    positions_failed: int
    orders_cancelled: int
    total_realized_pnl: float | None = Field(description="Stake currency; null = not known")
    duration_seconds: float
    errors: list[str]
    outcome: list[PairModel]
    skip_reason: str | None

    @classmethod
    def of(cls, result: LiquidationResult) -> Self:
        """From the manager's."""
        return cls.model_validate(result.to_dict())


class UnderWayModel(BaseModel):
    """A liquidation that has not ended yet, or that is in the way."""

    correlation_id: str
    detail: str


class PreviewLineModel(BaseModel):
    """A position that would be closed."""

    pair: str
    side: str
    amount: float
    price: float | None = Field(description="Best bid (long) or ask (short); null = not known")
    tracked: bool = Field(description="false = freqtrade's database does not know it")
    estimated_profit: float | None = Field(description="Stake currency, fees included")
    estimated_cost: float | None = Field(description="Stake currency, fee of the close")
    protected: bool
    dust: bool
    obstacle: str | None = Field(description="Why it cannot be closed by us")


class PreviewModel(BaseModel):
    """What a liquidation would do now."""

    scope: str
    pairs: list[str] | None
    positions: list[PreviewLineModel]
    entry_orders: int = Field(description="Resting orders that would be cancelled")
    not_open: list[str] = Field(description="Asked for, and nothing is open there")
    overrides: list[str] = Field(description="What of the configuration a command overrides")
    state_now: str
    state_after: str
    currency: str
    age_s: float = Field(
        description="Seconds since the exchange was asked: who asks often sees the last look again"
    )

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """From the host's."""
        return cls.model_validate(preview.to_dict())


class KeyRefusalModel(BaseModel):
    """The exchange refused the bot's key, and has answered nothing of the kind well since."""

    request: str = Field(description="read, or write: an order or another change")
    s_ago: int
    error: str


class AnswersModel(BaseModel):
    """What the exchange last answered to the bot's key."""

    answered_s_ago: int | None = Field(
        description="Seconds since a signed request was answered well; null = none was yet"
    )
    refused: list[KeyRefusalModel] = Field(description="Refusals of the key that stand")


class StandingModel(BaseModel):
    """How things stand."""

    armed: bool = Field(
        description="An automatic trigger would close positions. False while disarmed, without "
        "triggers, and where emergency_liquidation or close_positions is false."
    )
    enabled: bool
    disarmed_until: datetime | None
    disarmed_by: str | None
    latched_by: str | None
    running: str | None = Field(description="correlation_id of the run under way")
    bot_state: str
    last_run: dict[str, Any] | None
    too_slow: str | None = Field(
        description="Why the book cannot be closed within timeout_seconds; null = it fits"
    )
    exchange: AnswersModel

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """From the host's."""
        return cls.model_validate(standing.to_dict())
