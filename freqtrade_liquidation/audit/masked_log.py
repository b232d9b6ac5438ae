"""Masks the process's log where records are made, not where they are written.

A filter on a handler goes with the handler: freqtrade replaces all of them whenever it reads its
configuration, also for a ``/reload_config`` that it then refuses. A filter on a logger does not see
what the logger's children log. The record factory is the one place that each record of each logger
passes, whatever handlers exist now or later, queues and buffers included. So a record holds no
secret from its beginning: neither a handler that formats it, nor one that reads its parts, nor one
that pickles it can show any.

Arguments are formatted at that moment, in the thread that logs. Only a record whose arguments are
plain values and whose text needs no change keeps them (uvicorn's access formatter reads them).
"""

import logging
import traceback
from collections.abc import Callable
from typing import Any, Final

from freqtrade_liquidation.audit.masking import Masker

QUOTES_OTHERS: Final = frozenset(
    {"aiohttp", "asyncio", "ccxt", "fastapi", "freqtrade", "freqtrade_liquidation", "httpcore"}
    | {"httpx", "requests", "root", "sqlalchemy", "starlette", "telegram", "urllib3", "uvicorn"}
    | {"websockets"}
)
"""Loggers that repeat what an exchange or a request says: nothing of theirs steers the terminal. A
strategy's own logger may colour its lines."""
_PLAIN: Final = frozenset({bool, float, int, str, type(None)})


class MaskedRecords:
    """A record factory.

    :param make: the factory before it, which makes the records.
    :ivar masker: the masker in force.
    """

    def __init__(self, make: Callable[..., logging.LogRecord], masker: Masker) -> None:
        self._make = make
        self.masker = masker

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """As ``logging.LogRecord``."""
        record = self._make(*args, **kwargs)
        with_controls = record.name.partition(".")[0] not in QUOTES_OTHERS

        def mask(text: str) -> str:
            return self.masker.text(text, with_controls=with_controls)

        text = _message(record)
        shown = mask(_as_it_came(record) if text is None else text)
        if shown != text or not _is_plain(record):
            record.msg, record.args = shown, None
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = mask(_traceback(record.exc_info[1]))
        # Handlers that format exc_info themselves would show the traceback as it was.
        record.exc_info = None
        if record.stack_info:
            record.stack_info = mask(record.stack_info)
        return record


def mask_log(masker: Masker) -> None:
    """From now on *masker* masks every record that this process logs."""
    factory = logging.getLogRecordFactory()
    if isinstance(factory, MaskedRecords):
        factory.masker = masker
    else:
        logging.setLogRecordFactory(MaskedRecords(factory, masker))


def _is_plain(record: logging.LogRecord) -> bool:
    args = record.args
    if type(record.msg) is not str:
        return False
    return not args or (isinstance(args, tuple) and all(type(arg) in _PLAIN for arg in args))


def _message(record: logging.LogRecord) -> str | None:
    """``None`` = its arguments do not fit."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - whatever an argument does, the log call must not fail
        return None


def _as_it_came(record: logging.LogRecord) -> str:
    return f"{_shown(record.msg)} % {_shown(record.args)} (the arguments do not fit)"


def _shown(value: Any) -> str:
    try:
        return value if isinstance(value, str) else repr(value)
    except Exception as error:  # noqa: BLE001 - an object that cannot be shown: its type can
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error)).rstrip("\n")
    except Exception as broken:  # noqa: BLE001 - an exception that cannot be shown: its type can
        return f"{type(error).__name__} (its traceback cannot be shown: {type(broken).__name__})"
