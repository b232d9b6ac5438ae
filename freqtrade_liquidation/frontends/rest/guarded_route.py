"""A route that knows the caller before it reads the body, and reads no more than it needs.

FastAPI reads and parses the whole body first and solves the dependencies afterwards, the one that
authenticates included. So anybody who reached the port could fill the process's memory, and
``json.loads`` kept the GIL for seconds: a SIGTERM was heard that much later. A dependency cannot
change the order, and a middleware would act on freqtrade's own routes, too.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from freqtrade.rpc.api_server.api_auth import http_basic_or_jwt_token, httpbasic, oauth2_scheme
from freqtrade.rpc.api_server.deps import get_api_config
from starlette.types import Message

LARGEST_BODY: Final = 16_384
"""Bytes. Five hundred pairs and a reason fit."""


class GuardedRoute(APIRoute):
    """Answers 401 or 413 before the body is read whole."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As FastAPI's, behind the two checks."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            await _authenticate(request)
            return await handle(_bounded(request))

        return guarded


async def _authenticate(request: Request) -> None:
    """freqtrade's own check, which the route's dependencies repeat.

    :raises HTTPException: 401.
    """
    basic, token = await httpbasic(request), await oauth2_scheme(request)
    http_basic_or_jwt_token(basic, token, get_api_config())  # type: ignore[arg-type]


def _bounded(request: Request) -> Request:
    """*request*, of which more than ``LARGEST_BODY`` bytes cannot be read.

    :raises HTTPException: 413, now by its header, or while it is read.
    """
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced[:20]) > LARGEST_BODY:
        raise _too_large()
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > LARGEST_BODY:
            raise _too_large()
        return message

    return Request(request.scope, receive)


def _too_large() -> HTTPException:
    return HTTPException(
        413,  # its name differs between Starlette's releases
        f"the body is larger than {LARGEST_BODY} bytes: send fewer pairs, or none for all of them",
    )
