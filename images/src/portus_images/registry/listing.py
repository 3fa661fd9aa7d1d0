"""What there is in a registry: its repositories, and the tags of one.

Sources: distribution's ``docs/spec/api.md`` ("Catalog"), OCI distribution specification 1.1 ("Listing Tags").
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from ..errors import InvalidManifestError, RegistryError
from .answers import Answer
from .guarded import GuardedApi
from .paging import ForeignPageError, find_next_page
from .wire import MalformedError, WireCatalog, WireTags, parse_object, structure

PAGE = 100
"""Names that are asked for at once: distribution 3 refuses more than 1,000, some registries more than 100."""
MOST_PAGES = 100_000
LARGEST_PAGE = 16 * 1024 * 1024
"""Bytes. Distribution 2.8 gives all tags of a repository in one answer, whatever was asked for."""
_CATALOG = "/v2/_catalog"
_NOT_SHOWN = {401, 403, 404, 405, 501}
ListT = TypeVar("ListT", WireCatalog, WireTags)


async def list_repositories(api: GuardedApi) -> AsyncIterator[str]:
    """Iterate over the names of all repositories that the registry shows.

    Raises:
        RegistryError: It does not show them, or is not available.
        InvalidManifestError: Its answer is no list.
    """
    what = "the list of repositories"
    try:
        async for answer in _pages(api, _CATALOG, "catalog", what):
            for name in _read(api, answer, WireCatalog, "catalog", what).repositories:
                yield name
    except RegistryError as error:
        if error.status not in _NOT_SHOWN:
            raise
        message = f"{error}; many registries do not show it: name the repositories instead"
        raise type(error)(message, registry=error.registry, step="catalog", status=error.status) from error


async def list_tags(api: GuardedApi, repository: str) -> AsyncIterator[str]:
    """Iterate over the tags of a repository; none where all have been deleted.

    Raises:
        ImageNotFoundError: There is no such repository.
        RegistryError: The registry does not show them, or is not available.
        InvalidManifestError: Its answer is no list.
    """
    async for answer in _pages(api, f"/v2/{repository}/tags/list", "tags", repository):
        for tag in _read(api, answer, WireTags, "tags", repository).tags:
            yield tag


async def _pages(api: GuardedApi, path: str, step: str, what: str) -> AsyncIterator[Answer]:
    following: str | None = f"{path}?n={PAGE}"
    seen: set[str] = set()
    for _ in range(MOST_PAGES):
        if following is None:
            return
        present = following
        seen.add(present)
        answer = await api.get(present, step, what, {"Accept": "application/json"}, LARGEST_PAGE)
        yield answer
        try:
            base = await api.host.base()
            following = find_next_page(base, present, answer.headers.get("Link", ""), path)
        except ForeignPageError as error:
            raise _refuse(api, step, what, "its next page is none of this list's") from error
        if following in seen:
            raise _refuse(api, step, what, "its next page is one that was read already")
    raise _refuse(api, step, what, f"there are more than {MOST_PAGES} pages")


def _read(api: GuardedApi, answer: Answer, kind: type[ListT], step: str, what: str) -> ListT:
    try:
        return structure(parse_object(answer.body), kind)
    except MalformedError as error:
        raise _refuse(api, step, what, f"{error}; is it a registry?") from error


def _refuse(api: GuardedApi, step: str, what: str, why: str) -> InvalidManifestError:
    name = api.host.name
    return InvalidManifestError(f"{name}, {step} of {what}: {why}", registry=name, step=step)
