"""A process group: signals to all of it, and whether anybody is left in it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_PROC = Path("/proc")


class ProcessGroup:
    """A group whose leader we have started.

    Args:
        leader: Its process id, which is the group's too.
    """

    def __init__(self, leader: int) -> None:
        self._id = leader

    def signal(self, number: int) -> bool:
        """Send a signal. False: nobody is there, or (macOS: zombies alone) nobody who may get it."""
        try:
            os.killpg(self._id, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def is_gone(self) -> bool:
        """Whether nobody is left; to be asked when the leader has been reaped."""
        self._reap_orphans()
        return not self.signal(0) or self._has_only_zombies()

    def _reap_orphans(self) -> None:
        """Reap what the leader has left to us: orphans come to the first process of a container, or a subreaper."""
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-self._id, os.WNOHANG) != (0, 0):
                pass

    def _has_only_zombies(self) -> bool:
        """Whether all have ended, but somebody else (a container's first process) does not reap them. Linux alone.

        A zombie of our own counts as somebody: it has yet to be reaped.
        """
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
