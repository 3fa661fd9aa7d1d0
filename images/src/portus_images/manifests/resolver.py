"""The images that a reference stands for: the one for a platform, or all of an index."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Protocol

from attrs import define, evolve, field, frozen

from ..errors import ImageNotFoundError, InvalidManifestError, LocalImageError, RegistryError
from ..image import Image, LocalImage, Platform
from ..reference import ImageReference
from .artifacts import OTHER
from .manifest import ImageIndex, ImageManifest, is_for_no_platform, is_known, make_platform, rank_entries
from .platforms import normalize_platform, own_platform, rank_platform
from .wire import Descriptor, MalformedError, TwiceError

MOST_NESTED = 3
"""How deep an index may be inside others."""
MOST_IMAGES = 200
"""Entries, images or not, in all the indexes that one reference stands for."""
MOST_INDEXES = 20
"""Indexes that are read for one reference."""
_MOST_NAMED = 20
_PLAIN_ARM = "linux/arm"
_LOGGER = logging.getLogger("portus_images.registry")


class ManifestSource(Protocol):
    """Where manifests and small blobs come from: a repository, a folder, an archive."""

    async def fetch_entry(self, entry: Descriptor) -> ImageManifest | ImageIndex:
        """Return the manifest that an index names, verified."""

    async def fetch_platform(self, digest: str) -> Platform | None:
        """Return the platform that an image's configuration names, verified: see `read_platform`."""


@frozen
class Resolved:
    """One image, or what is not one: see `ImageManifest.unsupported`."""

    manifest: ImageManifest
    platform: Platform | None = None
    index_digest: str | None = None
    """See `Image`, for this and the next one."""
    index_platform: Platform | None = None


@frozen
class _NestedIndex:
    """An index, how deep it is inside others, and the platform that those name for it."""

    index: ImageIndex
    depth: int = 0
    platform: Platform | None = None


