"""The seal: what of an environment enters, and that no packet leaves, not even to resolve a name.

Children run in a network namespace whose only way out is its own loopback device, where the kernel
counts what is sent.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from freqtrade.config_schema.config_schema import CONF_SCHEMA
from freqtrade.configuration.environment_vars import _flat_vars_to_nested_dict

from freqtrade_liquidation.drill import seal, sealed

ROOT = Path(__file__).parents[3]
NUMBER, NAME = "192.0.2.1", "exchange.invalid"
"""Addresses for documentation (RFC 5737), and a name that never resolves (RFC 2606)."""
WAY_OUT = "ip link set lo up && ip route add default dev lo && timeout 10 "
COUNT = "; code=$?; cat /proc/net/dev; exit $code"


def paths(schema: Mapping[str, Any], *above: str) -> Iterator[tuple[str, ...]]:
    """Every key path that freqtrade's schema knows."""
    for key, value in schema.get("properties", {}).items():
        yield (*above, key)
        if isinstance(value, Mapping):
            yield from paths(value, *above, key)


def variables() -> list[str]:
    """A variable for each key of freqtrade's configuration, in each case, and for what it reads."""
    every = {*paths(CONF_SCHEMA), ("exchange", "ccxt_config", "apiKey"), ("unheard_of", "key")}
    named = ["__".join(("FREQTRADE", *path)) for path in every]
    network = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "WS_PROXY", "SOCKS_PROXY")
    files = (
        "NETRC", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR",
        "SSLKEYLOGFILE", "OPENSSL_CONF", "HOME", "XDG_CONFIG_HOME", "PYTHONSTARTUP",
        "PGHOST", "PGPASSWORD", "NOTIFY_SOCKET", "HOSTALIASES", "RES_OPTIONS",
    )  # fmt: skip
    spelled = [n for name in (*named, *network) for n in (name, name.upper(), name.lower())]
    return sorted({*spelled, *files})


def test_nothing_that_a_library_reads_is_allowed() -> None:
    given = dict.fromkeys(variables(), "the user's") | {"PATH": "/bin", "LC_ALL": "C.UTF-8"}
    assert len(given) > 300
    found = seal.environment(given, home=Path("/nowhere"))
    assert "the user's" not in found.values()
    assert (found["PATH"], found["LC_ALL"], found["HOME"]) == ("/bin", "C.UTF-8", "/nowhere")
    assert found["NETRC"] == os.devnull
    assert not _flat_vars_to_nested_dict(found, "FREQTRADE__")


SWITCHES = ("WARNINGS", "DEVMODE", "FAULTHANDLER", "HASHSEED", "UTF8", "IOENCODING",
            "OPTIMIZE", "INSPECT", "STARTUP", "BREAKPOINT", "ASYNCIODEBUG",
            "TRACEMALLOC", "MALLOC")  # fmt: skip


@pytest.mark.parametrize("name", SWITCHES)
def test_switch_of_pythons_does_not_reach_the_drill(name: str) -> None:
    """``PYTHONWARNINGS=error`` ended it with 1."""
    assert f"PYTHON{name}" not in seal.environment({f"PYTHON{name}": "error"})


def test_what_the_caller_set_is_kept() -> None:
    found = seal.environment({"HTTPS_PROXY": "a", "https_proxy": "b"}, keep=["HTTPS_PROXY"])
    assert found == {"HTTPS_PROXY": "a", "NETRC": os.devnull} | seal.environment({})


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("::ffff:127.0.0.1", True),
     ("localhost", True), (b"127.0.0.1", True),
     ("192.0.2.1", False), ("10.0.0.1", False), ("::ffff:192.0.2.1", False), ("2001:db8::1", False),
     ("0.0.0.0", False), ("::", False), ("169.254.169.254", False), ("127.1", False),
     ("2130706433", False), ("127.0.0.1.example.com", False), ("localhost.example.com", False),
     ("okx.com", False), ("", False)],
)  # fmt: skip
def test_loopback_is_told_by_number(host: object, expected: bool) -> None:
    assert seal.is_loopback(host) is expected


# ---- nothing is sent

