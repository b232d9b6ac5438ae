"""Paths with names in them: ``/futures/{settle}/orders/{order_id}``."""

from collections.abc import Mapping

from freqtrade_liquidation.drill.exchange.routing import Route


class Paths:
    """Finds the route of a path, and what its names stand for."""

    def __init__(self, prefix: str, table: Mapping[tuple[str, str], Route]) -> None:
        self._prefix = prefix
        self._routes = [(method, path.split("/"), route) for (method, path), route in table.items()]
        # a word beats a name: .../orders/timerange is no order called so
        self._routes.sort(key=lambda entry: sum(part.startswith("{") for part in entry[1]))

    def find(self, method: str, path: str) -> tuple[Route | None, dict[str, str]]:
        """:return: who answers, and the parameters that the path carries."""
        parts = path.removeprefix(self._prefix).split("/")
        for known_method, template, route in self._routes:
            if known_method == method and len(template) == len(parts):
                names = _match(template, parts)
                if names is not None:
                    return route, names
        return None, {}


def _match(template: list[str], parts: list[str]) -> dict[str, str] | None:
    names = {}
    for known, part in zip(template, parts, strict=True):
        if known.startswith("{"):
            names[known.strip("{}")] = part
        elif known != part:
            return None
    return names
