"""What refers to an image: SBOMs, signatures and attestations that were pushed with the image as their ``subject``.

Source: OCI distribution specification 1.1, "Listing Referrers" and "Referrers Tag Schema".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from ..blobs import Referrer
from ..errors import ImageNotFoundError, InvalidManifestError, RegistryError
from .manifest import Index
from .paging import ForeignPageError, find_next_page
from .repository import Repository
from .wire import Descriptor

MOST_PAGES = 20
MOST_REFERRERS = 1000
_NO_SUCH_API = {400, 404, 405, 406, 501}
_NO_TAG = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_ALGORITHM = 32
_LONGEST_HEX = 64


async def find_referrers(repository: Repository, digest: str, artifact_type: str = "") -> tuple[Referrer, ...]:
    """Return what refers to a manifest: by the registry's API; where it has none, by the tag that stands for it.

    Args:
        repository: Where the manifest is.
        digest: Its digest.
        artifact_type: Only those of this type; all where empty. A registry need not filter, so this does.

    Raises:
        RegistryError: The registry is not available, gives no credentials, or answers nonsense.
    """
    try:
        found = await _ask(repository, digest, artifact_type)
    except RegistryError as error:
        if error.step != "referrers" or error.status not in _NO_SUCH_API:
            raise
        found = await _read_tag(repository, digest)
    referrers = {entry.digest: _make_referrer(entry) for entry in found}
    return tuple(one for one in referrers.values() if artifact_type in {"", one.artifact_type})


async def _ask(repository: Repository, digest: str, artifact_type: str) -> Iterable[Descriptor]:
    what = f"{repository.name}@{digest}"
    path = f"referrers/{digest}" + (f"?artifactType={quote(artifact_type, safe='')}" if artifact_type else "")
    found: list[Descriptor] = []
    for _ in range(MOST_PAGES):
        page, link = await repository.fetch_referrers(path, what)
        found += _entries(page)
        if len(found) > MOST_REFERRERS:
            raise _refuse(repository, what, f"there are more than {MOST_REFERRERS}")
        following = await _find_next(repository, path, what, link)
        if following is None:
            return found
        path = following
    raise _refuse(repository, what, f"there are more than {MOST_PAGES} pages")


async def _find_next(repository: Repository, path: str, what: str, link: str) -> str | None:
    start = f"/v2/{repository.name}/"
    try:
        found = find_next_page(await repository.host.base(), f"{start}{path}", link, f"{start}referrers/")
    except ForeignPageError as error:
        raise _refuse(repository, what, "its next page is none of this repository's") from error
    return None if found is None else found.removeprefix(start)


async def _read_tag(repository: Repository, digest: str) -> Iterable[Descriptor]:
    try:
        found = await repository.fetch_manifest(make_tag(digest))
    except ImageNotFoundError:
        return ()
    return _entries(found) if isinstance(found, Index) else ()


def make_tag(digest: str) -> str:
    """Return the tag under which clients put referrers where the registry has no API for them."""
    algorithm, _, digits = digest.partition(":")
    return _NO_TAG.sub("-", f"{algorithm[:_LONGEST_ALGORITHM]}-{digits[:_LONGEST_HEX]}")


def _entries(index: Index) -> tuple[Descriptor, ...]:
    return (*index.entries, *index.attestations)


def _make_referrer(entry: Descriptor) -> Referrer:
    return Referrer(
        digest=entry.digest,
        media_type=entry.mediaType,
        size=entry.size,
        artifact_type=entry.artifactType,
        annotations=dict(entry.annotations),
    )


def _refuse(repository: Repository, what: str, why: str) -> InvalidManifestError:
    name = repository.host.name
    return InvalidManifestError(f"{name}, referrers of {what}: {why}", registry=name, step="referrers")
