"""Foreign text for formats: cleaned, cut, and links that are links.

Whatever comes from an image, a registry or a backend is hostile. What a format writes has no controls, no
bidirectional formatting and no lone surrogates (`safe` writes them as escapes), and nothing of it is endless.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from ..terminal import safe

LONGEST_NAME = 300
"""Characters of an identifier, a package, a version, a path, a label."""
LONGEST_MESSAGE = 2_000
"""Characters of an error, a reason, a title."""
LONGEST_TEXT = 10_000
"""Characters of a description."""
LONGEST_LINK = 2_000
"""Characters of a link; what is longer is left out, since half a link leads elsewhere."""
LONGEST_LIST = 32_000
"""Characters of a list in one cell: spreadsheets end a cell at 32,767."""
_IN_LINKS = "!$&*+,-./:;=?@_~%"
"""What a link keeps of ASCII beside letters and digits; brackets, quotes, backslash and blanks become ``%XX``."""
_START_OF_LINK = re.compile(
    r"https?://(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?\.?|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{0,5}))?(?=[/?#]|$)",
    re.ASCII | re.IGNORECASE,
)
_HIGHEST_PORT = 65535
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def name(text: str) -> str:
    """Return an identifier, a package, a version: one line of `LONGEST_NAME` characters at most."""
    return safe(text, LONGEST_NAME)


def message(text: str) -> str:
    """Return an error or a reason: one line of `LONGEST_MESSAGE` characters at most."""
    return safe(text, LONGEST_MESSAGE)


def paragraphs(text: str, limit: int = LONGEST_TEXT) -> str:
    """Return a text of several lines, each made safe.

    Args:
        text: Any text.
        limit: Characters at most, line ends included; what is longer ends in an ellipsis.
    """
    lines = text[: limit + 1].replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ").split("\n")
    return safe_cut("\n".join(safe(line) for line in lines).strip("\n"), limit)


def safe_cut(text: str, limit: int) -> str:
    """Cut a text that is safe already."""
    return text if len(text) <= limit else f"{text[: limit - 1]}\N{HORIZONTAL ELLIPSIS}"


def all_safe(texts: Iterable[str]) -> list[str]:
    """Return names, each made safe."""
    return [name(text) for text in texts]


def joined(texts: Iterable[str], separator: str = ", ") -> str:
    """Return names as one text of `LONGEST_LIST` characters at most."""
    return safe_cut(separator.join(map(name, texts)), LONGEST_LIST)


def web_links(links: Iterable[str]) -> list[str]:
    """Return the links that lead to the web, each once: ``http`` and ``https``, legal by RFC 3986.

    ``javascript:``, ``data:``, ``file:``, what has a name before its host (``https://bank@evil.example``) or a host
    that is not ASCII, what has controls, and what is longer than `LONGEST_LINK` are left out.
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


_PUNCTUATION = re.compile(r"([!-+\-/:-@\[-`{-~])")
"""ASCII punctuation but comma and full stop, which mean nothing within a line."""
_NUMBER = re.compile(r"^(\s*[0-9]+)\.", re.MULTILINE)
_BREAK_OF_URL = re.compile(r"(?i)\b(www)\.")
_CODE = str.maketrans({"`": "'", "|": "\N{BROKEN BAR}"})


def code(text: str) -> str:
    """Return a safe text as a code span, for a line or a table; empty for an empty one.

    A backtick becomes an apostrophe, a vertical bar a broken bar.
    """
    text = text.translate(_CODE).strip()
    return f"`{text}`" if text else ""


def prose(text: str) -> str:
    """Return a safe text of several lines so that Markdown shows it as it is: no tags, links, headings, mentions."""
    escaped = _PUNCTUATION.sub(r"\\\1", text)
    escaped = _BREAK_OF_URL.sub(r"\1\\.", _NUMBER.sub(r"\1\\.", escaped))
    return "\n".join(line.strip() for line in escaped.split("\n"))


def link(text: str, address: str) -> str:
    """Return a safe text that leads to an address of `web_links`; without an address, the text alone."""
    return f"[{code(text)}](<{address}>)" if address and code(text) else code(text)


def links(addresses: Iterable[str]) -> str:
    """Return a list of addresses of `web_links`."""
    return "\n".join(f"- <{address}>" for address in addresses)
