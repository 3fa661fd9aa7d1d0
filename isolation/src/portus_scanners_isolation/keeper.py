"""The process that forks one for each piece of work, and those that outlive them to end what they have left.

It has imported our code and no plugin's, has one thread and no event loop: forking it costs milliseconds where a new
Python costs half a second. For each piece of work it forks a keeper, which forks the process that runs the plugin. The
keeper adopts whatever that process leaves behind (Linux), and kills it all when the process has ended, when the engine
says so, and when the engine is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

import aiohttp  # noqa: F401 (so that it is imported once, and not by each process)

from .worker import work

_END_OF_PARENT, _ADOPT = 1, 36
"""``PR_SET_PDEATHSIG``, ``PR_SET_CHILD_SUBREAPER``. Source: prctl(2)."""
_LONGEST_NAME = 100
"""Bytes of the name of a process's own folder, which is made in that for temporary files."""
_KILL_LIMIT = 5.0
"""Seconds that killed processes have to be gone: only one that hangs inside the kernel needs them."""
_PAUSE = 0.005


def main() -> NoReturn:
    """Fork for each name of a folder that comes in by stdin, with a channel for the process and its keeper's line."""
    jobs = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers are reaped by the system
    while True:
        name, ends, *_ = socket.recv_fds(jobs, _LONGEST_NAME, 2)
        if len(ends) != 2:  # noqa: PLR2004
            os._exit(0)
        with contextlib.suppress(OSError):  # no more processes: the engine sees that the line is closed
            if os.fork() == 0:
                jobs.close()
                _keep(Path(os.environ["TMPDIR"], name.decode()), *ends)
        for end in ends:
            os.close(end)


def _keep(folder: Path, channel: int, line: int) -> NoReturn:
    """Run one process, and say on the line how it ended: ``exit 1``, ``signal 11``; end it when the line is closed."""
    try:
        os.setsid()
        _prctl(_ADOPT, 1)
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake)
        folder.mkdir(mode=0o700)
        keeper = os.getpid()
        if (worker := os.fork()) == 0:
            for end in (line, woken, wake):
                os.close(end)
            _live(channel, str(folder), keeper)
        os.close(channel)
        status = _wait(worker, line, woken)
        _kill_all(worker)
        shutil.rmtree(folder, ignore_errors=True)
        os.write(line, status)
    finally:
        os._exit(0)


def _wait(worker: int, line: int, woken: int) -> bytes:
    """Wait for the end of the process, or for that of the line; return how it ended."""
    while line not in select.select([line, woken], [], [])[0]:
        os.read(woken, 4096)
        found, status = os.waitpid(worker, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            return f"exit {code}".encode() if code >= 0 else f"signal {-code}".encode()
    return b"ended"


def _kill_all(worker: int) -> None:
    """Kill the process's group, and then whatever else has become our child, until nothing is left."""
    with contextlib.suppress(OSError):
        os.killpg(worker, signal.SIGKILL)
    end = time.monotonic() + _KILL_LIMIT
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < end:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            for child in _children():
                with contextlib.suppress(OSError):
                    os.kill(child, signal.SIGKILL)
            time.sleep(_PAUSE)


def _children() -> list[int]:
    """Return our children (Linux); their own become ours when they have ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):  # it has ended
            _, parent, *_ = path.read_text(errors="replace").rpartition(")")[2].split()
            if int(parent) == os.getpid():
                found.append(int(path.parent.name))
    return found


def _live(channel: int, folder: str, keeper: int) -> NoReturn:
    """Become the process that runs the plugin."""
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _prctl(_END_OF_PARENT, signal.SIGKILL)
        if os.getppid() == keeper:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.environ.update(HOME=folder, TMPDIR=folder)
            tempfile.tempdir = None
            work(channel)
    finally:
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
