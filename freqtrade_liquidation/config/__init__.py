"""The ``liquidation`` block of freqtrade's configuration."""

from freqtrade_liquidation.config.block import changes, install_schema, load
from freqtrade_liquidation.config.settings import (
    ALLOWED,
    BLOCK,
    KEYS,
    InvalidLiquidationConfig,
    LiquidationConfig,
    Origin,
    Problem,
    Scope,
    Trigger,
)
from freqtrade_liquidation.config.sources import (
    merged,
    origin_of,
    read_before_start,
    read_files,
    validate_before_start,
)

__all__ = [
    "ALLOWED",
    "BLOCK",
    "KEYS",
    "InvalidLiquidationConfig",
    "LiquidationConfig",
    "Origin",
    "Problem",
    "Scope",
    "Trigger",
    "changes",
    "install_schema",
    "load",
    "merged",
    "origin_of",
    "read_before_start",
    "read_files",
    "validate_before_start",
]
