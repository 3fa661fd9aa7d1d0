"""An mkdocs hook: it warns of a page that would load anything from another host, and so fails the strict build."""

from __future__ import annotations

import logging
import re
from typing import Any

from mkdocs.structure.pages import Page

logger = logging.getLogger("mkdocs.hooks.site_privacy")
_FOREIGN = re.compile(
    r"<(?:script|link|img|iframe|source|video|audio)\b[^>]*?(?:src|href)=[\"']?((?:https?:)?//[^\"'\s>]+)"
)


def on_post_page(output: str, page: Page, **_kwargs: Any) -> str:
    """Warn of each address on another host in the HTML of a page; links that a reader has to click do not count."""
    for address in loads(output):
        logger.warning("%s would load %s from another host", page.file.src_uri, address)
    return output


def loads(html: str) -> list[str]:
    """Return the addresses on other hosts that a browser would fetch by itself."""
    return _FOREIGN.findall(html)
