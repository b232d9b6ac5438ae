"""The fixtures of the tests with real bots."""

from tests.integration.conftest import exchange, make_bot

__all__ = ["exchange", "make_bot"]
