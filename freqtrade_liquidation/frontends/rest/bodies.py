"""The border of our REST: nothing but a JSON object with its content type is heard.

A browser sends a form, plain text or nothing at all to any server, with credentials that it has
kept, on behalf of whatever page is open; before it sends JSON it asks the server. So the content
type is a lock, also where a body may be empty. FastAPI alone lets an empty form pass, answers 500
to what its own error message cannot hold (NaN, half a character), takes the last of two equal keys,
and reads and judges a body before it knows who sent it: a stranger's 150 MB kept the process so
busy that a SIGTERM was heard ten seconds later. Here the caller is known before the body is read,
and strangers get their 401 whatever they send.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any, Final, NoReturn

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from freqtrade.rpc.api_server.api_auth import http_basic_or_jwt_token, httpbasic, oauth2_scheme
from freqtrade.rpc.api_server.deps import get_api_config
from starlette.types import Message

LONGEST: Final = 64 * 1024
"""Bytes: some thousand pairs."""


class JsonRoute(APIRoute):
    """A route that looks at the body before FastAPI does. See :data:`Heard`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler behind ours."""
        handle = super().get_route_handler()

        async def judge(request: Request) -> Response:
            if request.method == "GET":
                return await handle(request)
            await _authenticate(request)
            fault, body = None, b""
            try:
                body = await _read(request)
            except ValueError as error:
                fault = str(error)
            request.scope["liquidation_fault"] = fault

            async def receive() -> Message:
                return {"type": "http.request", "body": body, "more_body": False}

            return await handle(Request(request.scope, receive))

        return judge


async def _authenticate(request: Request) -> None:
    """freqtrade's own check, which the route's dependencies repeat.

    :raises HTTPException: 401.
    """
    basic, token = await httpbasic(request), await oauth2_scheme(request)
    http_basic_or_jwt_token(basic, token, get_api_config())  # type: ignore[arg-type]


def refuse(field: str, words: str, found: Any = None) -> NoReturn:
    """:raises RequestValidationError: a 422 in the form that the OpenAPI page promises."""
    location = ("body", field) if field else ("body",)
    raise RequestValidationError(
        [{"type": "value_error", "loc": location, "msg": words, "input": found}]
    )


def _refuse_what_is_odd(request: Request) -> None:
    if (fault := request.scope.get("liquidation_fault")) is not None:
        refuse("", fault)


Heard: Final = Depends(_refuse_what_is_odd)
"""Behind the dependencies that know who asks."""


async def _read(request: Request) -> bytes:
    """The body, if it is JSON that is what it looks like; or empty.

    :raises ValueError: saying what is odd about it.
    """
    if request.url.query:  # "?preview=true" would close the book
        raise ValueError("takes no parameters in the address, only a JSON body")
    kinds = request.headers.getlist("content-type")
    if [kind.split(";")[0].strip().lower() for kind in kinds] != ["application/json"]:
        raise ValueError("needs the header Content-Type: application/json")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise ValueError(f"is longer than {LONGEST} bytes")
    if body:
        _check(body)
    return body


def _check(body: bytes) -> None:
    try:
        parsed = json.loads(body.decode(), object_pairs_hook=_each_once)
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeError as error:
        raise ValueError("holds half a character, or is not in UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not valid JSON: {error}") from error


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found
