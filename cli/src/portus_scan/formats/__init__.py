"""What a report document looks like when it is printed: one module a format, imported when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from portus_scanners import ReportDocument

    from ..screen import Screen

FORMATS = ("table", "json")
"""The names of the formats; each is a module of this package with a function ``render``. The first is the default."""


class Render(Protocol):
    """Turns a document into text that ends with a newline."""

    def __call__(self, document: ReportDocument, screen: Screen) -> str:
        """Return the text; *screen* is where it will be read."""


def load_format(name: str) -> Render:
    """Return the function of a format, by its name in `FORMATS`."""
    return cast("Render", import_module(f"{__name__}.{name}").render)
