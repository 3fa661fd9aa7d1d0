"""What a process holds, so that what a scan leaves behind can be named: sockets, pipes, child processes, files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path

from attrs import frozen

_PATIENCE = 2.0
_PAUSE = 0.01
_NO_FILES = ("/dev/", "/proc/", "/sys/")
"""Terminals and the system's own tables: the look itself has one open."""
_DEAD_STATES = frozenset("ZX")
"""Ended, and not waited for."""


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
    two seconds at most, until nothing is left.
    """
    return until_empty(lambda: Holdings.now(folder).added_since(earlier))


def until_empty(look: Callable[[], list[str]]) -> list[str]:
    """Return what *look* still finds after two seconds; nothing as soon as it finds nothing."""
    end = time.monotonic() + _PATIENCE
    while (found := look()) and time.monotonic() < end:
        time.sleep(_PAUSE)
    return found


def _descriptors() -> Iterator[str]:
    """Name the open sockets and pipes by their inodes, files by their paths: a number may be used again at once."""
    folder = Path("/proc/self/fd")
    for descriptor in _entries(folder if folder.exists() else Path("/dev/fd")):
        with suppress(OSError):
            target = str(descriptor.readlink())
            if target.startswith(("socket:", "pipe:")):
                yield target
            elif target.startswith("/") and not target.startswith(_NO_FILES):
                yield f"open file {target}"


def alive_in(groups: Collection[int]) -> list[str]:
    """Return the processes of these process groups that still run, after two seconds at the most."""
    return until_empty(
        lambda: [one.name for one in _processes() if one.group in groups and one.state not in _DEAD_STATES]
    )


def _children() -> Iterator[str]:
    """Name the child processes, those included that have ended and were not waited for."""
    return (one.name for one in _processes() if one.parent == os.getpid())


@frozen
class _Process:
    name: str
    state: str
    parent: int
    group: int


def _processes() -> Iterator[_Process]:
    """Read what Linux tells of every process; elsewhere there is nothing to read."""
    for folder in _entries(Path("/proc")):
        if folder.name.isdigit():
            with suppress(OSError, ValueError):
                number, _, rest = (folder / "stat").read_text(errors="replace").rpartition(")")
                state, parent, group = rest.split()[:3]
                yield _Process(f"process {number.replace(' (', ' ', 1)}", state, int(parent), int(group))


def _files(folder: Path) -> Iterator[str]:
    return (f"file {path.relative_to(folder)}" for path in folder.rglob("*"))


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
