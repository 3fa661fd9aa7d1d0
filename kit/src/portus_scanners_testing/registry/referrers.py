"""What a registry says of the artifacts that refer to a manifest.

Source: OCI distribution specification 1.1, "Listing Referrers".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from aiohttp import web

from ..images.builder import BuiltImage, Pushable
from ..images.media_types import OCI_INDEX


def find_referrers(stored: Iterable[Pushable], digest: str) -> list[BuiltImage]:
    """Return the artifacts among what is stored that have this subject."""
    return [item for item in stored if isinstance(item, BuiltImage) and item.subject == digest]


def describe_referrers(found: Iterable[BuiltImage]) -> bytes:
    """Return the index that lists them."""
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
    """Return one page of them.

    Args:
        found: All of them.
        path: What was asked for.
        query: ``artifactType``; ``start``, which is this server's own word for a later page.
        page: How many a page has; 0: all of them.
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
    """Return the tag that stands for the list where a registry has no API for it."""
    return digest.replace(":", "-")[: len("sha256-") + 64]
