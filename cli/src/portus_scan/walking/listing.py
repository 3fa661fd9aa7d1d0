"""What there is to scan in a registry: found while the scans already run."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress

from portus_images import Registry
from portus_scanners import InvalidReferenceError, Reference, RegistryError, UnresolvedImage

from .results import short
from .selection import Selection

LISTS_AT_ONCE = 8
"""Repositories whose tags are asked for at the same time."""

Found = Reference | UnresolvedImage
"""An image to scan, or what could not be listed or is no image's name."""


class Catalog:
    """Finds the images of a registry that are wanted.

    Args:
        registry: The client.
        host: The registry's name.
        selection: What is wanted.
        named: Repositories that the user names, some with a tag; None: those that the registry lists.
    """

    def __init__(self, registry: Registry, host: str, selection: Selection, named: Iterable[str] | None = None) -> None:
        self._registry = registry
        self._host = host
        self._selection = selection
        self._named = named
        self._found: asyncio.Queue[Found | None] = asyncio.Queue()
        self._given: set[bytes] = set()
        self._fault: RegistryError | None = None
        self.total = 0
        """How many images have been found so far."""
        self.complete = False
        """Whether that is all."""

    async def find(self) -> None:
        """List everything; what is found is given by `images` meanwhile.

        Raises:
            RegistryError: The registry does not give the list of its repositories; what it gave before is found.
        """
        try:
            async for repository, tags in self._tag_lists():
                for one in self._images_of(repository, tags):
                    self._give(one)
            if self._fault is not None:
                raise self._fault
            self.complete = True
        finally:
            self._found.put_nowait(None)

    def _give(self, one: Found) -> None:
        """Let an image be scanned, once: a registry that is written to repeats names, and so do lists of users."""
        known = short(one.reference if isinstance(one, UnresolvedImage) else str(one))
        if known not in self._given:
            self._given.add(known)
            self.total += 1
            self._found.put_nowait(one)

    async def images(self) -> AsyncIterator[Found]:
        """Iterate over what is found, in the registry's order, to the end of `find`."""
        while (one := await self._found.get()) is not None:
            yield one

    async def _tag_lists(self) -> AsyncIterator[tuple[str, list[str] | RegistryError]]:
        """Yield each repository with its tags, or why there are none; some are asked for ahead."""
        window: deque[tuple[str, asyncio.Task[list[str] | RegistryError]]] = deque()
        try:
            async for name in self._repositories():
                window.append((name, asyncio.create_task(self._list_tags(name))))
                if len(window) == LISTS_AT_ONCE:
                    yield window[0][0], await window[0][1]
                    window.popleft()
            while window:
                yield window[0][0], await window[0][1]
                window.popleft()
        finally:
            for _, task in window:
                task.cancel()
            await asyncio.gather(*(task for _, task in window), return_exceptions=True)

    async def _repositories(self) -> AsyncIterator[str]:
        if self._named is not None:
            for name in self._named:
                if self._selection.wants_repository(self._split(name)[0]):
                    yield name
            return
        try:
            async for name in self._registry.repositories(self._host):
                if self._selection.wants_repository(name):
                    yield name
        except RegistryError as error:  # raised when the tags of those before it are there
            self._fault = error

    async def _list_tags(self, name: str) -> list[str] | RegistryError:
        repository, tag = self._split(name)
        if tag:
            return [tag]
        try:
            return [tag async for tag in self._registry.tags(self._host, repository)]
        except InvalidReferenceError as error:
            return RegistryError(str(error), registry=self._host, step="catalog")
        except RegistryError as error:
            return error

    def _images_of(self, name: str, tags: list[str] | RegistryError) -> Iterable[Found]:
        repository, _ = self._split(name)
        if isinstance(tags, RegistryError):
            return [UnresolvedImage(reference=f"{self._host}/{name}", step=tags.step, message=str(tags))]
        return [self._image(repository, tag) for tag in self._selection.choose_tags(repository, tags)]

    def _image(self, repository: str, tag: str) -> Found:
        """Return the reference of a tag; a name that is none could otherwise mean another image."""
        text = f"{self._host}/{repository}:{tag}"
        with suppress(InvalidReferenceError):
            reference = Reference.parse(text)
            names = {repository, f"library/{repository}"}  # of Docker Hub both mean the same
            if reference.repository in names and (reference.tag, reference.digest) == (tag, None):
                return reference
        return UnresolvedImage(reference=text, step="tags", message="the registry lists it, and it is no image's name")

    def _split(self, name: str) -> tuple[str, str]:
        """Return a repository, and the tag that the user wrote behind it; a registry lists repositories alone."""
        repository, _, tag = name.partition(":") if self._named is not None else (name, "", "")
        return repository, tag
