"""Foreign strings for formats: cleaned and cut, links that are links, and Markdown that is only what it should be.

Whatever comes from an image, a registry or a backend is hostile. What a format writes has no controls, no
bidirectional formatting and no lone surrogates (`safe` writes them as escapes), and every string has a limit.

In Markdown, as GitHub and GitLab read it, `code` is the strongest: in a code span nothing is a tag, a link, a mention
or emphasis. Two characters can end it or the cell of a table around it, and are replaced. `prose` keeps lines readable
and escapes punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from ..terminal import name, safe

LONGEST_TEXT = 10_000
"""Characters of a description."""
LONGEST_LINK = 2_000
"""Characters of a link; a longer one is left out, since half a link leads elsewhere."""
LONGEST_LIST = 32_000
"""Characters of a list in one cell: spreadsheets end a cell at 32,767."""
_IN_LINKS = "!$&*+,-./:;=?@_~%"
"""The ASCII that a link keeps beside letters and digits; brackets, quotes, backslash and blanks become ``%XX``."""
_START_OF_LINK = re.compile(
    r"https?://(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?\.?|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{0,5}))?(?=[/?#]|$)",
    re.ASCII | re.IGNORECASE,
)
_HIGHEST_PORT = 65535
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PUNCTUATION = re.compile(r"([!-+\-/:-@\[-`{-~])")
"""ASCII punctuation except comma and full stop, which mean nothing within a line."""
_NUMBER = re.compile(r"^(\s*[0-9]+)\.", re.MULTILINE)
_BREAK_OF_URL = re.compile(r"(?i)\b(www)\.")
_CODE = str.maketrans({"`": "'", "|": "\N{BROKEN BAR}"})


def paragraphs(text: str, limit: int = LONGEST_TEXT) -> str:
    """Return a string of several lines, each made safe.

    Args:
        text: Any string.
        limit: Characters at most, line ends included; a longer string ends in an ellipsis.
    """
    lines = text[: limit + 1].replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ").split("\n")
    return safe_cut("\n".join(safe(line) for line in lines).strip("\n"), limit)


def safe_cut(text: str, limit: int) -> str:
    """Return a string that is already safe, cut to a limit."""
    return text if len(text) <= limit else f"{text[: limit - 1]}\N{HORIZONTAL ELLIPSIS}"


def all_safe(texts: Iterable[str]) -> list[str]:
    """Return names, each made safe."""
    return [name(text) for text in texts]


def joined(texts: Iterable[str], separator: str = ", ") -> str:
    """Return names as one string of `LONGEST_LIST` characters at most."""
    return safe_cut(separator.join(map(name, texts)), LONGEST_LIST)


def web_links(links: Iterable[str]) -> list[str]:
    """Return the links that lead to the web, each once: ``http`` and ``https``, legal by RFC 3986.

    Left out are ``javascript:``, ``data:``, ``file:``, links with a user name before the host
    (``https://bank@evil.example``), with a host that is not ASCII or with controls, and those above `LONGEST_LINK`.
    """
    return list(dict.fromkeys(filter(None, map(_web_link, links))))


def _web_link(link: str) -> str:
    link = link.strip()
    if len(link) > LONGEST_LINK or not link.isprintable():
        return ""
    start = _START_OF_LINK.match(link)
    if start is None or int(start["port"] or 0) > _HIGHEST_PORT:
        return ""
    path, _, fragment = link[start.end() :].partition("#")
    encoded = start[0] + _encoded(path) + (f"#{_encoded(fragment)}" if fragment else "")
    return encoded if len(encoded) <= LONGEST_LINK else ""


def _encoded(part: str) -> str:
    return quote(_PERCENT.sub("%25", part), safe=_IN_LINKS, errors="replace")


def code(text: str) -> str:
    """Return a safe string as a code span, for a line or a table; empty for an empty one.

    A backtick becomes an apostrophe, a vertical bar a broken bar.
    """
    text = text.translate(_CODE).strip()
    return f"`{text}`" if text else ""


def prose(text: str) -> str:
    """Return a safe string of several lines that Markdown shows as it is: no tags, links, headings, mentions."""
    escaped = _PUNCTUATION.sub(r"\\\1", text)
    escaped = _BREAK_OF_URL.sub(r"\1\\.", _NUMBER.sub(r"\1\\.", escaped))
    return "\n".join(line.strip() for line in escaped.split("\n"))


def link(text: str, address: str) -> str:
    """Return a safe string as a link to an address of `web_links`; without an address, as a code span."""
    return f"[{code(text)}](<{address}>)" if address and code(text) else code(text)


def links(addresses: Iterable[str]) -> str:
    """Return addresses of `web_links` as a list."""
    return "\n".join(f"- <{address}>" for address in addresses)
