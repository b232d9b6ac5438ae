"""The fixtures of the tests with real bots and runs."""

from tests.integration.conftest import exchange, make_bot, running, wrappers

__all__ = ["exchange", "make_bot", "running", "wrappers"]
