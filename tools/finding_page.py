"""The tables of the page about findings, made of the docstrings that ``help(Finding)`` shows."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import portus_scanners

PAGE = Path(__file__).parents[1] / "docs/reference/findings.md"
_TABLE = re.compile(r"(<!-- members: (\w+) -->\n)(?:\n?\|.*\n(?:\|.*\n)*)?")
_MEMBER = re.compile(r"^    (\w+): (.*(?:\n        .*)*)$", re.MULTILINE)


def make_page(page: str) -> str:
    """Return the page with a table below each mark ``<!-- members: CLASS -->``."""
    return _TABLE.sub(lambda found: f"{found[1]}\n{''.join(_rows(found[2]))}", page)


def _rows(name: str) -> Iterator[str]:
    kind = getattr(portus_scanners, name)
    yield "| member | what it means |\n| --- | --- |\n"
    for member, text in _words(kind) if issubclass(kind, Enum) else members(kind):
        yield f"| `{member}` | {' '.join(text.replace('``', '`').split())} |\n"


def members(kind: type) -> list[tuple[str, str]]:
    """Return what a class's docstring says of its members."""
    return _MEMBER.findall((inspect.getdoc(kind) or "").partition("Attributes:\n")[2])


def _words(kind: type[Enum]) -> list[tuple[str, str]]:
    """Return what stands below each word of an enumeration in its source; where nothing does, the word alone."""
    found = dict(re.findall(r'^    (\w+) = "\w+"\n    """([^"]+)"""', inspect.getsource(kind), re.MULTILINE))
    return [(member.value, found.get(member.name, "")) for member in kind]


if __name__ == "__main__":
    PAGE.write_text(make_page(PAGE.read_text()))
