"""Foreign strings on a page: nothing in them acts, all can be seen, and they are cut to a readable length.

The template engine escapes HTML. This module does the rest: what is not printable becomes a visible escape, a string
keeps its direction to itself (``<bdi>``), and only addresses that a reader can judge become links.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from ...terminal import safe

LONGEST_NAME = 200
"""Characters of an id, a package, a version, a reference."""
LONGEST_MESSAGE = 2000
"""Characters of an error, a note, a reason."""
LONGEST_DESCRIPTION = 4000
LONGEST_TEASER = 160
"""Characters of a title, or of the first line of a description."""
LONGEST_LINK = 1000
"""Characters of a link; a longer address is shown, cut, and not a link."""
MOST_VALUES = 20
"""Values of one list (aliases, links, ratings); the page says how many more there are."""

_REMEMBERED = 1_000
"""Strings: a page has the same scanners, packages and versions in many rows."""
_HOST = re.compile(r"[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*\.?(?::[0-9]{1,5})?")
_BLANKS = {0x09: "    ", 0xA0: " "}


def visible(text: str, limit: int = LONGEST_MESSAGE) -> str:
    """Return a string in one line without anything that a browser, a terminal or an editor acts on."""
    if len(text) <= limit and text.isprintable():
        return text  # as most are
    return safe(text[: limit + 1].translate(_BLANKS), limit)


def visible_lines(text: str, limit: int = LONGEST_DESCRIPTION) -> Markup:
    """Return a string with its line breaks, otherwise as `visible` does."""
    head = text[: limit + 1].translate(_BLANKS).strip()
    lines = "\n".join(map(safe, head.splitlines()))
    return escape(lines if len(lines) <= limit else f"{lines[: limit - 1]}\N{HORIZONTAL ELLIPSIS}")


def isolate(text: str, limit: int = LONGEST_NAME) -> Markup:
    """Return a string as an element whose direction does not affect what stands beside it."""
    return _isolated(visible(text, limit))


@lru_cache(_REMEMBERED)
def _isolated(text: str) -> Markup:
    return Markup(f"<bdi>{escape(text)}</bdi>")  # noqa: S704 (escaped)


def guard(value: object) -> object:
    """Return a value as a template writes it: a string that no filter has seen is made visible here."""
    return visible(value) if type(value) is str else value


def few(texts: Iterable[str], show: Callable[[str], Markup] = isolate, most: int = MOST_VALUES) -> Markup:
    """Return the first strings in one line, and how many more there are."""
    values = tuple(texts)
    if len(values) == 1:
        return show(values[0])
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return Markup(", ").join(map(show, values[:most])) + more


def link_target(text: str) -> str | None:
    """Return an address that may become a link; None unless it is plainly one of the web.

    Only ``http`` and ``https`` with the name of a host count: no user name (``https://good.example@bad.example``),
    nothing that is not printable ASCII, nothing that a browser would repair or reject.
    """
    if len(text) > LONGEST_LINK or not text.isascii() or not text.isprintable() or set(text) & set(' <>"\\^`{|}'):
        return None
    try:
        parts = urlsplit(text)
        plain = parts.scheme in {"http", "https"} and _HOST.fullmatch(parts.netloc) and parts.port != 0
    except ValueError:
        return None
    return text if plain and text.lower().startswith(("http://", "https://")) else None


def link(text: str) -> Markup:
    """Return an address as a link, or as a plain string where `link_target` has doubts."""
    target = link_target(text)
    if target is None:
        return isolate(text)
    shown = escape(visible(text, LONGEST_NAME))
    return Markup(f'<a href="{escape(target)}" rel="noreferrer noopener">{shown}</a>')  # noqa: S704 (escaped)


def teaser(text: str) -> Markup | None:
    """Return the first line that is not blank; None where the beginning of the string has no such line."""
    lines = (line.strip() for line in text[:LONGEST_MESSAGE].splitlines())
    first = next(filter(None, lines), "")
    return isolate(first, LONGEST_TEASER) if first else None


def utc(moment: datetime) -> datetime | None:
    """Return a moment in UTC, as which one without a time zone is taken; None where it is out of range."""
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def when(moment: datetime) -> Markup:
    """Return a moment as an element: ``2026-11-24 09:30 UTC``."""
    known = utc(moment)
    if known is None:
        return Markup("{}").format(visible(moment.isoformat()))
    machine, text = f"{known:%Y-%m-%dT%H:%M:%SZ}", f"{known:%Y-%m-%d %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(machine.zfill(20), text)
