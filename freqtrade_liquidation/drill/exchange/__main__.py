"""``python -m freqtrade_liquidation.drill.exchange``: the practice exchange as a process.

Prints one JSON line when it is ready (ports, control URL, certificate, ccxt_config), then serves
until a signal or until its standard input is closed by a parent that asked for that.
"""

import argparse
import json
import signal
import sys
import threading

from freqtrade_liquidation.drill.exchange.core import Settings
from freqtrade_liquidation.drill.exchange.facades import BY_EXCHANGE
from freqtrade_liquidation.drill.exchange.practice import PracticeExchange


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m freqtrade_liquidation.drill.exchange")
    parser.add_argument("--exchange", choices=sorted(BY_EXCHANGE), default="binance")
    parser.add_argument("--port", type=int, default=0, help="HTTPS port; 0 = any free one")
    parser.add_argument("--control-port", type=int, default=0, help="HTTP port of /practice/…")
    parser.add_argument("--markets", type=int, default=0, help="synthetic markets, 0…250")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="round trip")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--moving-ratio", type=float, default=0.002, help="0 = fixed prices")
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when stdin closes")
    return parser.parse_args(argv)


def _watch_stdin(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def main(argv: list[str] | None = None) -> int:
    """:return: 0 after SIGINT or SIGTERM."""
    options = _parse(argv)
    settings = Settings(
        exchange=options.exchange, synthetic_markets=options.markets, seed=options.seed,
        latency_ms=options.latency_ms,
        moving_ratio=options.moving_ratio,
    )  # fmt: skip
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ports = {"port": options.port, "control_port": options.control_port}
    with PracticeExchange(settings, **ports) as exchange:
        ready = {
            "port": exchange.port, "control_url": exchange.control_url,
            "ca_file": str(exchange.ca_file), "ccxt_config": exchange.ccxt_config(),
        }  # fmt: skip
        print(json.dumps(ready), flush=True)
        if options.exit_with_stdin:
            threading.Thread(target=_watch_stdin, args=(ended,), daemon=True).start()
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
