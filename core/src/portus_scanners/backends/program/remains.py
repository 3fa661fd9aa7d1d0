"""What programs leave behind when nobody ends them: their process groups and private folders, and the end of those."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path

from .folders import remove_folder
from .group import ProcessGroup

__all__ = ["kill_programs", "live_folders", "live_groups"]

_REAP = 1.0
"""Seconds that the killed groups have to be gone, all together."""
_PAUSE = 0.01
"""Seconds between two looks."""

live_groups: set[ProcessGroup] = set()
"""The groups of programs that have been started and not yet ended."""
live_folders: set[Path] = set()
"""The workspaces that have been made and not yet removed."""


def kill_programs() -> None:
    """Kill every program that a `ProgramBackend` runs in this process, and remove the private folders.

    For a process that is about to leave by `os._exit`, where no ``finally`` runs any more. It needs no event loop, may
    be called in a signal handler and in any thread, raises nothing, and waits at most a second for the processes.
    Programs get no TERM before; runs that still go on afterwards fail.
    """
    groups = list(live_groups)
    for group in groups:
        group.signal(signal.SIGKILL)
    _wait_until_gone(groups)  # else they could write to the folders while these are removed
    for folder in list(live_folders):
        with contextlib.suppress(OSError, RecursionError):
            remove_folder(folder)


def _wait_until_gone(groups: list[ProcessGroup]) -> None:
    end = time.monotonic() + _REAP
    with contextlib.suppress(OSError):
        while not all(group.is_gone() for group in groups) and time.monotonic() < end:
            time.sleep(_PAUSE)
