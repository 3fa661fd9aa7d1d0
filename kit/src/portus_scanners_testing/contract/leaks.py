"""Sockets, pipes, child processes and files that this process holds, so that a test can name what a scan leaves."""

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
"""Terminals, and the system's own tables, one of which is open while we look."""
_DEAD_STATES = frozenset("ZX")
"""States of processes that have ended and were not waited for."""


@frozen
class Holdings:
    """What this process held at one moment."""

    names: frozenset[str]

    @classmethod
    def now(cls, folder: Path) -> Holdings:
        """Return the open descriptors, the child processes, and the files below *folder*."""
        return cls(frozenset([*_descriptors(), *_children(), *_files(folder)]))

    def added_since(self, earlier: Holdings) -> list[str]:
        """Return what was not held earlier, sorted."""
        return sorted(self.names - earlier.names)


def left_behind(earlier: Holdings, folder: Path) -> list[str]:
    """Return what this process holds now and did not hold earlier.

    The server closes its end of a connection a moment later, in another thread: so we look again, for two seconds at
    most, until nothing is left.
    """
    return until_empty(lambda: Holdings.now(folder).added_since(earlier))


def until_empty(look: Callable[[], list[str]]) -> list[str]:
    """Call *look* until it finds nothing, for two seconds at most, and return what it found last."""
    end = time.monotonic() + _PATIENCE
    while (found := look()) and time.monotonic() < end:
        time.sleep(_PAUSE)
    return found


def _descriptors() -> Iterator[str]:
    """Yield open sockets and pipes by inode, files by path: the number of a descriptor may be used again at once."""
    folder = Path("/proc/self/fd")
    for descriptor in _entries(folder if folder.exists() else Path("/dev/fd")):
        with suppress(OSError):
            target = str(descriptor.readlink())
            if target.startswith(("socket:", "pipe:")):
                yield target
            elif target.startswith("/") and not target.startswith(_NO_FILES):
                yield f"open file {target}"


def alive_in(groups: Collection[int]) -> list[str]:
    """Return the processes of these groups that still run after two seconds."""
    return until_empty(
        lambda: [one.name for one in _processes() if one.group in groups and one.state not in _DEAD_STATES]
    )


def _children() -> Iterator[str]:
    """Yield the child processes, including those that have ended and were not waited for."""
    return (one.name for one in _processes() if one.parent == os.getpid())


@frozen
class _Process:
    name: str
    state: str
    parent: int
    group: int


def _processes() -> Iterator[_Process]:
    """Yield every process, as Linux lists them; on other systems none."""
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
