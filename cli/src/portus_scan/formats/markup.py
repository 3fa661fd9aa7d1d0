"""Foreign text in Markdown, as GitHub and GitLab read it.

`code` is the strongest: in a code span nothing is a tag, a link, a mention, a reference or emphasis. Two characters can
end it or the cell of a table around it, and are replaced. `prose` keeps lines readable and escapes punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

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
