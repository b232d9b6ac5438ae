"""Fills a room's template into the common frame and puts everything that it needs into the file.

A template begins with ``{% extends "frame.html" %}`` and fills the blocks ``title``, ``lead`` and
``body``; ``{{ figure("name") }}`` is the place of a picture. Every value is escaped. The page's
content security policy forbids all requests and all scripts but our own, by their hashes: what
somebody might smuggle into a reason or an error is text.
"""

import base64
import hashlib
import importlib.resources
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from freqtrade.exceptions import OperationalException
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

HERE: Final = "freqtrade_liquidation.pages"
ENDINGS: Final = (".html", ".htm")
"""What a page may replace."""
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; "
    "form-action 'none'; script-src {scripts}"
)


class PlotlyMissing(OperationalException):
    """The extra ``plot`` is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One picture, as plotly takes it.

    :param data: traces. Colours must be readable on a light and on a dark ground; what comes from
        outside goes through :func:`picture_text`.
    :param layout: with ``height`` in pixels; text and lines get the page's colours.
    :param about: what it shows, for those who cannot see it.
    """

    data: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""


def picture_text(text: object) -> str:
    """*text* as plotly shows it letter by letter: it takes ``<b>`` and ``<a>`` for markup."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plotly_source() -> str:
    """plotly's own script, as the installed package brings it.

    :raises PlotlyMissing: if it is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise PlotlyMissing(
            "an HTML report needs plotly: pip install 'freqtrade-liquidation[plot]'"
        ) from error
    return str(get_plotlyjs())


def render(
    package: str,
    template: str,
    *,
    clean: Callable[[str], str],
    figures: Mapping[str, Figure] | None = None,
    **values: Any,
) -> str:
    """The page, whole.

    :param package: the room whose folder holds *template*, such as ``…frontends.html``.
    :param clean: makes text harmless that comes from outside; it is escaped besides.
    :param figures: by the name by which the template places them.
    :raises PlotlyMissing: if there are figures and no plotly.
    """
    figures = figures or {}
    scripts = [plotly_source(), _own("figures.js")] if figures else []
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, ""), PackageLoader(HERE, "")]),
        autoescape=True,
        finalize=lambda value: clean(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["figure"] = _place
    return environment.get_template(template).render(
        values,
        policy=POLICY.format(scripts=" ".join(map(_hash, scripts)) or "'none'"),
        style=_as_it_is(_own("style.css")),
        scripts=[_as_it_is(text) for text in scripts],
        figures=figures,
        figure_json={name: _json(figure, clean) for name, figure in figures.items()},
    )


@pass_context
def _place(context: Context, name: str) -> Markup:
    figure: Figure = context["figures"][name]
    return Markup(
        '<div class="figure" role="img" aria-label="{about}" data-figure="figure-{name}" '
        'style="height:{height}px"></div><noscript><p class="quiet">This picture needs scripts. '
        "The tables say the same.</p></noscript>"
    ).format(about=figure.about, name=name, height=int(figure.layout.get("height", 400)))


def _own(name: str) -> str:
    return importlib.resources.files(HERE).joinpath(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _json(figure: Figure, clean: Callable[[str], str]) -> Markup:
    """Safe inside a script element: none of its characters can end one."""
    content = _known({"data": list(figure.data), "layout": dict(figure.layout)}, clean)
    text = json.dumps(content, allow_nan=False)
    return _as_it_is(text.replace("<", "\\u003c").replace("&", "\\u0026"))


def _known(value: Any, clean: Callable[[str], str]) -> Any:
    """*value* with its text made harmless, and null for every number that is none: a gap in the
    picture, as for "not known".
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _known(item, clean) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_known(item, clean) for item in value]
    return clean(value) if isinstance(value, str) else value


def _as_it_is(text: str) -> Markup:
    return Markup(text)  # noqa: S704 - our files, plotly's script and JSON without "<", no more
