"""What the tags of a registry pointed to last time: what has not changed need not be looked at again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..delivery import write_file
from ..exits import CommandFault

VERSION = 1
LARGEST_FILE = 256 * 1024 * 1024
"""Bytes."""


class SinceFile:
    """``{"version": 1, "scanners": ["clair"], "digests": {"registry.example/team/app:1.0": "sha256:..."}}``.

    Args:
        path: The file; one that is not there yet is an empty one.
        scanners: Who scans now. What was not seen by all of them counts as new.

    Raises:
        CommandFault: It can't be read, or is something else.
    """

    def __init__(self, path: Path, scanners: Iterable[str]) -> None:
        self._path = path
        self._scanners = sorted(scanners)
        self._before = _read(path, self._scanners)
        self._now: dict[str, str] = {}

    def is_unchanged(self, reference: str, digest: str) -> bool:
        """Return whether a tag pointed to the same image last time; then it counts as seen this time too."""
        if self._before.get(reference) != digest:
            return False
        self._now[reference] = digest
        return True

    def note(self, reference: str, digest: str) -> None:
        """Remember an image that has been scanned to the end."""
        self._now[reference] = digest

    def write(self, *, all_seen: bool) -> None:
        """Replace the file by what was seen now.

        Args:
            all_seen: Whether the whole registry was walked: what is not there any more is forgotten then.

        Raises:
            CommandFault: It can't be written.
        """
        digests = self._now if all_seen else {**self._before, **self._now}
        document = {"version": VERSION, "scanners": self._scanners, "digests": digests}
        text = json.dumps(document, indent=0, sort_keys=True) + "\n"
        try:
            write_file(self._path, [text.encode()])
        except OSError as error:
            raise CommandFault(f"can't write {str(self._path)!r}: {error.strerror}") from error


def _read(path: Path, scanners: Iterable[str]) -> dict[str, str]:
    """Return the digests that all these scanners have seen."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CommandFault(f"can't read {str(path)!r}: {error.strerror}") from error
    seen_by, digests = _parse(path, data)
    return digests if set(scanners) <= seen_by else {}


def _parse(path: Path, data: bytes) -> tuple[set[str], dict[str, str]]:
    try:
        document: Any = json.loads(data) if len(data) <= LARGEST_FILE else None
        scanners, digests = document["scanners"], document["digests"]
        known = document["version"] == VERSION
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise _refuse(path) from error
    if not (known and isinstance(scanners, list) and isinstance(digests, dict)):
        raise _refuse(path)
    if not (_are_texts(scanners) and _are_texts(digests.values())):
        raise _refuse(path)
    return set(scanners), digests


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _refuse(path: Path) -> CommandFault:
    return CommandFault(f"{str(path)!r} is no file that --since-file has written: name another, or remove it")