STREAM = "import socket; s = socket.socket(); s.settimeout(1); "
DATAGRAM = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
WAYS = {
    "connect": STREAM + "s.connect((HOST, 443))",
    "connect_ex": STREAM + "s.connect_ex((HOST, 443))",
    "create_connection": "import socket; socket.create_connection((HOST, 443), 1)",
    "IPv6": "import socket; socket.socket(socket.AF_INET6).connect(('2001:db8::1', 443))",
    "sendto": DATAGRAM + "s.sendto(b'x', (HOST, 53))",
    "sendto with flags": DATAGRAM + "s.sendto(b'x', 0, (HOST, 53))",
    "sendmsg": DATAGRAM + "s.sendmsg([b'x'], [], 0, (HOST, 53))",
    "connected datagram": DATAGRAM + "s.connect((HOST, 53)); s.send(b'x')",
    "getaddrinfo": "import socket; socket.getaddrinfo(HOST, 443)",
    "gethostbyname": "import socket; socket.gethostbyname(HOST)",
    "gethostbyname_ex": "import socket; socket.gethostbyname_ex(HOST)",
    "gethostbyaddr": "import socket; socket.gethostbyaddr(HOST)",
    "getnameinfo": "import socket; socket.getnameinfo(('192.0.2.1', 443), 0)",
    "another thread": "import socket, threading; "
    "t = threading.Thread(target=socket.create_connection, args=[(HOST, 443), 1]); "
    "t.start(); t.join()",
    "urllib": "import urllib.request; urllib.request.urlopen('https://' + HOST, timeout=1)",
    "requests": "import requests; requests.get('https://' + HOST, timeout=1)",
    "httpx": "import httpx; httpx.get('https://' + HOST, timeout=1)",
    "httpx, async": "import asyncio, httpx; "
    "asyncio.run(httpx.AsyncClient(timeout=1).get('https://' + HOST))",
    "asyncio": "import asyncio; asyncio.run(asyncio.open_connection(HOST, 443))",
    "asyncio, datagrams": "import asyncio\n"
    "async def main():\n"
    "    loop = asyncio.get_running_loop()\n"
    "    make = asyncio.DatagramProtocol\n"
    "    await loop.create_datagram_endpoint(make, remote_addr=(HOST, 53))\n"
    "asyncio.run(main())",
    "aiohttp": "import aiohttp, asyncio\n"
    "async def main():\n"
    "    async with aiohttp.ClientSession() as session:\n"
    "        await session.get('https://' + HOST)\n"
    "asyncio.run(main())",
    "ccxt": "import ccxt; ccxt.okx({'timeout': 1000, 'hostname': HOST}).fetch_time()",
    "ccxt, async": "import asyncio, ccxt.async_support as ccxt; "
    "asyncio.run(ccxt.okx({'timeout': 1000, 'hostname': HOST}).fetch_time())",
}


BY_NAME_ONLY = ("ccxt", "ccxt, async")
"""They ask as requests and aiohttp do, which have a number too, and take seconds to load."""
NO_HOST = ("IPv6", "getnameinfo")
"""They have an address of their own."""
ATTEMPTS = [
    (way, host)
    for way in WAYS
    for host in (NUMBER, NAME)
    if not (way in BY_NAME_ONLY and host == NUMBER) and not (way in NO_HOST and host == NAME)
]


def in_a_namespace(*words: str, **environment: str) -> tuple[int, str, int]:
    """Exit code, errors and the packets that were sent, of ``python WORDS``."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip("no unshare or no ip: packets cannot be counted")
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-c", f'{WAY_OUT} "$@" {COUNT}', "sh", sys.executable, *words],
        capture_output=True, text=True, env=seal.environment(os.environ) | environment, check=False,
    )  # fmt: skip
    if "unshare failed" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip(f"packets cannot be counted here: {done.stderr.strip()}")
    row = re.search(r"lo:(.*)", done.stdout)
    assert row is not None, done.stdout + done.stderr
    return done.returncode, done.stderr, int(row[1].split()[9])


@pytest.mark.parametrize(("way", "host"), ATTEMPTS)
def test_no_packet_leaves_and_the_process_ends_with_1(way: str, host: str) -> None:
    code = WAYS[way].replace("HOST", repr(host))
    ended, errors, packets = in_a_namespace(*sealed.command("-c", code))
    assert packets == 0, errors
    assert ended == 1
    assert seal.MARK in errors
    assert "is not this machine" in errors


@pytest.mark.parametrize("host", [NUMBER, NAME])
@pytest.mark.parametrize("way", ["connect", "sendto"])
def test_without_the_seal_packets_are_counted(way: str, host: str) -> None:
    """The test above can fail: resolving a name in ``connect`` alone sends a packet."""
    code = WAYS[way].replace("HOST", repr(host))
    # Else glibc waits ten seconds for a name server.
    _, errors, packets = in_a_namespace("-c", code, RES_OPTIONS="timeout:1 attempts:1")
    assert packets > 0, errors


def test_loopback_and_unix_sockets_work_in_a_sealed_process(tmp_path: Path) -> None:
    code = f"""
