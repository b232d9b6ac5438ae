"""The process's log shows no secret, whoever logs it, through whatever handler."""

import io
import json
import logging
import logging.config
import pickle
import queue
from collections.abc import Callable, Iterator
from logging.handlers import QueueHandler, SocketHandler
from typing import Any

import pytest
from freqtrade.loggers.buffering_handler import FTBufferingHandler
from freqtrade.loggers.ft_rich_handler import FtRichHandler
from freqtrade.loggers.json_formatter import JsonFormatter
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.logging import RichHandler
from uvicorn.logging import AccessFormatter

from freqtrade_liquidation.audit.masked_log import MaskedRecords, mask_log
from freqtrade_liquidation.audit.masking import LONGEST_TEXT
from tests.unit.audit.secrets_of_tests import cpu_ns, masker

Make = Callable[[io.StringIO], logging.Handler]


@pytest.fixture
def own() -> Iterator[logging.Logger]:
    """A logger of freqtrade's, in a process whose log is masked."""
    before = logging.getLogRecordFactory()
    mask_log(masker("hunter22"))
    logger = logging.getLogger("freqtrade.of_this_test")
    logger.propagate = False
    yield logger
    logger.handlers.clear()
    logging.setLogRecordFactory(before)


def formatted(
    handler: logging.Handler, formatter: logging.Formatter | None = None
) -> logging.Handler:
    handler.setFormatter(formatter or logging.Formatter("%(levelname)s %(message)s"))
    return handler


def rich(file: io.StringIO) -> Console:
    return Console(file=file, width=300)


HANDLERS: dict[str, Make] = {
    "stream": lambda file: formatted(logging.StreamHandler(file)),
    "json": lambda file: formatted(logging.StreamHandler(file), JsonFormatter()),
    "freqtrade": lambda file: formatted(FtRichHandler(rich(file))),
    "rich": lambda file: RichHandler(
        console=rich(file), rich_tracebacks=True, tracebacks_show_locals=True
    ),
}


def log_everything(logger: logging.Logger) -> None:
    logger.warning("plain hunter22")
    logger.warning("as %s and %r", "hunter22", {"key": ["hunter22"]})
    logger.warning("named %(it)s", {"it": "hunter22"})
    logger.warning(ValueError("hunter22"))
    logger.warning("does not fit %d", "hunter22")
    logger.warning("with its stack hunter22", stack_info=True)
    try:
        raise ValueError("hunter22") from KeyError("hunter22")
    except ValueError:
        logger.exception("traceback")


@pytest.mark.parametrize("name", HANDLERS)
def test_no_handler_shows_a_secret(own: logging.Logger, name: str) -> None:
    file = io.StringIO()
    own.addHandler(HANDLERS[name](file))
    log_everything(own)
    assert file.getvalue().count("***") >= 10
    assert "KeyError" in file.getvalue()
    assert "hunter22" not in file.getvalue()


def test_handlers_that_come_later_show_none(own: logging.Logger) -> None:
    """freqtrade makes its handlers anew whenever it reads its configuration."""
    file = io.StringIO()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"new": {"class": "logging.StreamHandler", "stream": file}},
            "loggers": {own.name: {"handlers": ["new"], "propagate": False}},
        }
    )
    log_everything(own)
    assert "***" in file.getvalue()
    assert "hunter22" not in file.getvalue()


def test_what_handlers_keep_or_send_holds_none(own: logging.Logger) -> None:
    """freqtrade keeps records for its /logs; others put them into a queue, or pickle them."""
    waiting: queue.Queue[logging.LogRecord] = queue.Queue()
    kept = FTBufferingHandler(100)
    own.addHandler(kept)
    own.addHandler(QueueHandler(waiting))
    log_everything(own)
    assert len(kept.buffer) == waiting.qsize() == 7
    for record in kept.buffer:
        assert "hunter22" not in repr(record.__dict__)
        assert b"hunter22" not in SocketHandler("", 0).makePickle(record)
        assert pickle.loads(pickle.dumps(record)).getMessage() == record.getMessage()
    while not waiting.empty():
        assert "hunter22" not in repr(waiting.get().__dict__)


def test_masker_of_now_masks(own: logging.Logger) -> None:
    mask_log(masker("hunter22", "later-secret"))
    factory = logging.getLogRecordFactory()
    assert isinstance(factory, MaskedRecords)
    assert not isinstance(factory._make, MaskedRecords), "once, however often a bot is built"
    file = io.StringIO()
    own.addHandler(logging.StreamHandler(file))
    own.warning("later-secret hunter22")
    assert file.getvalue() == "*** ***\n"