@define(eq=False, repr=False)
class Resolver:
    """Resolves one reference, once.

    Args:
        source: Where its manifests are.
        what: The reference, for messages.
        registry: See `RegistryError`.
        known: The digest of an image whose platform the caller does not want to know.
    """

    _source: ManifestSource
    _what: ImageReference | str
    _registry: str = ""
    _known: str = field(default="", kw_only=True)
    _seen: set[str] = field(factory=set, init=False)
    _indexes: int = field(default=0, init=False)

    async def one(self, found: ImageManifest | ImageIndex, platform: Platform | None) -> Resolved:
        """Return the image for a platform. One that is in no index is returned whatever its platform.

        An index of artifacts alone, as clients keep it under the tag of what these refer to, is one itself. Where no
        platform is named, the machine's own is meant (always Linux).

        Raises:
            ImageNotFoundError: No index has one.
            InvalidManifestError: Indexes lie too deep inside each other, or are too many.
            RegistryError: A manifest can't be had.
        """
        if isinstance(found, ImageManifest):
            return await self._complete(found, None)
        wanted = platform or own_platform()
        offered: dict[str, None] = {}
        resolved = await self._search(_NestedIndex(found), wanted, offered)
        if (resolved is None and not offered) or (resolved is not None and resolved.manifest.artifact):
            resolved = await self._judge_artifacts(found, resolved)
        if resolved is None:
            raise self._not_found(wanted, list(offered))
        if resolved.manifest.digest == found.digest:
            return resolved
        return evolve(resolved, index_digest=found.digest, index_platform=normalize_platform(wanted))

    async def all(self, found: ImageManifest | ImageIndex) -> tuple[Resolved, ...]:
        """Return all images, in the order of the indexes; an entry that is not one, or can't be had, says why.

        An image that is there twice is returned once.

        Raises:
            InvalidManifestError: There are too many.
            RegistryError: The registry is not available.
        """
        if isinstance(found, ImageManifest):
            return (await self._complete(found, None),)
        images: list[Resolved] = []
        first = _first_of_each_platform(found)
        async for resolved in self._each(_NestedIndex(found)):
            if len(images) == MOST_IMAGES:
                raise self._refuse(f"more than {MOST_IMAGES} images; name one by its digest, or its platform")
            pulled = first.get(resolved.manifest.digest)
            images.append(evolve(resolved, index_digest=found.digest, index_platform=pulled))
        if not images:
            raise self._refuse("its index names no image")
        return tuple(images)

    async def _judge_artifacts(self, index: ImageIndex, resolved: Resolved | None) -> Resolved | None:
        """Return an index as the artifact that it is where each entry is one; else *resolved*, as not known to be one.

        What an entry is, its own manifest says; one with the platform of attestations is not read.
        """
        entries = [entry for entry in index.all_entries if not is_for_no_platform(entry)]
        kinds = {"attestation"} if len(entries) < len(index.all_entries) else set()
        for entry in entries:
            found = await self._fetch(entry)
            kind = found.artifact if isinstance(found, ImageManifest) else None
            if kind is None:
                return resolved and evolve(resolved, manifest=evolve(resolved.manifest, artifact=None))
            kinds.add(kind)
        return Resolved(_make_artifact_index(index, sorted(kinds))) if kinds else resolved

    async def _search(self, nested: _NestedIndex, wanted: Platform, offered: dict[str, None]) -> Resolved | None:
        """Return the image for a platform, of the entries that may have it, best first; None where none has."""
        self._enter(nested)
        offered.update(dict.fromkeys(nested.index.platforms))
        for entry, platform in self._unseen(rank_entries(nested.index, wanted), nested):
            found = await self._fetch_chosen(entry)
            if found is None:
                return None
            if isinstance(found, ImageManifest):
                completed = await self._complete(found, platform)
                fits = len(nested.index.all_entries) == 1 or found.digest == self._known
                return completed if fits or _serves(completed, wanted) else None
            if resolved := await self._search(_NestedIndex(found, nested.depth + 1, platform), wanted, offered):
                return resolved
        return None

    async def _fetch_chosen(self, entry: Descriptor) -> ImageManifest | ImageIndex | None:
        """Return what an entry names; None where it is no manifest at all, as in the caches that BuildKit pushes.

        Docker asks for it whatever its media type.
        """
        try:
            return await self._source.fetch_entry(entry)
        except ImageNotFoundError:
            if is_known(entry.mediaType):
                raise
            return None

    async def _each(self, nested: _NestedIndex) -> AsyncIterator[Resolved]:
        self._enter(nested)
        for entry, platform in self._unseen(nested.index.entries, nested):
            found = await self._fetch(entry)
            if isinstance(found, ImageManifest):
                yield await self._complete_entry(entry, found, platform)
                continue
            async for resolved in self._each(_NestedIndex(found, nested.depth + 1, platform)):
                yield resolved
        for entry in nested.index.attestations:
            yield Resolved(_stand_in(entry, "it is an attestation, not a container image", "attestation"))

    def _unseen(
        self, entries: Iterable[Descriptor], nested: _NestedIndex
    ) -> Iterator[tuple[Descriptor, Platform | None]]:
        for entry in entries:
            if entry.digest not in self._seen:
                self._seen.add(entry.digest)
                yield entry, make_platform(entry.platform) or nested.platform

    async def _fetch(self, entry: Descriptor) -> ImageManifest | ImageIndex:
        """Return what an entry names; an entry that can't be had must not hide the others."""
        if not is_known(entry.mediaType):
            return _stand_in(entry, f"its media type {entry.mediaType} is not one of an image's manifest", OTHER)
        try:
            return await self._source.fetch_entry(entry)
        except (ImageNotFoundError, InvalidManifestError, LocalImageError) as error:
            return _stand_in(entry, f"its manifest can't be had: {error}")

    async def _complete_entry(self, entry: Descriptor, found: ImageManifest, platform: Platform | None) -> Resolved:
        """Return one of many; what is wrong with it must not hide the others."""
        try:
            return await self._complete(found, platform)
        except InvalidManifestError as error:
            return Resolved(_stand_in(entry, f"it can't be read: {error}"), platform)

    async def _complete(self, manifest: ImageManifest, platform: Platform | None) -> Resolved:
        return Resolved(manifest, platform or manifest.platform or await self._ask_platform(manifest))

    async def _ask_platform(self, manifest: ImageManifest) -> Platform | None:
        """Return the platform that an image's configuration names; None where that can't be had."""
        if manifest.unsupported or manifest.config is None or manifest.digest == self._known:
            return None
        try:
            return await self._source.fetch_platform(manifest.config.digest)
        except TwiceError as error:
            raise self._refuse(f"its configuration: {error}") from error
        except (RegistryError, MalformedError) as error:
            _LOGGER.debug("no platform of %s@%s: %s", self._what, manifest.digest, error)
            return None

    def _enter(self, nested: _NestedIndex) -> None:
        self._indexes += 1
        if nested.depth >= MOST_NESTED:
            raise self._refuse(f"more than {MOST_NESTED} indexes inside each other; name the image by its digest")
        if self._indexes > MOST_INDEXES:
            raise self._refuse(f"more than {MOST_INDEXES} indexes; name the image by its digest")

    def _refuse(self, what: str) -> InvalidManifestError:
        return InvalidManifestError(f"{self._what}: {what}", registry=self._registry, step="resolve")

    def _not_found(self, wanted: Platform, offered: list[str]) -> ImageNotFoundError:
        there = ", ".join(offered[:_MOST_NAMED]) or "none that is named"
        message = f"{self._what} has no image for {wanted}; there are: {there}; choose one of them as the platform"
        return ImageNotFoundError(message, registry=self._registry, step="resolve")


