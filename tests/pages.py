"""The pages of the documentation and the code on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted([*ROOT.glob("*/README.md"), *ROOT.glob("*/*/README.md")]),
)
NAMES = tuple(str(page.relative_to(ROOT)) for page in PAGES)
"""The pages' paths in the repository: for parametrized tests."""

_FENCED = re.compile(
    r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<code>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE
)
_INDENTED = re.compile(r"(?:(?<=\n\n)|\A)(?: {4}[^\n]*\n|\n(?= {4}))+")
_SPAN = re.compile(r"`([^`\n]+)`")
_MARK = re.compile(r"<!-- (?P<how>run by|not run): (?P<name>[\w-]+) -->\n+\Z")


def fenced(page: str) -> Iterator[tuple[str, str]]:
    """Yield language and code of every fenced block of a page."""
    for match in _FENCED.finditer((ROOT / page).read_text()):
        yield match["language"], match["code"]


def blocks(page: str, language: str) -> list[str]:
    """Return the code of the fenced blocks of one language on a page."""
    return [code for found, code in fenced(page) if found == language]


def indented(page: str) -> list[str]:
    """Return the code of the indented blocks of a page; list items that go on are among them."""
    return [match[0] for match in _INDENTED.finditer(_FENCED.sub("", (ROOT / page).read_text()))]


def spans(page: str) -> list[str]:
    """Return the code within the lines of a page."""
    return _SPAN.findall(_FENCED.sub("", (ROOT / page).read_text()))


def mark_before(text: str) -> tuple[str, str] | None:
    """Return how and by which name the block is marked that follows this text, if it is.

    ``<!-- run by: NAME -->`` names the test that runs it, ``<!-- not run: NAME -->`` the reason why nobody does.
    """
    match = _MARK.search(text)
    return (match["how"], match["name"]) if match else None


def marked(page: str) -> Iterator[tuple[str, str, str]]:
    """Yield how, by which name and with which code each marked Python block of a page stands there."""
    text = (ROOT / page).read_text()
    for match in _FENCED.finditer(text):
        if match["language"] == "python" and (mark := mark_before(text[: match.start()])):
            yield *mark, match["code"]


def marked_block(name: str) -> str:
    """Return the one Python block that is marked ``<!-- run by: NAME -->``."""
    (code,) = [code for page in NAMES for how, found, code in marked(page) if (how, found) == ("run by", name)]
    return code
