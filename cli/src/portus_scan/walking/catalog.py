"""What there is to scan in a registry: which repositories and tags are wanted, found while the scans already run."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

from attrs import frozen
from portus_images import Registry, UnknownRepositoryError
from portus_scanners import InvalidReferenceError, Reference, RegistryError, UnresolvedImage

from ..exits import CommandFault
from .records import short

LISTS_AT_ONCE = 8
"""Repositories whose tags are asked for at the same time."""
LARGEST_LIST = 64 * 1024 * 1024
"""Bytes of a list of repositories that a user gives."""
_NUMBER = re.compile(r"([0-9]+)")
_END = (0, 0, "")
_LONGEST_NUMBER = 18

Found = Reference | UnresolvedImage
"""An image to scan, or what could not be listed or is not a valid image name."""


@frozen(kw_only=True)
class Selection:
    """What is wanted of a registry.

    A pattern without a colon matches repositories (``team/*``), one with a colon repositories and tags
    (``team/app:1.*``). ``*`` stands for any characters, slashes included; ``?`` for one, ``[ab]`` for one of these.
    """

    namespace: str = ""
    """Repositories whose name begins with it and a slash, and the one of this name."""
    include: tuple[str, ...] = ()
    """What matches one of these patterns is wanted; everything where there are none."""
    exclude: tuple[str, ...] = ()
    """What matches one of these patterns is not wanted."""
    max_tags: int | None = None
    """At most this many tags of a repository: those with the highest versions."""

    def wants_repository(self, name: str) -> bool:
        """Return whether some tag of a repository may be wanted."""
        if self.namespace and name != self.namespace and not name.startswith(f"{self.namespace}/"):
            return False
        included = not self.include or any(fnmatchcase(name, pattern.partition(":")[0]) for pattern in self.include)
        return included and not any(fnmatchcase(name, pattern) for pattern in self.exclude if ":" not in pattern)

    def choose_tags(self, repository: str, tags: Iterable[str]) -> list[str]:
        """Return the wanted tags of a repository, the highest version first, each once."""
        wanted = {tag for tag in tags if self._wants_tag(repository, tag)}
        return sorted(wanted, key=version_order, reverse=True)[: self.max_tags]

    def _wants_tag(self, repository: str, tag: str) -> bool:
        included = not self.include or any(_fits(repository, tag, pattern) for pattern in self.include)
        return included and not any(_fits(repository, tag, pattern) for pattern in self.exclude)


def _fits(repository: str, tag: str, pattern: str) -> bool:
    return fnmatchcase(f"{repository}:{tag}" if ":" in pattern else repository, pattern)


def version_order(tag: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Return a key that sorts tags as people number versions.

    ``1.10`` is behind ``1.9``, ``2.0`` behind ``2.0-rc1``, and words are before numbers.
    """
    parts = [_order(part) for part in _NUMBER.split(tag) if part]
    return (*parts, _END), tag


def _order(part: str) -> tuple[int, int, str]:
    if part.isdecimal() and part.isascii() and len(part) <= _LONGEST_NUMBER:
        return 1, int(part), ""
    return (-1 if part.startswith("-") else 0), 0, part


def read_repositories(name: str) -> tuple[str, ...]:
    """Return the repositories that a user's file names, one a line, each once; ``-`` is stdin.

    Empty lines and what follows a ``#`` are ignored. A line may have a tag: ``team/app:1.0``.

    Raises:
        CommandFault: The file can't be read, is not UTF-8, is larger than 64 MiB, or names nothing.
    """
    try:
        data = _read(name)
    except OSError as error:
        raise CommandFault(f"can't read {name!r}: {error.strerror}") from error
    if len(data) > LARGEST_LIST:
        raise CommandFault(f"{name!r} is larger than {LARGEST_LIST // 1024**2} MiB")
    try:
        found = tuple(dict.fromkeys(_names(data.decode().splitlines())))
    except UnicodeDecodeError as error:
        raise CommandFault(f"{name!r} is not UTF-8 text: write one repository a line") from error
    if not found:
        raise CommandFault(f"{name!r} names no repository: write one a line, such as team/app")
    return found


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read(LARGEST_LIST + 1)
    with Path(name).open("rb") as file:
        return file.read(LARGEST_LIST + 1)


def _names(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if name := line.partition("#")[0].strip():
            yield name


class Catalog:
    """Finds the images of a registry that are wanted.

    Args:
        registry: The client.
        host: The registry's name.
        selection: What is wanted.
        named: Repositories that the user names, some with a tag; None: those that the registry lists.
        on_page: Told of each page of a list: its number, that of the last that would be read, and `total`.

    Attributes:
        total: How many images have been found so far.
        complete: Whether that is all.
        empty: Repositories in the registry's list that have no tag: pushes that were aborted, tags that were deleted.
        repeated: How many digests there are among the tags to which a tag of this walk points.
    """

    def __init__(
        self,
        registry: Registry,
        host: str,
        selection: Selection,
        named: Iterable[str] | None = None,
        on_page: Callable[[int, int, int], None] = lambda *_: None,
    ) -> None:
        self._registry = registry
        self._host = host
        self._selection = selection
        self._named = named
        self._on_page = on_page
        self._found: asyncio.Queue[Found | None] = asyncio.Queue()
        self._given: set[bytes] = set()
        self._fault: RegistryError | None = None
        self._digests: dict[str, Reference] = {}
        self._pointed: set[bytes] = set()
        self._begun = False
        self.total = 0
        self.complete = False
        self.empty: list[str] = []
        self.repeated = 0

    async def find(self) -> None:
        """List everything; `images` yields what is found meanwhile.

        Raises:
            RegistryError: The registry does not give the list of its repositories; what it gave before is found.
        """
        self._begun = True
        try:
            async for repository, tags in self._tag_lists():
                for one in self._images_of(repository, tags):
                    if isinstance(one, Reference) and one.digest and not self._split(repository)[1]:
                        self._hold_back(one)
                    else:
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

    def _hold_back(self, reference: Reference) -> None:
        """Keep a digest among the tags until it is known what these point to."""
        name = f"{reference.repository}@{reference.digest}"
        if short(name) in self._pointed:
            self.repeated += 1
        else:
            self._digests[name] = reference

    def note_resolved(self, reference: Reference, *digests: str | None) -> None:
        """Take note that a tag points to this: a digest among the tags that is the same is not scanned again."""
        for digest in set(digests) if reference.tag else ():
            name = f"{reference.repository}@{digest}"
            if self._digests.pop(name, None) is not None:
                self.repeated += 1
            elif not self._begun:  # from an earlier walk: what will be listed is not known yet
                self._pointed.add(short(name))

    async def digests(self) -> AsyncIterator[Found]:
        """Iterate over the digests among the tags to which no tag points; when the images have been scanned."""
        for reference in self._digests.values():
            self._give(reference)
        self._found.put_nowait(None)
        async for one in self.images():
            yield one

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
            listed = self._registry.repositories(
                self._host, namespace=self._selection.namespace, on_page=self._note_page
            )
            async for name in listed:
                if self._selection.wants_repository(name):
                    yield name
        except RegistryError as error:  # raised when the tags of the repositories before it are there
            self._fault = error

    def _note_page(self, number: int, most: int) -> None:
        self._on_page(number, most, self.total)

    async def _list_tags(self, name: str) -> list[str] | RegistryError:
        repository, tag = self._split(name)
        if tag:
            return [tag]
        try:
            return [tag async for tag in self._registry.tags(self._host, repository, on_page=self._note_page)]
        except UnknownRepositoryError as error:
            return error if self._named is not None else []
        except InvalidReferenceError as error:
            return RegistryError(str(error), registry=self._host, step="catalog")
        except RegistryError as error:
            return error

    def _images_of(self, name: str, tags: list[str] | RegistryError) -> Iterable[Found]:
        repository, _ = self._split(name)
        if isinstance(tags, RegistryError):
            return [UnresolvedImage(reference=f"{self._host}/{name}", step=tags.step, message=str(tags))]
        if not tags and self._named is None:
            self.empty.append(repository)
        return [self._image(repository, tag) for tag in self._selection.choose_tags(repository, tags)]

    def _image(self, repository: str, tag: str) -> Found:
        """Return the reference of a tag, or of a digest that is listed like one.

        A name that is not valid could otherwise mean another image.
        """
        text = f"{self._host}/{repository}{'@' if ':' in tag else ':'}{tag}"
        with suppress(InvalidReferenceError):
            reference = Reference.parse(text)
            names = {repository, f"library/{repository}"}  # of Docker Hub both mean the same
            if reference.repository in names and tag in {reference.tag, reference.digest}:
                return reference
        message = "the registry lists it, and it is not a valid image name"
        return UnresolvedImage(reference=text, step="tags", message=message)

    def _split(self, name: str) -> tuple[str, str]:
        """Return a repository, and the tag or digest that a user wrote behind it; a registry lists names alone."""
        if self._named is None:
            return name, ""
        repository, _, tag = name.partition("@" if "@" in name else ":")
        return repository, tag