def make_image(reference: ImageReference, resolved: Resolved, local: LocalImage | None = None) -> Image:
    """Return the image that a reference has turned out to name."""
    manifest = resolved.manifest
    return Image(
        reference=reference,
        digest=manifest.digest,
        media_type=manifest.media_type,
        platform=resolved.platform,
        config_digest=manifest.config.digest if manifest.config else None,
        layers=manifest.layers,
        unsupported=manifest.unsupported,
        artifact=manifest.artifact,
        local=local,
        index_digest=resolved.index_digest,
        index_platform=resolved.index_platform,
    )


def _serves(resolved: Resolved, wanted: Platform) -> bool:
    """Tell whether an image is for a platform; what is no image has none to ask for."""
    if resolved.manifest.unsupported:
        return True
    return resolved.platform is not None and rank_platform(wanted, resolved.platform) is not None


def _first_of_each_platform(index: ImageIndex) -> dict[str, Platform]:
    """Return the entries that a pull for their own platform gives, each with that platform: of equals the first.

    A plain ``linux/arm`` is no platform to ask every program for: some read it as ``v7``, others as itself.
    """
    entries: dict[Platform, tuple[str, Platform]] = {}
    for entry in index.entries:
        if platform := make_platform(entry.platform):
            entries.setdefault(normalize_platform(platform), (entry.digest, platform))
    found = ((digest, platform) for platform, (digest, named) in entries.items() if str(named).lower() != _PLAIN_ARM)
    return dict(found)


def _make_artifact_index(index: ImageIndex, kinds: list[str]) -> ImageManifest:
    return ImageManifest(
        digest=index.digest,
        media_type=index.media_type,
        unsupported=f"it is an index of artifacts alone ({', '.join(kinds)}), not of container images",
        artifact=kinds[0] if len(kinds) == 1 else OTHER,
    )


def _stand_in(entry: Descriptor, unsupported: str, artifact: str | None = None) -> ImageManifest:
    return ImageManifest(digest=entry.digest, media_type=entry.mediaType, unsupported=unsupported, artifact=artifact)
