"""Answers in pages: the header ``Link`` that names the next one.

Source: OCI distribution specification 1.1, "Listing Tags" and "Listing Referrers"; RFC 8288.
"""

from __future__ import annotations

import re

from yarl import URL

from .hosts import same_origin

_NEXT = re.compile(r"""<([^>]*)>[^,<]*;\s*rel="?next"?""")


class ForeignPageError(ValueError):
    """A next page that is not where the first one was."""


def find_next_page(base: URL, path: str, link: str, inside: str) -> str | None:
    """Return the path of the next page, with its query; None where there is none.

    Args:
        base: The registry's address.
        path: The present page's path.
        link: The header ``Link``; empty where there was none.
        inside: What the path of each page begins with: a link to elsewhere is not followed.

    Raises:
        ForeignPageError: It leads elsewhere.
    """
    following = _NEXT.search(link)
    if following is None:
        return None
    try:
        target = base.join(URL(path, encoded=True)).join(URL(following[1], encoded=True))
        usable = same_origin(base, target)
    except ValueError as error:
        raise ForeignPageError from error
    found = target.raw_path_qs
    if not (following[1] and usable and found.startswith(inside)) or ".." in found:
        raise ForeignPageError
    return found
