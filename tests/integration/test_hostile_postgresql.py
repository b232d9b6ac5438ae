"""PostgreSQL is restarted, or frozen, in a run: flat in time, booked and recorded once."""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import create_engine, text

from freqtrade_liquidation.audit.identity import fallback_path
from freqtrade_liquidation.audit.log import AuditLog
from freqtrade_liquidation.audit.masking import Masker
from freqtrade_liquidation.drill.exchange import PracticeExchange
from tests.integration.conftest import ends_within, said
from tests.integration.postgresql import frozen, pg_ctl
from tests.integration.test_hostile_disk import ENDS_WITHIN_S
from tests.integration.test_liquidate_command import OnPostgresql

BOOKED = "SELECT * FROM liquidation_events WHERE event_type = 'liquidation_booked'"


def test_restarted_and_frozen_server_is_flat_in_time_booked_and_recorded_once(
    exchange: PracticeExchange, tmp_path: Path, postgresql: str
) -> None:
    """A restart ends every connection, those of freqtrade's pool, too: its trades are booked.
    A frozen server answers nothing at all: the next start, or a command, takes the record in."""
    config = exchange.freqtrade_config(pairs=exchange.pairs()[:2], ccxt={"enableRateLimit": False})
    bot = OnPostgresql(tmp_path / "bot", config)
    bot.address = postgresql
    bot.write_config(config)
    with bot:
        bot.wait_for(lambda: len(exchange.open_algo_orders()) == 2, "two positions and their stops")
        bot.wait_for(lambda: len(bot.rows("SELECT * FROM trades WHERE amount > 0")) == 2, "trades")
        exchange.set_latency(300)
        exchange.clear_log()
        bot.send(signal.SIGTERM)
        assert exchange.wait_for_requests("/fapi/v1/order", timeout_s=10)
        pg_ctl(postgresql, "-m", "fast", "restart")
        assert ends_within(bot, ENDS_WITHIN_S) == 130
    exchange.set_latency(0)
    assert exchange.positions() == {}
    assert "not booked" not in bot.log()
    closed = bot.rows("SELECT is_open, exit_reason FROM trades")
    assert closed == [{"is_open": False, "exit_reason": "emergency_liquidation"}] * 2
    bot.log_file.unlink()

    with bot:
        bot.wait_for(lambda: "Stopping this bot" in said(bot), "an armed bot")
        exchange.seed_position(exchange.pairs()[2], 0.5)
        with frozen(postgresql):
            bot.send(signal.SIGTERM)
            assert ends_within(bot, ENDS_WITHIN_S) == 130, "flat, whatever becomes of its record"
    assert exchange.positions() == {}
    assert "FLAT, verified on the exchange: 1 position(s) closed" in said(bot)
    file = fallback_path(bot.folder / "user_data", postgresql)
    with contextlib.closing(AuditLog(postgresql, fallback=file, masker=Masker())) as trail:
        assert trail.import_fallback() > 0
        assert trail.import_fallback() == 0
        assert trail.verify().ok
        assert [run["state"] for run in trail.runs()] == ["completed"] * 2
        kinds = [event["event_type"] for event in trail.events()]
    assert kinds.count("liquidation_started") == kinds.count("liquidation_completed") == 2
    assert len(bot.rows(BOOKED)) == 2


def test_signal_in_a_query_of_a_frozen_server_is_heard_at_once(postgresql: str) -> None:
    """psycopg would try to cancel the query, and wait: up to ten seconds before the run begins."""
    ask = f"""if True:
        from sqlalchemy import create_engine, text
        from freqtrade_liquidation.host.signals import QueryInterrupted, Signals
        Signals(on_held=print, on_third=print).install()
        try:
            with create_engine({postgresql!r}).connect() as connection:
                connection.execute(text("SELECT pg_sleep(60)"))
        except QueryInterrupted:
            print("interrupted")
        """
    engine = create_engine(postgresql, isolation_level="AUTOCOMMIT")
    sleeping = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")
    with engine.connect() as observer:
        asks = subprocess.Popen([sys.executable, "-c", ask], stdout=subprocess.PIPE, text=True)
        until = time.monotonic() + 20
        while observer.scalar(sleeping) != 1:
            assert time.monotonic() < until, "no query under way"
        with frozen(postgresql):
            asks.send_signal(signal.SIGTERM)
            told, _ = asks.communicate(timeout=4)
    engine.dispose()
    assert told == "interrupted\n"
