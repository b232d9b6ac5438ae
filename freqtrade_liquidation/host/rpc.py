"""freqtrade's RPC with honest replies: what a ``/stop`` does, why a ``/start`` is refused."""

from freqtrade.enums import State
from freqtrade.rpc import RPC

from freqtrade_liquidation.host import messages
from freqtrade_liquidation.host.bot import LiquidatingBot
from freqtrade_liquidation.host.protection import TRADING, current


class LiquidatingRPC(RPC):
    """Put in ``RPC``'s place; Telegram, REST and FreqUI all pass here. No method is patched."""

    def _rpc_start(self) -> dict[str, str]:
        protection = current()
        if (running := protection.running_id) is not None:
            return {"status": messages.start_refused(running)}
        if not self._bot.is_built:  # a stop that came before, while it was being built
            protection.stopped_from = None
        barred = protection.door.barred_pairs()
        answer: dict[str, str] = super()._rpc_start()
        if barred and protection.allow_barred():
            return {"status": f"{answer['status']}; entries allowed again: {', '.join(barred)}"}
        if self._freqtrade.state != State.RUNNING:
            return {"status": messages.start_failed()}
        return answer

    def _rpc_stop(self) -> dict[str, str]:
        if not self._bot.is_built and self._will_trade:
            # freqtrade would say "already stopped", and trade once the bot is built.
            current().stopped_from = State.RUNNING
            return {"status": f"stopping trader ... {current().what_a_stop_does()}"}
        trades = self._freqtrade.state in (State.RUNNING, State.PAUSED)
        answer: dict[str, str] = super()._rpc_stop()
        if not trades:
            return answer
        return {"status": f"{answer['status']} {current().what_a_stop_does()}"}

    @property
    def _bot(self) -> LiquidatingBot:
        assert isinstance(self._freqtrade, LiquidatingBot)
        return self._freqtrade

    @property
    def _will_trade(self) -> bool:
        return str(self._freqtrade.config.get("initial_state")).upper() in {
            state.name for state in TRADING
        }
