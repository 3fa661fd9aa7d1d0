"""What a registry lists, page by page: its repositories, the tags of one, and what refers to an image.

Sources: distribution's ``docs/spec/api.md`` ("Catalog"); OCI distribution specification 1.1 ("Listing Tags", "Listing
Referrers", "Referrers Tag Schema"). The header ``Link`` names the next page: ``links.py``.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeVar
from urllib.parse import quote

from attrs import evolve
from yarl import URL

from ..blobs import Referrer
from ..errors import ImageNotFoundError, InvalidManifestError, RegistryAuthError, RegistryError, UnknownRepositoryError
from ..manifests import (
    OCI_INDEX,
    Descriptor,
    ImageIndex,
    MalformedError,
    WireCatalog,
    WireTags,
    parse_object,
    read_members,
    structure,
)
from .access import RegistryAccess
from .links import find_next_page
from .repository import Repository, malformed_answer, parse_answer

PAGE = 100
"""Names that are asked for at once: distribution 3 refuses more than 1,000, some registries more than 100."""
MOST_PAGES = 100_000
LARGEST_PAGE = 16 * 1024 * 1024
"""Bytes. Distribution 2.8 gives all tags of a repository in one answer, whatever was asked for."""
MOST_REFERRER_PAGES = 20
MOST_REFERRERS = 1000
_NOT_SHOWN = {401, 403, 404, 405, 501}
_NO_SUCH_API = {400, 404, 405, 406, 501}
_NOT_IN_TAGS = r"[^A-Za-z0-9._-]"
_LONGEST_ALGORITHM = 32
_LONGEST_HEX = 64
ListT = TypeVar("ListT", WireCatalog, WireTags)
OnPage = Callable[[int, int], None]


async def list_repositories(access: RegistryAccess, on_page: OnPage | None = None) -> AsyncIterator[str]:
    """Iterate over the names of all repositories that the registry shows: see `Registry.repositories`."""
    try:
        what = "the list of repositories"
        async for page in _read_pages(access, "/v2/_catalog", "catalog", what, WireCatalog, on_page):
            for name in page.repositories:
                yield name
        if access.fault:
            message = f"{access.host.name}, catalog: without a log-in this may be the list of a part: {access.fault}"
            raise RegistryAuthError(message, registry=access.host.name, step="catalog")
    except RegistryError as error:
        if error.status not in _NOT_SHOWN:
            raise
        message = f"{error}; many registries do not show it: name the repositories instead"
        raise type(error)(message, registry=error.registry, step="catalog", status=error.status) from error


async def list_tags(repository: Repository, on_page: OnPage | None = None) -> AsyncIterator[str]:
    """Iterate over the tags of a repository, none where all have been deleted: see `Registry.tags`."""
    name, host, begun = repository.name, repository.access.host.name, False
    try:
        async for page in _read_pages(repository.access, f"/v2/{name}/tags/list", "tags", name, WireTags, on_page):
            begun = True
            if page.name and not f"/{name}".endswith(f"/{page.name}"):  # Artifactory leaves its own prefix out
                message = f"{host}, tags of {name}: the answer is the list of {page.name!r:.200}"
                raise InvalidManifestError(message, registry=host, step="tags")
            for tag in page.tags:
                yield tag
    except UnknownRepositoryError as error:
        if not begun and await repository.access.is_let_in():
            raise
        why = "its list broke off" if begun else "it may be hidden from those who have not logged in"
        raise ImageNotFoundError(f"{error}; {why}", registry=host, step=error.step, status=error.status) from error


async def find_referrers(repository: Repository, digest: str, artifact_type: str = "") -> tuple[Referrer, ...]:
    """Return what refers to a manifest: by the registry's API; where it has none, by the tag that stands for it.

    Only those of one type where it is given: a registry need not filter, so this does.

    Raises:
        RegistryError: The registry is not available, gives no credentials, or answers nonsense.
    """
    try:
        found = await _ask_for_referrers(repository, digest, artifact_type)
    except RegistryError as error:
        if error.step != "referrers" or error.status not in _NO_SUCH_API:
            raise
        found = await _read_referrers_tag(repository, digest)
    referrers = {entry.digest: _make_referrer(entry) for entry in found}
    return tuple(one for one in referrers.values() if artifact_type in {"", one.artifact_type})


def make_tag(digest: str) -> str:
    """Return the tag under which clients put referrers where the registry has no API for them."""
    algorithm, _, digits = digest.partition(":")
    return re.sub(_NOT_IN_TAGS, "-", f"{algorithm[:_LONGEST_ALGORITHM]}-{digits[:_LONGEST_HEX]}")


async def _read_pages(
    access: RegistryAccess, path: str, step: str, what: str, kind: type[ListT], on_page: OnPage | None
) -> AsyncIterator[ListT]:
    headers = {"Accept": "application/json"}
    call = await access.host.make_call(step, what, f"{path}?n={PAGE}", headers=headers, limit=LARGEST_PAGE)
    seen: set[URL] = set()
    for number in range(1, MOST_PAGES + 1):
        seen.add(call.url)
        answer = await access.get(call)
        try:
            page = _read_page(answer.body, kind)
        except MalformedError as error:
            raise call.make_error(InvalidManifestError, f"{error}; is it a registry?") from error
        if on_page is not None:
            on_page(number, MOST_PAGES)
        yield page
        following = find_next_page(call, answer, path)
        if following is None:
            return
        if following in seen:
            raise call.make_error(InvalidManifestError, "its next page is one that was read already")
        call = evolve(call, url=following)
    raise call.make_error(InvalidManifestError, f"there are more than {MOST_PAGES} pages")


def _read_page(body: bytes, kind: type[ListT]) -> ListT:
    document = parse_object(body)
    if read_members(document, ("errors",)).get("errors"):
        raise MalformedError("it has errors beside a list, or in its place")
    return structure(document, kind)


async def _ask_for_referrers(repository: Repository, digest: str, artifact_type: str) -> Iterable[Descriptor]:
    path = f"/v2/{repository.name}/referrers/"
    query = f"?artifactType={quote(artifact_type, safe='')}" if artifact_type else ""
    what, headers = f"{repository.name}@{digest}", {"Accept": OCI_INDEX}
    call = await repository.access.host.make_call("referrers", what, f"{path}{digest}{query}", headers=headers)
    found: list[Descriptor] = []
    for _ in range(MOST_REFERRER_PAGES):
        answer = await repository.access.get(call)
        page = parse_answer(call, answer, None)
        if not isinstance(page, ImageIndex):
            raise malformed_answer(call, answer, MalformedError("it is not an index"))
        found += page.all_entries
        if len(found) > MOST_REFERRERS:
            raise call.make_error(InvalidManifestError, f"there are more than {MOST_REFERRERS}")
        following = find_next_page(call, answer, path)
        if following is None:
            return found
        call = evolve(call, url=following)
    raise call.make_error(InvalidManifestError, f"there are more than {MOST_REFERRER_PAGES} pages")


async def _read_referrers_tag(repository: Repository, digest: str) -> Iterable[Descriptor]:
    try:
        found = await repository.fetch_manifest(make_tag(digest))
    except ImageNotFoundError:
        return ()
    return found.all_entries if isinstance(found, ImageIndex) else ()


def _make_referrer(entry: Descriptor) -> Referrer:
    return Referrer(
        digest=entry.digest,
        media_type=entry.mediaType,
        size=entry.size,
        artifact_type=entry.artifactType,
        annotations=dict(entry.annotations),
    )