def test_factory_of_somebody_else_stays_in_use() -> None:
    before = logging.getLogRecordFactory()

    def theirs(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = before(*args, **kwargs)
        record.request_id = 7
        return record

    logging.setLogRecordFactory(theirs)
    try:
        mask_log(masker("hunter22"))
        record = logging.getLogger("x").makeRecord("x", 40, "f", 1, "hunter22", (), None)
        assert (record.getMessage(), record.request_id) == ("***", 7)  # type: ignore[attr-defined]
    finally:
        logging.setLogRecordFactory(before)


def record_of(message: Any, *args: Any, name: str = "freqtrade.x") -> logging.LogRecord:
    return MaskedRecords(logging.LogRecord, masker("hunter22"))(
        name, 40, "f", 1, message, args, None
    )


def test_record_without_secrets_keeps_its_arguments() -> None:
    """uvicorn's own formatter of its access log reads them."""
    record = record_of(
        '%s - "%s %s HTTP/%s" %d', "1.2.3.4:5", "GET", "/api/v1/ping", "1.1", 200,
        name="uvicorn.access",
    )  # fmt: skip
    assert "GET /api/v1/ping" in AccessFormatter("%(request_line)s %(status_code)s").format(record)


@pytest.mark.parametrize(
    "name", ["freqtrade.exchange", "freqtrade_liquidation", "ccxt.base", "uvicorn.access", "root"]
)
def test_escape_sequences_of_others_reach_no_terminal(name: str) -> None:
    record = record_of("the exchange said %s", "\x1b[2J\u202eabc\r\n", name=name)
    assert record.getMessage() == "the exchange said \\x1b[2J\\u202eabc\\x0d\n"


def test_strategy_may_colour_its_lines() -> None:
    assert (
        record_of("\x1b[92mup\x1b[0m hunter22", name="MyStrategy").getMessage()
        == "\x1b[92mup\x1b[0m ***"
    )


class Client:
    """As an HTTP client: harmless as text, with all its headers under a debugger."""

    def __str__(self) -> str:
        return "a client"

    def __repr__(self) -> str:
        return "Client(key='hunter22')"


def test_record_keeps_no_object_that_a_handler_could_look_into() -> None:
    record = record_of("opened %s", Client())
    assert record.getMessage() == "opened a client"
    assert "hunter22" not in repr(record.__dict__)


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("hunter22")

    __repr__ = __str__


class BrokenError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("hunter22")


@pytest.mark.parametrize(
    "args", [("%s", Broken()), (Broken(),), ("%s %s", 1), ("%d", "x"), ("%z", 1)]
)
def test_log_call_never_fails(args: tuple[Any, ...]) -> None:
    assert "hunter22" not in record_of(*args).getMessage()


def test_exception_that_cannot_be_shown_is_named() -> None:
    error = BrokenError()
    make = MaskedRecords(logging.LogRecord, masker("hunter22"))
    record = make("x", 40, "f", 1, "m", (), (BrokenError, error, None))
    assert "BrokenError" in logging.Formatter().format(record)
    assert "hunter22" not in logging.Formatter().format(record)


@given(st.text(), st.lists(st.text() | st.integers() | st.none()))
def test_no_message_and_no_arguments_raise(message: str, args: list[Any]) -> None:
    file = io.StringIO()
    handler = formatted(logging.StreamHandler(file), JsonFormatter())
    handler.emit(record_of(message, *args))
    assert json.loads(file.getvalue())["level"] == "ERROR"


def test_huge_message_costs_milliseconds() -> None:
    make = MaskedRecords(logging.LogRecord, masker("hunter22"))
    body = "a-" * 5_000_000
    taken_ns = cpu_ns(lambda: make("x", 40, "f", 1, "%s", (body,), None), rounds=3)
    assert taken_ns < 100_000_000
    assert len(make("x", 40, "f", 1, "%s", (body,), None).getMessage()) < LONGEST_TEXT + 60


def test_ordinary_line_costs_microseconds() -> None:
    """freqtrade's handlers need hundreds of them to write it."""
    make = MaskedRecords(
        logging.LogRecord, masker("hunter22", *(f"{n}" * 40 for n in range(10, 20)))
    )
    args = ("Bot heartbeat. PID=%s, version='%s', state='%s'", (1234, "2026.9", "RUNNING"), None)

    def thousand() -> None:
        for _ in range(1000):
            make("freqtrade.worker", 20, "f", 1, *args)

    assert cpu_ns(thousand) < 1000 * 50_000
