"""What a registry lists: its repositories, a repository's tags, the artifacts that refer to a manifest.

Sources: github.com/distribution/distribution v2.8, ``registry/handlers/{catalog,tags}.go``; OCI distribution
specification 1.1, "Listing Referrers".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlencode

from aiohttp import web

from ..images import OCI_INDEX, BuiltImage, Pushable

CATALOG_PAGE = 100
"""Names on a page if the client does not ask for a number."""


def answer_catalog(names: Sequence[str], query: Mapping[str, str]) -> web.Response:
    """Return one page of the names of all repositories.

    Args:
        names: All names, sorted.
        query: ``n``, how many; ``last``, the name after which the page begins.
    """
    page, headers = _cut(names, query, int(query.get("n", CATALOG_PAGE)), "/v2/_catalog")
    return web.json_response({"repositories": page}, headers=headers)


def answer_tags(repository: str, tags: Sequence[str], query: Mapping[str, str], page: int) -> web.Response:
    """Return one page of a repository's tags.

    Args:
        repository: The repository's name.
        tags: All tags, sorted; if there are none, the answer says null.
        query: See `answer_catalog`.
        page: Most tags on a page; 0: all tags, whatever the client asks for, as distribution 2.8 does.
    """
    shown, headers = _cut(tags, query, page or len(tags), f"/v2/{repository}/tags/list")
    return web.json_response({"name": repository, "tags": shown or None}, headers=headers)


def find_referrers(stored: Iterable[Pushable], digest: str) -> list[BuiltImage]:
    """Return the stored artifacts whose subject is this digest."""
    return [item for item in stored if isinstance(item, BuiltImage) and item.subject == digest]


def describe_referrers(found: Iterable[BuiltImage]) -> bytes:
    """Return the index that lists these artifacts."""
    manifests = [
        {
            "mediaType": item.media_type,
            "digest": item.digest,
            "size": len(item.manifest),
            "artifactType": item.artifact_type,
            "annotations": dict(item.annotations),
        }
        for item in found
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}).encode()


def answer_referrers(found: list[BuiltImage], path: str, query: Mapping[str, str], page: int) -> web.Response:
    """Return one page of a manifest's referrers.

    Args:
        found: All referrers.
        path: The path of the request.
        query: ``artifactType``; ``start``, this server's own parameter for a later page.
        page: Most referrers on a page; 0: all of them.
    """
    headers = {"Content-Type": OCI_INDEX}
    if wanted := query.get("artifactType"):
        found = [item for item in found if item.artifact_type == wanted]
        headers["OCI-Filters-Applied"] = "artifactType"
    start = int(query.get("start", "0"))
    end = start + page if page else len(found)
    if end < len(found):
        following = urlencode({**query, "start": end})
        headers["Link"] = f'<{path}?{following}>; rel="next"'
    return web.Response(body=describe_referrers(found[start:end]), headers=headers)


def make_tag(digest: str) -> str:
    """Return the tag under which clients keep the list if a registry has no API for referrers."""
    return digest.replace(":", "-")[: len("sha256-") + 64]


def _cut(names: Sequence[str], query: Mapping[str, str], size: int, path: str) -> tuple[list[str], dict[str, str]]:
    rest = [name for name in names if name > query.get("last", "")]
    page = rest[:size]
    if len(page) == len(rest):
        return page, {}
    following = urlencode({"last": page[-1], "n": size})
    return page, {"Link": f'<{path}?{following}>; rel="next"'}
