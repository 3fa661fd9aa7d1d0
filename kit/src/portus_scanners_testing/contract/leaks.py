"""What this process holds (sockets, processes, threads, files, its state), so that a test can name what is left."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from itertools import chain, repeat
from pathlib import Path

from attrs import frozen

from ..surroundings import process_state

PATIENCE = 2.0
"""Seconds until what is held counts as left behind."""
_PAUSES = (0.01, 0.02, 0.05, 0.1)
"""Seconds between two looks; the last one is repeated: a look reads all of /proc."""
_NO_FILES = ("/dev/", "/proc/", "/sys/")
"""Terminals, and the system's own tables, one of which is open while we look."""
_DEAD_STATES = frozenset("ZX")
"""States of processes that have ended and were not waited for."""


@frozen
class Holdings:
    """What this process held at one moment."""

    names: frozenset[str]
    """Open descriptors, child processes, files."""
    threads: frozenset[str]
    state: frozenset[str]
    """What belongs to the whole process: umask, working folder..."""

    @classmethod
    def now(cls, folder: Path) -> Holdings:
        """Return what is held, the files below *folder* among it."""
        return cls(
            frozenset([*_descriptors(), *_children(), *_files(folder)]),
            frozenset(f"thread {one.name} ({one.native_id})" for one in threading.enumerate()),
            frozenset(f"{name} is now {value}" for name, value in process_state().items()),
        )

    def added_since(self, earlier: Holdings) -> list[str]:
        """Return what was not held, or was different, earlier, sorted."""
        return sorted((self.names - earlier.names) | (self.threads - earlier.threads) | (self.state - earlier.state))


def check_nothing_left(earlier: Holdings, folder: Path, when: str) -> None:
    """Fail if this process holds something that it did not hold earlier.

    The server closes its end of a connection a moment later, in another thread: so we look again, for two seconds at
    most, until nothing is left. The process's state does not change by itself.
    """
    __tracebackhide__ = True
    left = sorted(Holdings.now(folder).state - earlier.state)
    left = left or until_empty(lambda: Holdings.now(folder).added_since(earlier))
    assert not left, f"{when} this is left: {'; '.join(left)}: let go of it in a `finally`, or in `async with`"


def until_empty(look: Callable[[], list[str]]) -> list[str]:
    """Call *look* until it finds nothing, for `PATIENCE` at most, and return what it found last."""
    end, pauses = time.monotonic() + PATIENCE, chain(_PAUSES, repeat(_PAUSES[-1]))
    while (found := look()) and time.monotonic() < end:
        time.sleep(next(pauses))
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
