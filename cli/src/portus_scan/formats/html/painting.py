"""Pages out of templates: the only module that knows Jinja, which is imported when the first page is made.

Each page is complete by itself. Its policy lets run what this module puts into it, known by its hash, and nothing else:
no address outside the page is asked for anything.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = "templates"
_MOST_CHANGES = 200
_MOST_BINARIES = 4


def paint(template: str, **values: object) -> bytes:
    """Return a page in UTF-8.

    Args:
        template: The name of a file in ``templates/``.
        values: What it shows.
    """
    return (_environment().get_template(template).render(values).strip() + "\n").encode()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    from .foreign import guard

    environment = Environment(
        loader=FunctionLoader(read_template),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=guard,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_filters())
    environment.globals.update(_globals())
    return environment


def _filters() -> dict[str, Callable[..., object]]:
    """Return how templates show what is in a document."""
    from . import foreign
    from .rows import package_words
    from .tally import rank_of

    return {
        "name": foreign.isolate,
        "message": lambda text: foreign.isolate(text, foreign.LONGEST_MESSAGE),
        "lines": foreign.visible_lines,
        "teaser": foreign.teaser,
        "visible": foreign.visible,
        "few": foreign.few,
        "binaries": lambda names: foreign.few(names, most=_MOST_BINARIES),
        "packages": lambda packages: foreign.few(map(package_words, packages)),
        "links": lambda texts: foreign.few(texts, foreign.link),
        "when": foreign.when,
        "rank": rank_of,
    }


def _globals() -> dict[str, object]:
    """Return what every page has, and what templates draw and count with."""
    from markupsafe import Markup

    from .chart import draw_bar, draw_chart
    from .foreign import MOST_VALUES

    style, script = read_template("site.css"), read_template("site.js")
    return {
        "style": Markup(style),  # noqa: S704 (our own files)
        "script": Markup(script),  # noqa: S704
        "content_policy": content_policy(style, script),
        "chart": draw_chart,
        "bar": draw_bar,
        "most": MOST_VALUES,
        "most_changes": _MOST_CHANGES,
    }


def content_policy(style: str, script: str) -> str:
    """Return the Content-Security-Policy of a page that has this style and this script, and nothing else that acts."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


@cache
def read_template(name: str) -> str:
    """Return a file of ``templates/``; its lines end alike whatever checked it out, since hashes depend on it."""
    return files(__package__).joinpath(_TEMPLATES, name).read_text(encoding="utf-8").replace("\r\n", "\n")
