"""A bot in a storm: liquidated at random moments, looked at from the exchange's side, restarted."""

import random
import signal
from dataclasses import dataclass, field
from typing import Any, Final

from freqtrade_liquidation.drill.bot import BotProcess
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.operator import Operator
from tests.integration.storm_truth import Truth

WEATHER: Final = ("calm", "calm", "slow", "slow", "latency", "latency", "lost", "late", "late")
"""``latency``, ``lost`` and ``late`` strike one order request, and the command comes with it."""
PAIRS: Final = 3
STAKE_COIN: Final = "USDT"


def storm_config(operator: Operator, *, futures: bool, seed: int) -> dict[str, Any]:
    """What the strategy ``Storm`` needs; a request that is not answered costs 2 s, not 10."""
    return {
        "api_server": operator.config,
        "storm_seed": seed,
        "stake_amount": 100,
        "internals": {"process_throttle_secs": 0},
        "ccxt": {"enableRateLimit": False, "timeout": 2000},
        "order_types": {
            "entry": "limit",
            "exit": "limit",
            "emergency_exit": "market",
            "stoploss": "market" if futures else "limit",
            "stoploss_on_exchange": True,
        },
    }


@dataclass(kw_only=True)
class Storm:
    """One bot on one exchange.

    :param seed: of every moment and every fault; the strategy has its own, in the configuration.
    :ivar rounds: what each round was like, for the message of a failed one.
    """

    exchange: PracticeExchange
    bot: BotProcess
    futures: bool
    seed: int
    rounds: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.pairs = self.exchange.pairs(self.futures)[:PAIRS]
        self.truth = Truth(self.exchange, self.bot, futures=self.futures)
        self.exchange.set_limits(None)
        self._stops = 0

    # -- the moment ---------------------------------------------------------------------------

    def wait_for_the_moment(self) -> None:
        """Returns at a random point of the loop, often in the middle of an order request."""
        self.exchange.clear_log()
        for pair in self.pairs:
            price = self.exchange.price(pair)
            self.exchange.set_price(pair, price * self.dice.uniform(0.99, 1.01))
        kind = self.dice.choice(WEATHER)
        if kind in ("calm", "slow"):
            self.exchange.set_latency(0 if kind == "calm" else self.dice.randint(5, 30))
            count = self.dice.randint(1, 150 if kind == "calm" else 60)
            self.rounds.append(f"{kind}, {count} requests")
            assert self.exchange.wait_for_requests("", count, 30), self._tell("no requests")
            return
        after, delay_ms = self.dice.randint(0, 12), self.dice.randint(50, 900)
        self.rounds.append(f"{kind}, {after} orders, {delay_ms} ms")
        faults: dict[str, dict[str, Any]] = {
            "latency": {"kind": "latency", "latency_ms": delay_ms},
            "lost": {"kind": "drop_after"},
            "late": {"kind": "late", "delay_ms": delay_ms},
        }
        self.exchange.add_fault(
            method="POST", path="/(f?api)/v[13]/order$", params={"type": "LIMIT"},
            after=after, times=1, **faults[kind],
        )  # fmt: skip
        log = self.exchange.core.log
        struck = log.wait_for(lambda entries: any(entry.faults for entry in entries), 30)
        assert struck, self._tell("no order request met the fault")

    def calm_down(self) -> None:
        """No fault strikes any more."""
        self.exchange.clear_faults()
        self.exchange.set_latency(0)

    # -- a round ------------------------------------------------------------------------------

    def liquidate(self, operator: Operator) -> dict[str, Any]:
        """The command at a random moment; returns when the bot's loop stands still.

        :returns: the answer.
        """
        self.wait_for_the_moment()
        answer: dict[str, Any] = operator.ask("liquidate")
        self.calm_down()
        self._stops += 1
        assert answer is not None, self._tell("no answer")
        assert answer.get("state") == "completed", self._tell(f"{answer}")
        assert self.exposure() == [], self._tell("not flat when it said so")
        self.exchange.clear_log()
        self.bot.wait_for(
            lambda: self.bot.log().count("to: STOPPED") == self._stops, "a stopped loop"
        )
        orders = self.exchange.requests("rder", method="POST")
        assert orders == [], self._tell(f"sent after the run: {orders}")
        assert self.exposure() == [], self._tell("not flat after it")
        return answer

    def end(self, number: signal.Signals) -> None:
        """The signal at a random moment; returns when the process has ended."""
        self.wait_for_the_moment()
        self.bot.send(number)
        code = self.bot.wait(30)
        self.calm_down()
        assert code == 130, self._tell(f"exit code {code}")
        assert self.exposure() == [], self._tell("not flat at the end")

    def exposure(self) -> list[Any]:
        """Everything on the exchange that is, or could become, a position of the bot."""
        resting = self.exchange.open_orders(self.futures)
        if not self.futures:
            return resting
        return [*self.exchange.positions().items(), *resting, *self.exchange.open_algo_orders()]

    def check_truth(self, outcome: list[dict[str, Any]]) -> None:
        """The database of this round's trades agrees with the exchange."""
        wrong = self.truth.disagreements(outcome)
        assert wrong == [], self._tell("\n".join(wrong))

    def _tell(self, what: str) -> str:
        """The moments come of the seed; where exactly in the loop they fall is up to the clock."""
        name = "futures" if self.futures else "spot"
        return (
            f"round {len(self.rounds)} ({self.rounds[-1]}): {what}\n"
            f"again: STORM_SEED={self.seed} STORM_ROUNDS={len(self.rounds)} "
            f"pytest tests/integration/test_storm.py -k {name}\n{self.bot.log_tail()}"
        )
