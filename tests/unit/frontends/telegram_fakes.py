"""What the Telegram front end meets: a host, a chat and a clock, none of them real."""

import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from freqtrade_liquidation.config import LiquidationConfig
from freqtrade_liquidation.errors import LiquidationError
from freqtrade_liquidation.frontends.telegram.questions import Person
from freqtrade_liquidation.host.preview import Preview, PreviewLine
from freqtrade_liquidation.host.standing import Standing
from freqtrade_liquidation.manager import LiquidationResult
from freqtrade_liquidation.model import Side
from freqtrade_liquidation.state import LiquidationState

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
ALICE = Person(chat_id=7, user_id=7, name="alice")
BOB = Person(chat_id=7, user_id=8, name="bob")


class Clock:
    """Moves only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def line(pair: str = BTC, amount: float = 0.1, **values: Any) -> PreviewLine:
    """A long that the database knows."""
    known: dict[str, Any] = {
        "side": Side.LONG, "price": 65_000.0, "tracked": True, "estimated_profit": 1.5,
        "estimated_cost": 0.5, "protected": True, "dust": False,
    }  # fmt: skip
    return PreviewLine(pair=pair, amount=amount, **(known | values))


def preview(*lines: PreviewLine, **values: Any) -> Preview:
    """Of a running bot's whole book."""
    known: dict[str, Any] = {
        "scope": "account", "pairs": None, "entry_orders": 0, "not_open": (), "overrides": (),
        "state_now": "RUNNING", "state_after": "STOPPED, latched until /start or release",
        "currency": "USDT",
    }  # fmt: skip
    return Preview(lines=lines, **(known | values))


class FakeChat:
    """Keeps what was said. Message ids count from 1."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.buttons: list[dict[str, str]] = []
        self.edits: list[tuple[int, str]] = []

    async def send(self, text: str, buttons: Any = ()) -> int:
        self.said.append(text)
        self.buttons.append(dict(buttons))
        return len(self.said)

    async def edit(self, message_id: int, text: str) -> float:
        self.edits.append((message_id, text))
        return 0.0


class FakeHost:
    """A protection: gives out *previews* one after the other, the last one again and again."""

    def __init__(self, *previews: Preview | LiquidationError) -> None:
        self.config = LiquidationConfig()
        self.bot = SimpleNamespace(config={"stake_currency": "USDT"})
        self.ordered: list[Any] = []
        self.windows: list[Any] = []
        self.threads: set[str] = set()
        self._previews = list(previews)

    @property
    def control(self) -> "FakeHost":
        return self

    def listed_pairs(self) -> set[str]:
        return {BTC, ETH}

    def preview(self, pairs: Any = None, *, confirms: bool = False) -> Preview:
        self.threads.add(threading.current_thread().name)
        shown = self._previews.pop(0) if len(self._previews) > 1 else self._previews[0]
        if isinstance(shown, LiquidationError):
            raise shown
        return shown

    def order(self, request: Any, *, listener: Any, wait_turn: bool = True) -> Any:
        self.threads.add(threading.current_thread().name)
        self.ordered.append(request)
        result = LiquidationResult(state=LiquidationState.COMPLETED, correlation_id="liq_1")
        return SimpleNamespace(correlation_id="liq_1", joined=False, wait=lambda timeout_s: result)

    def disarm(self, duration: timedelta, *, by: str, reason: str | None) -> datetime:
        self.windows.append((duration, by, reason))
        return datetime(2026, 1, 2, 3, 4, tzinfo=UTC)

    def arm(self, *, by: str, reason: str | None) -> None:
        self.windows.append((None, by, reason))

    def what_a_stop_does(self) -> str:
        return "Its positions are closed at market."

    def standing(self) -> Standing:
        return Standing(
            enabled=True, closing_triggers=self.config.closing_triggers, disarmed_until=None,
            disarmed_by=None, latched_by=None, running=None, bot_state="RUNNING", last_run=None,
        )  # fmt: skip
