"""What a registry has, as distribution lists it.

Source: github.com/distribution/distribution v2.8, ``registry/handlers/{catalog,tags}.go``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from aiohttp import web

CATALOG_PAGE = 100
"""How many names a page has when the client does not say."""


def answer_catalog(names: Sequence[str], query: Mapping[str, str]) -> web.Response:
    """Return one page of the names of all repositories.

    Args:
        names: All of them, sorted.
        query: ``n``, how many; ``last``, behind which one the page begins.
    """
    page, headers = _cut(names, query, int(query.get("n", CATALOG_PAGE)), "/v2/_catalog")
    return web.json_response({"repositories": page}, headers=headers)


def answer_tags(repository: str, tags: Sequence[str], query: Mapping[str, str], page: int) -> web.Response:
    """Return one page of a repository's tags.

    Args:
        repository: Its name.
        tags: All of them, sorted; null in the answer where there are none.
        query: See `answer_catalog`.
        page: The most that a page has; 0: all of them, whatever the client says, as distribution 2.8 does.
    """
    shown, headers = _cut(tags, query, page or len(tags), f"/v2/{repository}/tags/list")
    return web.json_response({"name": repository, "tags": shown or None}, headers=headers)


def _cut(names: Sequence[str], query: Mapping[str, str], size: int, path: str) -> tuple[list[str], dict[str, str]]:
    rest = [name for name in names if name > query.get("last", "")]
    page = rest[:size]
    if len(page) == len(rest):
        return page, {}
    following = urlencode({"last": page[-1], "n": size})
    return page, {"Link": f'<{path}?{following}>; rel="next"'}
