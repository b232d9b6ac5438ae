"""Seals a process off: nothing of the user's environment enters it, no packet leaves the machine.

A drill runs a real bot in live mode with orders that the bot believes in. It must not be possible
to aim that bot at a real account, so there are two locks, and neither relies on the other:

- the environment holds only what is on an allow-list. A deny-list would have to know every variable
  that freqtrade, ccxt, requests, aiohttp, httpx, OpenSSL and the next library honour;
- every address is checked before it is resolved or used. ``sys.addaudithook`` sees all callers of
  Python's sockets (requests, urllib3, aiohttp, httpx, asyncio), in all threads, and no code can
  remove the hook. Two things happen below it. ``connect`` and its kin resolve a *name* before they
  raise their event: the methods of ``socket.socket`` are therefore checked as well. And c-ares
  (``aiodns``) and curl speak to the network from C: they cannot be imported any more, and aiohttp
  falls back to Python's resolver.

A network namespace would be stronger still, but Docker's default profile forbids it. What a sealed
process starts in turn is not checked: a bot in a drill starts nothing.

This module needs the standard library only. Seal before anything else is imported.
"""

import ipaddress
import os
import site
import socket
import sys
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Final, NoReturn

MARK: Final = "Sealed off: "
"""What the line of a refusal begins with in the process's standard error."""

ALLOWED: Final = frozenset({
    "PATH", "TMPDIR", "TMP", "TEMP", "TZ",
    "LANG", "LANGUAGE", "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES",
    "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "PYTHONPATH", "PYTHONHOME", "PYTHONNOUSERSITE", "PYTHONSAFEPATH", "PYTHONUSERBASE",
    "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX",
    "COVERAGE_PROCESS_START", "COVERAGE_FILE", "COVERAGE_RCFILE",
})  # fmt: skip
"""Where the interpreter and its modules are, and how text is shown; nothing that freqtrade, ccxt
or an HTTP library reads, and no switch of Python's: ``PYTHONWARNINGS=error`` ends a bot."""
ALLOWED_PREFIXES: Final = ("LC_", "COV_CORE_", "OMP_", "OPENBLAS_", "MKL_")

NATIVE: Final = ("aiodns", "pycares", "pycurl", "curl_cffi")
"""Modules that reach the network without Python's sockets."""

Refuse = Callable[[str], NoReturn]


def environment(
    given: Mapping[str, str], *, home: Path | None = None, keep: Collection[str] = ()
) -> dict[str, str]:
    """What of *given* a sealed process may have.

    :param home: its home folder, so that no file in the user's is found; ``None`` = it has none.
    :param keep: further names that the caller, not the user, has set.
    """
    found = {name: value for name, value in given.items() if _is_allowed(name) or name in keep}
    # Libraries would otherwise look for a .netrc, and Python for its user site, below HOME.
    found["NETRC"] = os.devnull
    if site.ENABLE_USER_SITE:
        found.setdefault("PYTHONUSERBASE", site.getuserbase())
    if home is not None:
        found["HOME"] = str(home)
    return found


def seal_this_process(refuse: Refuse | None = None, *, keep: Collection[str] = ()) -> None:
    """Reduces ``os.environ`` and guards every socket, for the rest of this process's life.

    A process that is sealed stays as it is.

    :param refuse: told what was tried, before anything is sent; by default the process ends with 1.
    :param keep: names of variables that stay beside :data:`ALLOWED`.
    :raises RuntimeError: if a module of :data:`NATIVE` is in use already.
    """
    if _guard.refuse is not None:
        return
    reduced = environment(os.environ, keep=keep)
    os.environ.clear()
    os.environ.update(reduced)
    for name in NATIVE:
        if sys.modules.get(name) is not None:
            raise RuntimeError(f"{name} is loaded; seal the process before it imports anything")
        sys.modules[name] = None  # type: ignore[assignment] # Python's own way to bar an import
    _guard.refuse = refuse or end_process
    for method in ("connect", "connect_ex", "sendto", "sendmsg", "bind"):
        setattr(socket.socket, method, _checked(method))
    sys.addaudithook(_guard.audit)


def is_sealed() -> bool:
    """Whether :func:`seal_this_process` has been called in this process, or before it forked."""
    return _guard.refuse is not None


def end_process(what: str) -> NoReturn:
    """Says *what* was tried, and ends the process at once: nothing may swallow this refusal."""
    os.write(2, f"\n{MARK}{what}\n".encode(errors="replace"))
    os._exit(1)


def _is_allowed(name: str) -> bool:
    return name in ALLOWED or name.startswith(ALLOWED_PREFIXES)


class _Guard:
    """Checks what the interpreter and the methods of ``socket.socket`` are about to do."""

    def __init__(self) -> None:
        self.refuse: Refuse | None = None
        self._checks: dict[str, Callable[..., None]] = {
            "socket.getaddrinfo": self._resolves,
            "socket.gethostbyname": self._resolves,
            "socket.gethostbyaddr": self._resolves,
            "socket.getnameinfo": self._looks_up,
            "socket.connect": self.reaches,
            "socket.sendto": self.reaches,
            "socket.sendmsg": self.reaches,
        }

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook. Source: Python's audit events table."""
        if (check := self._checks.get(event)) is not None:
            check(*arguments)

    def reaches(self, sock: socket.socket, address: object) -> None:
        """Before *sock* sends to *address*; ``None`` = to the peer it is connected to."""
        if address is None or sock.family == socket.AF_UNIX:
            return
        if sock.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            if not is_loopback(address[0]):
                self._refuse(f"{_shown(address[0])}, port {_shown(address[1])}")
        else:
            self._refuse(f"{sock.family!r} {_shown(address)}")

    def binds(self, sock: socket.socket, address: object) -> None:
        """Before *sock* listens at *address*: only a name would be resolved."""
        if sock.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            host = address[0]
            if host and _numeric(host) is None and not is_loopback(host):
                self._refuse(f"the address of {_shown(host)}")

    def _resolves(self, host: object, *_: object) -> None:
        if host not in (None, "", b"") and not is_loopback(host):
            self._refuse(f"the address of {_shown(host)}")

    def _looks_up(self, address: tuple[Any, ...], *_: object) -> None:
        self._resolves(address[0])

    def _refuse(self, what: str) -> None:
        assert self.refuse is not None, "the hook is set after it"
        self.refuse(f"something in this process asked for {what}, which is not this machine.")


_guard: Final = _Guard()


def is_loopback(host: object) -> bool:
    """Whether *host*, a name or a number, is this machine and needs no question to a name server.

    Odd spellings of numbers (``127.1``, ``0x7f.1``) are not understood, and so are not loopback.
    """
    address = _numeric(host)
    if address is None:
        return _text(host) == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _numeric(host: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(_text(host))
    except ValueError:
        return None


def _text(host: object) -> str:
    return host.decode(errors="replace") if isinstance(host, bytes | bytearray) else str(host)


def _shown(part: object) -> str:
    return ascii(_text(part))[1:-1][:100]


def _checked(name: str) -> Callable[..., Any]:
    """The method *name* of ``socket.socket``, which resolves a name before it raises its event."""
    method = getattr(socket.socket, name)
    check = _guard.binds if name == "bind" else _guard.reaches
    at = {"sendto": -1, "sendmsg": 3}.get(name, 0)

    @wraps(method)
    def checked(self: socket.socket, *arguments: Any) -> Any:
        if -len(arguments) <= at < len(arguments):
            check(self, arguments[at])
        return method(self, *arguments)

    return checked
