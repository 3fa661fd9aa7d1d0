"""Starting the processes of isolated scanners, from one process of our own that forks them."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from pathlib import Path

from attrs import define, field
from portus_scanners import ScannerError
from portus_scanners.backends import inherited

from .messages import Channel

_GONE = 6.0
"""Seconds that a keeper has to kill everything; a little more than it takes."""
_BEGIN = "import sys; sys.path[:] = sys.argv[1:]; from portus_scanners_isolation.keeper import main; main()"


class Nursery:
    """Starts the processes of one engine; the first one starts what they are forked from.

    Args:
        grace: Seconds that cancelled code has to end.
    """

    def __init__(self, grace: float) -> None:
        self.grace = grace
        self._forks: Process | None = None
        self._jobs: socket.socket | None = None
        self._starting = asyncio.Lock()
        self._temporary = Path(tempfile.gettempdir())

    async def begin(self) -> ScannerProcess:
        """Start a process.

        Raises:
            ScannerError: The system can't start it.
        """
        folder = self._temporary / f"portus-scanners-{secrets.token_hex(16)}"
        ends = [*socket.socketpair(), *socket.socketpair()]
        try:
            async with self._starting:
                if self._jobs is None or self._forks is None or self._forks.returncode is not None:
                    await self._start()
                assert self._jobs is not None  # noqa: S101 (for mypy)
                socket.send_fds(self._jobs, [folder.name.encode()], [ends[1].fileno(), ends[3].fileno()])
            channel = await Channel.open(ends[0], foreign=True)
            reader, writer = await asyncio.open_unix_connection(sock=ends[2])
        except OSError as error:
            ends[0].close()
            ends[2].close()
            raise ScannerError(f"a process for it could not be started ({error.strerror or error})") from error
        finally:
            ends[1].close()
            ends[3].close()
        return ScannerProcess(channel, folder, reader, writer, self.grace)

    async def aclose(self) -> None:
        """End what the processes are forked from."""
        if self._jobs is not None:
            self._jobs.close()
        if self._forks is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._forks.wait(), self.grace)
            with suppress(ProcessLookupError):
                self._forks.kill()
            await self._forks.wait()

    async def _start(self) -> None:
        if self._jobs is not None:
            self._jobs.close()
        self._jobs, theirs = socket.socketpair()
        self._jobs.setblocking(False)
        with theirs:
            self._forks = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-c", _BEGIN, *sys.path),
                stdin=theirs.fileno(),
                stdout=DEVNULL,
                stderr=DEVNULL,
                env=_environment(self._temporary),
                start_new_session=True,
            )


@define(eq=False)
class ScannerProcess:
    """One process of a scanner.

    Attributes:
        channel: To it.
        folder: Its own, for all files that it makes; it is removed when the process has ended.
        grace: Seconds that it has to end by itself.
    """

    channel: Channel
    folder: Path
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter
    grace: float
    _said: bytes | None = field(default=None, init=False)

    async def end(self, patience: float) -> str:
        """Wait for its end, and kill it and everything that it has started when so many seconds are over.

        Returns:
            How it ended, in words.
        """
        if self._said is None:
            try:
                async with asyncio.timeout(patience):
                    self._said = await self._reader.read()
            except (TimeoutError, OSError):
                self._said = await self._kill()
            finally:  # whoever is cancelled here leaves the killing to the keeper
                self.channel.close()
                self._writer.transport.abort()
        return _how(self._said.decode(errors="replace"))

    async def _kill(self) -> bytes:
        self.channel.close()
        try:
            self._writer.write_eof()
            async with asyncio.timeout(_GONE):
                return await self._reader.read()
        except (TimeoutError, OSError):
            return b""


def _environment(temporary: Path) -> dict[str, str]:
    """Return the environment of all processes; locks that they share with others lie where it says."""
    shared = {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")}
    if "XDG_RUNTIME_DIR" in os.environ:
        shared["XDG_RUNTIME_DIR"] = os.environ["XDG_RUNTIME_DIR"]
    return {**inherited(), "TMPDIR": str(temporary), **shared}


def _how(said: str) -> str:
    kind, _, number = said.partition(" ")
    if kind == "signal" and number.isdigit():
        with suppress(ValueError):
            number = signal.Signals(int(number)).name
        return f"its process was ended by {number}"
    if kind == "exit":
        return f"its process left with the exit code {number} before it had answered"
    return "its process no longer answered" if kind == "ended" else "its process could not be started"
