"""Our routes read no body of a stranger, and of nobody more than a request of ours needs."""

import asyncio
import base64
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from freqtrade.rpc.api_server import ApiServer
from freqtrade.rpc.api_server.api_auth import http_basic_or_jwt_token

from freqtrade_liquidation.frontends.rest.bodies import LONGEST, Heard
from freqtrade_liquidation.frontends.rest.routes import router

LOGIN = b"Basic " + base64.b64encode(b"operator:practice")
POSTS = [
    route.path
    for route in router.routes
    if isinstance(route, APIRoute) and "POST" in (route.methods or ())
]
CHUNK = b'{"a":[' + b"1," * 500


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    api = {"username": "operator", "password": "practice", "jwt_secret_key": "a" * 40}
    monkeypatch.setattr(ApiServer, "_config", {"api_server": api}, raising=False)
    app = FastAPI()
    app.include_router(router, dependencies=[Depends(http_basic_or_jwt_token), Heard])
    return app


def post(app: FastAPI, path: str, *headers: tuple[bytes, bytes]) -> tuple[int, int]:
    """The status, and how many bytes of an endless body were read for it."""
    read, status = 0, 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        assert read < 100 * LONGEST, "it is read without end"
        read += len(CHUNK)
        return {"type": "http.request", "body": CHUNK, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    scope = {
        "type": "http", "method": "POST", "path": path, "query_string": b"", "root_path": "",
        "headers": [(b"content-type", b"application/json"), *headers],
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    return status, read


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("login", [b"", b"Basic eDp5", b"Bearer x.y.z"])
def test_body_of_a_stranger_is_not_read(app: FastAPI, path: str, login: bytes) -> None:
    assert post(app, path, (b"authorization", login)) == (401, 0)


@pytest.mark.parametrize("path", POSTS)
def test_body_in_chunks_is_read_up_to_the_limit(app: FastAPI, path: str) -> None:
    status, read = post(app, path, (b"authorization", LOGIN))
    assert status == 422
    assert read <= LONGEST + len(CHUNK)
