"""An exchange that writes requests down and answers from samples, in the place of the network."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import HTTPAdapter

from freqtrade_liquidation.drill.signing.samples import Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """One request as it would have gone out.

    :param values: query and body by name; in JSON, names joined by points (``orders.0.sz``), true
        and false as there.
    """

    method: str
    host: str
    path: str
    values: dict[str, str]


class Recorder(HTTPAdapter):
    """Stands where ``requests`` would open a connection."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self._answers = answers
        self.seen: list[Signed] = []

    def __deepcopy__(self, memo: Any) -> "Recorder":
        return self  # freqtrade copies the configuration that carries it

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Writes *request* down and answers it."""
        url = urlsplit(request.url or "")
        body = request.body or b""
        text = body.decode() if isinstance(body, bytes) else str(body)
        self.seen.append(
            Signed(
                method=request.method or "",
                host=url.netloc,
                path=url.path,
                values={**dict(parse_qsl(url.query, keep_blank_values=True)), **_values(text)},
            )
        )
        return _response(request, self._answer(f"{request.url} {text}"))

    def _answer(self, asked: str) -> Any:
        return next((answer for part, answer in self._answers if part in asked), {})


def _response(request: requests.PreparedRequest, answer: Any) -> requests.Response:
    response = requests.Response()
    response.status_code, response.url, response.request = 200, request.url or "", request
    response._content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    response.raw = io.BytesIO()
    response.headers["Content-Type"] = "application/json"
    return response


def _values(body: str) -> dict[str, str]:
    if body[:1] not in ("{", "["):
        return dict(parse_qsl(body, keep_blank_values=True))
    return dict(_flat(json.loads(body), ""))


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _flat(inner, f"{name}.{index}" if name else str(index))
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)
