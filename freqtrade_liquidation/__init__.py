"""Brings a freqtrade bot's book to flat when it must stop, proves it, and writes down every step.

Importing it starts nothing; names are loaded when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from freqtrade_liquidation.audit.events import AuditEventType
    from freqtrade_liquidation.config import LiquidationConfig
    from freqtrade_liquidation.manager import LiquidationManager, LiquidationResult
    from freqtrade_liquidation.state import LiquidationState

__version__: Final = "0.1.0"

__all__ = [
    "AuditEventType",
    "LiquidationConfig",
    "LiquidationManager",
    "LiquidationResult",
    "LiquidationState",
]

_WHERE: Final = {
    "AuditEventType": "audit.events",
    "LiquidationConfig": "config",
    "LiquidationManager": "manager",
    "LiquidationResult": "manager",
    "LiquidationState": "state",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
