"""What every page of ours is made with, in a folder and from a server: filters, drawings, limits, templates.

Only this module knows Jinja, which is imported when the first page is made. A string that comes from a document reaches
a page through a filter of `markup.py`, or through `guard`, which sees all others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from . import markup, rows
from .severities import draw_bar, draw_chart, rank_of
from .site import outcome_kind

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_MOST_CHANGES = 200
_MOST_BINARIES = 4
_MOST_VIOLATING = 6


def make_environment(read_own: Callable[[str], str | None] = lambda _name: None) -> Environment:
    """Return what renders pages: the templates of this folder, and before them those of somebody else.

    Args:
        read_own: Returns the template of a name, or None where it is one of this folder's.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    def read(name: str) -> str:
        own = read_own(name)
        return read_template(name) if own is None else own

    environment = Environment(
        loader=FunctionLoader(read),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=markup.guard,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_filters())
    environment.globals.update(
        chart=draw_chart, bar=draw_bar, most=markup.MOST_VALUES, most_changes=_MOST_CHANGES, outcome_kind=outcome_kind
    )
    return environment


def _filters() -> dict[str, Callable[..., object]]:
    """Return the filters by which templates show what is in a document."""
    return {
        "name": markup.isolate,
        "message": lambda text: markup.isolate(text, markup.LONGEST_MESSAGE),
        "lines": markup.visible_lines,
        "teaser": markup.teaser,
        "visible": markup.visible,
        "few": markup.few,
        "violating": lambda names: markup.few(names, _to_row, most=_MOST_VIOLATING),
        "binaries": lambda names: markup.few(names, most=_MOST_BINARIES),
        "packages": lambda packages: markup.few(map(rows.package_words, packages)),
        "links": lambda texts: markup.few(texts, markup.link),
        "when": markup.when,
        "rank": rank_of,
    }


def _to_row(name: str) -> Markup:
    """Return an id as a link to its row, on the page of an image."""
    from markupsafe import Markup

    return Markup('<a href="#{}">{}</a>').format(rows.anchor_of(name), markup.isolate(name))


@cache
def read_template(name: str) -> str:
    """Return a file of ``templates/``; line ends are always LF, since hashes depend on them."""
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8").replace("\r\n", "\n")
