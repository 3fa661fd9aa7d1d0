"""What programs leave behind if they are not ended: process groups and private folders, and how these are removed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from .folders import remove_folder

_PROC = Path("/proc")
_REAP = 1.0
"""Seconds that the killed groups have to be gone, all together."""
_PAUSE = 0.01
"""Seconds between two looks."""


class ProcessGroup:
    """A process group whose leader we have started: it has the leader's process id."""

    def __init__(self, leader: int) -> None:
        self._id = leader

    def signal(self, number: int) -> bool:
        """Send a signal; return False if no process of the group is left, or (macOS) only zombies."""
        try:
            os.killpg(self._id, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def is_gone(self) -> bool:
        """Return whether no process of the group is left; call it after the leader has been reaped."""
        self._reap_orphans()
        return not self.signal(0) or self._has_only_zombies()

    def _reap_orphans(self) -> None:
        """Reap the leader's orphans, whose parent we are if we are a container's first process or a subreaper."""
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-self._id, os.WNOHANG) != (0, 0):
                pass

    def _has_only_zombies(self) -> bool:
        """Return whether only zombies are left, which a container's first process, say, does not reap (Linux)."""
        stats = [_stat(folder) for folder in _PROC.glob("[0-9]*")]
        members = [(state, parent) for state, parent, group in stats if group == self._id]
        return bool(stats) and all(state in "ZX" and parent != os.getpid() for state, parent in members)


def _stat(folder: Path) -> tuple[str, int, int]:
    """Return state, parent and group of a process; ("X", 0, 0) when it has ended. Source: proc_pid_stat(5)."""
    try:
        state, parent, group, *_ = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except (OSError, ValueError):
        return "X", 0, 0
    return state, int(parent), int(group)


live_groups: set[ProcessGroup] = set()
"""The groups of programs that have been started and not yet ended."""
live_folders: set[Path] = set()
"""The workspaces that have been made and not yet removed."""


def kill_programs() -> None:
    """Kill every program that a `ProgramBackend` runs in this process, and remove the private folders.

    For a process that is about to leave by `os._exit`, where no ``finally`` block runs. It needs no event loop, may
    be called in a signal handler and in any thread, raises nothing, and waits at most a second for the processes.
    Programs get no TERM before; runs that still go on afterwards fail.
    """
    groups = list(live_groups)
    for group in groups:
        group.signal(signal.SIGKILL)
    _wait_until_gone(groups)  # a live process could write to the folders while they are removed
    for folder in list(live_folders):
        with contextlib.suppress(OSError, RecursionError):
            remove_folder(folder)


def _wait_until_gone(groups: list[ProcessGroup]) -> None:
    end = time.monotonic() + _REAP
    with contextlib.suppress(OSError):
        while not all(group.is_gone() for group in groups) and time.monotonic() < end:
            time.sleep(_PAUSE)
