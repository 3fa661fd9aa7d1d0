"""What a process holds, so that what a scan leaves behind can be named: sockets, pipes, child processes, files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from attrs import frozen

_PATIENCE = 5.0
_PAUSE = 0.01
_PARENT_FIELD = 1
"""Place of the parent's number behind the name in ``/proc/PID/stat``."""


@frozen
class Holdings:
    """What this process holds at one moment."""

    names: frozenset[str]

    @classmethod
    def now(cls, folder: Path) -> Holdings:
        """Look at the open descriptors, the child processes, and the files below *folder*."""
        return cls(frozenset([*_descriptors(), *_children(), *_files(folder)]))

    def added_since(self, earlier: Holdings) -> list[str]:
        """Return what was not there before, sorted."""
        return sorted(self.names - earlier.names)


def left_behind(earlier: Holdings, folder: Path) -> list[str]:
    """Return what this process holds and did not hold before.

    The other side of a connection closes its end a moment later, in another thread: so it is looked at again, for
    five seconds at most, until nothing is left.
    """
    return until_empty(lambda: Holdings.now(folder).added_since(earlier))


def until_empty(look: Callable[[], list[str]]) -> list[str]:
    """Return what *look* still finds after five seconds; nothing as soon as it finds nothing."""
    end = time.monotonic() + _PATIENCE
    while (found := look()) and time.monotonic() < end:
        time.sleep(_PAUSE)
    return found


def _descriptors() -> Iterator[str]:
    """Name the open sockets and pipes by their inodes: a number may be used again, an inode is not at once."""
    folder = Path("/proc/self/fd")
    for descriptor in _entries(folder if folder.exists() else Path("/dev/fd")):
        with suppress(OSError):
            target = str(descriptor.readlink())
            if target.startswith(("socket:", "pipe:")):
                yield target


def _children() -> Iterator[str]:
    """Name the child processes, those included that have ended and were not waited for."""
    for status in _entries(Path("/proc")):
        if status.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                name, _, rest = (status / "stat").read_text(errors="replace").rpartition(")")
                if int(rest.split()[_PARENT_FIELD]) == os.getpid():
                    yield f"process {name.replace(' (', ' ', 1)}"


def _files(folder: Path) -> Iterator[str]:
    return (f"file {path.relative_to(folder)}" for path in folder.rglob("*"))


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