import asyncio, socket
with socket.create_server(("127.0.0.1", 0)) as server:
    for host in ("127.0.0.1", "localhost"):
        socket.create_connection((host, server.getsockname()[1])).close()
with socket.create_server(("", 0)) as server:
    asyncio.run(asyncio.open_connection("127.0.0.1", server.getsockname()[1]))
with socket.socket(socket.AF_UNIX) as listening:
    listening.bind({str(tmp_path / "s")!r}); listening.listen()
    socket.socket(socket.AF_UNIX).connect({str(tmp_path / "s")!r})
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    one.bind(("127.0.0.1", 0))
    one.sendto(b"x", one.getsockname())
    one.connect(one.getsockname()); one.sendmsg([b"x"])
print("done")
"""
    assert run(*sealed.command("-c", code)).stdout == "done\n"


# ---- what a process may find


def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, timeout=60,
        env=os.environ | environment,
    )  # fmt: skip


def test_sealed_process_sheds_what_sitecustomize_brought(tmp_path: Path) -> None:
    """It runs before us, as a package that reads a .env file would."""
    custom = "import os; os.environ |= {'FREQTRADE__DB_URL': 'x', 'HTTP_PROXY': 'x', 'KEPT': 'x'}"
    (tmp_path / "sitecustomize.py").write_text(custom)
    code = "import os; print([name for name, value in os.environ.items() if value == 'x'])"
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    done = run(*sealed.command("-c", code, keep=["KEPT"]), PYTHONPATH=path)
    assert done.stdout == "['KEPT']\n", done.stderr


def test_resolvers_in_c_cannot_be_imported(tmp_path: Path) -> None:
    for name in seal.NATIVE:
        (tmp_path / f"{name}.py").write_text("print('loaded')")
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    code = "import importlib, sys\nfor name in sys.argv[1:]:\n    "
    load = f"{code}try: importlib.import_module(name)\n    except ImportError: print('barred')"
    done = run(*sealed.command("-c", load, *seal.NATIVE), PYTHONPATH=path)
    assert done.stdout.split() == ["barred"] * len(seal.NATIVE), done.stderr
    late = "import aiodns\nfrom freqtrade_liquidation.drill import seal\nseal.seal_this_process()"
    done = run("-c", late, PYTHONPATH=path)
    assert "RuntimeError: aiodns is loaded" in done.stderr


# ---- the tests themselves


def test_this_process_is_sealed(tried: list[str]) -> None:
    with pytest.raises(RuntimeError, match=r"asked for 192\.0\.2\.1, port 443"):
        socket.socket().connect((NUMBER, 443))
    assert len(tried) == 1
    tried.clear()


def test_test_that_swallows_a_refusal_fails(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(
        "import contextlib, socket\n"
        "def test_it():\n"
        "    with contextlib.suppress(Exception):\n"
        f"        socket.create_connection(({NAME!r}, 443))\n"
    )
    words = ("-m", "pytest", "-q", "-p", "tests.conftest", "--rootdir", str(tmp_path), str(file))
    done = run(*words, PYTHONPATH=str(ROOT))
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"something in this process asked for the address of {NAME}" in done.stdout


def test_a_user_s_variables_do_not_reach_a_test() -> None:
    code = (
        "import os, tests.conftest; print([n for n, value in os.environ.items() if value == 'x'])"
    )
    given = {"FREQTRADE__DB_URL": "x", "HTTPS_PROXY": "x"}
    assert run("-c", code, **given, PYTHONPATH=str(ROOT)).stdout == "[]\n"
