"""One process at a time at a server that mixes up requests: a lock file that all processes of a user share.

It is held by ``flock``, so that it is free again when a process is killed. Other machines know nothing of it.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from portus_scanners import ScannerContext
from portus_scanners.backends import shared_folders

ResultT = TypeVar("ResultT")

_PAUSE = 0.5
"""Seconds between two looks at a lock that somebody else holds."""
_FOLDER = "portus-scanners"
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = {"localhost": "127.0.0.1", "::1": "127.0.0.1"}
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_NOT_FOLLOWED = os.O_NOFOLLOW | os.O_CLOEXEC if os.name == "posix" else 0


class ServerTurn:
    """The turn that a scan has at a server; it lasts until the last request that it was kept for has ended.

    Made by `take_turn`.

    Attributes:
        taken: Whether it was taken; if not, somebody else has it.
        fault: Why there is no lock file, so that other processes may use the server at the same time; empty where
            there is one.
    """

    def __init__(self, file: int | None = None, *, taken: bool = True, fault: str = "") -> None:
        self.taken = taken
        self.fault = fault
        self._file = file
        self._users = 1

    def keep(self, request: Awaitable[ResultT]) -> Awaitable[ResultT]:
        """Return a request that keeps the turn until it ends, even after the scan: see `ScannerContext.finish`."""
        self._users += 1
        task = asyncio.ensure_future(request)
        task.add_done_callback(self._ended)
        return task

    def leave(self) -> None:
        """Give the turn back, as soon as no request goes on."""
        self._users -= 1
        if not self._users and self._file is not None:
            os.close(self._file)  # which unlocks it

    def _ended(self, request: asyncio.Future[Any]) -> None:
        if not request.cancelled():
            request.exception()  # when nobody waits for it any longer, asyncio must not log it
        self.leave()


@asynccontextmanager
async def take_turn(context: ScannerContext, server: str, *, wait: bool = True) -> AsyncIterator[ServerTurn]:
    """Use a server that can't serve two requests at once, as the only process of this user on this machine.

    The lock file is in the user's runtime folder, or else in the cache folder: ``portus-scanners/*.lock``, mode 0600.
    Waiting for the others is shown as progress, and counts for the run's deadline.

    Args:
        context: The scanner's context.
        server: The server's URL; host and port count.
        wait: Whether to wait while somebody else has the turn; if not, see `ServerTurn.taken`.
    """
    turn = _try(server)
    while wait and not turn.taken:
        context.progress(0, 0, "waiting for another process that uses the server")
        await context.wait(_PAUSE)
        turn = _try(server)
    try:
        yield turn
    finally:
        turn.leave()


def _try(server: str) -> ServerTurn:
    if os.name != "posix":
        return ServerTurn(fault="this is not a POSIX system")
    import fcntl

    try:
        file = _open(f"{_name_of(server)}.lock")
    except (OSError, RuntimeError) as error:  # RuntimeError: the user has no home folder
        return ServerTurn(fault=getattr(error, "strerror", None) or str(error))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return ServerTurn(taken=False)
    except OSError as error:  # a file system without locks
        os.close(file)
        return ServerTurn(fault=error.strerror or type(error).__name__)
    return ServerTurn(file)


def _name_of(server: str) -> str:
    """Return the same name for all addresses that say the same host and port."""
    url = urlsplit(server)
    host, port = (url.hostname or "").rstrip("."), url.port or _PORTS.get(url.scheme)
    return hashlib.sha256(f"{_LOOPBACK.get(host, host)}:{port}".encode()).hexdigest()[:32]


def _open(name: str) -> int:
    """Open a lock file in the first folder where that is possible, without following a link; see `_try` for errors."""
    *first, last = shared_folders()
    for folder in first:
        with suppress(OSError):
            return _open_in(folder, name)
    return _open_in(last, name)


def _open_in(base: Path, name: str) -> int:
    folder = base / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _NOT_FOLLOWED)
    try:
        found = os.fstat(directory)
        if found.st_uid != os.geteuid() or found.st_mode & _OTHERS_WRITE:
            raise PermissionError(errno.EPERM, f"others can write to {folder}")
        file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | _NOT_FOLLOWED, 0o600, dir_fd=directory)
    finally:
        os.close(directory)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, f"{folder / name} is not a file")
    return file
