"""What tags pointed to last time: a file, and the question whether they still do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import evolve, frozen
from portus_images import Registry, load_json
from portus_scanners import Image, Platform, Reference

from ..delivery import write_file
from ..exits import CommandFault
from .catalog import Found

LARGEST_SINCE_FILE = 256 * 1024 * 1024
"""Bytes."""
_VERSION = 1


@frozen
class Seen:
    """What a tag pointed to when it was scanned to the end, or was found to be no image."""

    image: str = ""
    """The digest of the image; empty where the tag was not seen."""
    pointer: str = ""
    """See `TagLookup.pointer`; empty where none decides."""
    artifact: str = ""
    """What it is, where it is not an image."""


class SinceFile:
    """What tags pointed to last time: ``{"version": 1, "scanners": ["clair"], "digests": {"a/b:1.0": "sha256:..."}}``.

    Of the same form as ``digests``, and only in files of this version and later, are ``pointers`` and ``artifacts``.

    Args:
        path: The file; one that is not there yet is an empty one.
        scanners: The scanners of now. An image that not all of them have seen counts as new.
        platform: The platform that is scanned; pointers hold for this one.

    Raises:
        CommandFault: The file can't be read, or is something else.
    """

    def __init__(self, path: Path, scanners: Iterable[str], platform: str = "") -> None:
        self._path = path
        self._scanners = sorted(scanners)
        self._platform = platform
        self._before = _read_since(path, self._scanners, platform)
        self._pointers: dict[str, str] = {}
        self._now: dict[str, Seen] = {}

    def find(self, reference: str) -> Seen:
        """Return what a tag pointed to last time."""
        return self._before.get(reference, Seen())

    def keep(self, reference: str, pointer: str | None) -> Seen:
        """Count a tag that still points to the same as seen this time too, and return what that is."""
        self._now[reference] = evolve(self._before[reference], pointer=pointer or "")
        return self._now[reference]

    def expect(self, reference: str, pointer: str | None) -> None:
        """Remember what a tag points to, for when it has been scanned to the end."""
        if pointer:
            self._pointers[reference] = pointer

    def note(self, reference: str, digest: str, artifact: str | None = None) -> None:
        """Remember what has been scanned to the end, or is not an image."""
        self._now[reference] = Seen(digest, self._pointers.pop(reference, ""), artifact or "")

    def write(self, *, all_seen: bool) -> None:
        """Replace the file by what was seen now.

        Args:
            all_seen: Whether the whole registry was walked: tags that are no longer there are forgotten then.

        Raises:
            CommandFault: It can't be written.
        """
        seen = self._now if all_seen else {**self._before, **self._now}
        document = {
            "version": _VERSION,
            "scanners": self._scanners,
            "platform": self._platform,
            "digests": {reference: one.image for reference, one in seen.items()},
            "pointers": {reference: one.pointer for reference, one in seen.items() if one.pointer},
            "artifacts": {reference: one.artifact for reference, one in seen.items() if one.artifact},
        }
        text = json.dumps(document, indent=0, sort_keys=True) + "\n"
        try:
            write_file(self._path, [text.encode()])
        except OSError as error:
            raise CommandFault(f"can't write {str(self._path)!r}: {error.strerror}") from error


class TagLookups:
    """Asks a registry whether tags still point to what they pointed to.

    Args:
        registry: The client.
        file: What they pointed to.
        platform: Which image of an index; the machine's own where None.
    """

    def __init__(self, registry: Registry, file: SinceFile, platform: Platform | None) -> None:
        self._registry = registry
        self._file = file
        self._platform = platform

    async def find(self, one: Found) -> Found | Image | Seen:
        """Return the image that is new, or what was seen before; as it is where that is not known."""
        if not isinstance(one, Reference):
            return one
        before = self._file.find(one.text)
        try:
            found = await self._registry.look_up(one, self._platform, pointer=before.pointer, image=before.image)
        except Exception:  # noqa: BLE001 (whatever it is: the scan of this one image will say why)
            return one
        if found.image is None or found.image.digest == before.image:
            return self._file.keep(one.text, found.pointer)
        self._file.expect(one.text, found.pointer)
        return found.image


def _read_since(path: Path, scanners: Iterable[str], platform: str) -> dict[str, Seen]:
    """Return what all these scanners have seen."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_SINCE_FILE + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CommandFault(f"can't read {str(path)!r}: {error.strerror}") from error
    document = _parse_since(path, data)
    if not set(scanners) <= set(document["scanners"]):
        return {}
    pointers = document["pointers"] if document["platform"] == platform else {}
    artifacts = document["artifacts"]
    return {
        reference: Seen(digest, pointers.get(reference, ""), artifacts.get(reference, ""))
        for reference, digest in document["digests"].items()
    }


def _parse_since(path: Path, data: bytes) -> dict[str, Any]:
    """Return the members of a file; earlier ones have no platform, pointers and artifacts."""
    try:
        written: Any = load_json(data) if len(data) <= LARGEST_SINCE_FILE else None
        document: dict[str, Any] = {"platform": None, "pointers": {}, "artifacts": {}, **written}
        known = document["version"] == _VERSION and isinstance(document["scanners"], list)
        strings = list(document["scanners"])
        for name in ("digests", "pointers", "artifacts"):
            strings += document[name].values()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _not_a_since_file(path) from error
    if not known or not all(isinstance(one, str) for one in strings):
        raise _not_a_since_file(path)
    return document


def _not_a_since_file(path: Path) -> CommandFault:
    return CommandFault(f"{str(path)!r} was not written by --since-file: name another file, or remove it")
