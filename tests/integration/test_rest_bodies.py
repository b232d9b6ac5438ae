"""What strangers, browsers and broken clients send to our REST: refused in words, nothing happens.

Against the API server of a real bot; ``tests/fuzz/test_rest.py`` lets schemathesis think of more.
"""

import base64
import http.client
import json
from typing import Any, Final

import pytest

from freqtrade_liquidation.drill.bot import BotProcess
from tests.integration.conftest import MakeBot, event_types, runs
from tests.integration.operator import Operator

JSON: Final = "application/json"
COMMANDS: Final = ("liquidate", "liquidation/disarm", "liquidation/arm")


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.fixture
def rest_bot(make_bot: MakeBot, operator: Operator) -> BotProcess:
    """Without a position."""
    config = operator.config | {"enable_openapi": True}
    bot = make_bot(pairs=2, api_server=config, initial_state="stopped").start()
    bot.wait_for(lambda: operator.state() == "stopped", "REST")
    return bot


def post(
    operator: Operator,
    command: str,
    body: bytes,
    kind: str | None = JSON,
    password: str = "practice",
) -> tuple[int, Any]:
    """Sends *body* as it is."""
    credentials = base64.b64encode(f"operator:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    if kind is not None:
        headers["Content-Type"] = kind
    connection = http.client.HTTPConnection("127.0.0.1", operator.port, timeout=20)
    try:
        connection.request("POST", f"/api/v1/{command}", body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


ODD: Final = {
    "half a character": rb'{"reason": "\ud800", "for": "1m"}',
    "NaN": b'{"reason": NaN, "for": NaN}',
    "infinity": b'{"reason": 1e999, "for": 1e999}',
    "huge number": b'{"reason": ' + b"1" * 5000 + b"}",
    "deep": b"[" * 30_000,
    "deep and closed": b'{"reason": ' + b"[" * 9000 + b"]" * 9000 + b"}",
    "not UTF-8": b'{"reason": "\xff", "for": "1m"}',
    "UTF-16": '{"reason": "x", "for": "1m"}'.encode("utf-16"),
    "twice": b'{"preview": true, "preview": false, "for": "1m", "for": "1m"}',
    "two": b'{"for": "1m"}{"for": "1m"}',
    "comment": b'{"for": "1m"} // now',
    "list": b"[]",
    "text": b'"1m"',
    "number": b"1",
    "truth": b"true",
    "unknown key": b'{"force": true, "for": "1m"}',
    "long": b'{"reason": "' + b"x" * 501 + b'", "for": "1m"}',
    "longer than it may be": b'{"reason": "' + b"x" * 70_000 + b'", "for": "1m"}',
}


def test_odd_bodies_are_refused_in_words_and_nothing_happens(
    rest_bot: BotProcess, operator: Operator
) -> None:
    for command in COMMANDS:
        for what, body in ODD.items():
            code, answer = post(operator, command, body)
            assert (code, bool(answer["detail"][0]["msg"])) == (422, True), (command, what, answer)
    for duration in ("٣m", "３m", "3m\n", " 3m", "3M", "-3m", "0m", "1e1m", "25h", "", "9" * 400):
        body = json.dumps({"for": duration}).encode()
        code, answer = post(operator, "liquidation/disarm", body)
        assert (code, answer["detail"][0]["loc"]) == (422, ["body", "for"]), (duration, answer)
    assert "Traceback" not in rest_bot.log()
    assert runs(rest_bot) == []
    assert not {"liquidation_disarmed", "liquidation_armed"} & {*event_types(rest_bot)}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_browser_sends_for_another_site_is_not_heard(
    rest_bot: BotProcess, operator: Operator, command: str
) -> None:
    """Forms, plain text and beacons need nobody's leave, and take kept credentials with them."""
    good = b'{"for": "1m"}' if command.endswith("disarm") else b"{}"
    for kind in (
        None,
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
    ):
        for body in (good, b""):
            code, answer = post(operator, command, body, kind)
            assert code == 422, (kind, body, answer)
            assert "Content-Type: application/json" in answer["detail"][0]["msg"]
    code, answer = post(operator, f"{command}?preview=true", good)
    assert (code, "parameters" in answer["detail"][0]["msg"]) == (422, True)
    assert runs(rest_bot) == []
    assert not {"liquidation_disarmed", "liquidation_armed"} & {*event_types(rest_bot)}
    assert post(operator, command, good, f"{JSON}; charset=utf-8")[0] == 200


def test_stranger_learns_nothing_from_odd_bodies(rest_bot: BotProcess, operator: Operator) -> None:
    for command in COMMANDS:
        for body in ODD.values():
            for kind in (JSON, "text/plain"):
                code, _ = post(operator, command, body, kind, password="guess")
                assert code == 401, (command, body[:40])
    assert "Traceback" not in rest_bot.log()
