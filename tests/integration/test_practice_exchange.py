"""The practice exchange against the real ccxt and the real freqtrade, over real HTTP."""

import asyncio
import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ccxt
import ccxt.async_support
import pytest
from freqtrade.configuration import remove_exchange_credentials  # noqa: F401
from freqtrade.enums import RunMode, State
from freqtrade.exceptions import InvalidOrderException
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Trade
from freqtrade.resolvers import ExchangeResolver

from freqtrade_liquidation.drill.exchange import PracticeExchange, Settings, call
