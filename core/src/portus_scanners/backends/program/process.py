"""A process and its group: started without a shell, ended with everything that it has started, and reaped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from .cancellation import HeldCancellation
from .output import STDERR, STDOUT, ProgramOutput
from .remains import ProcessGroup, live_groups

_REAP = 2.0
"""Seconds that a killed group has to be gone: only a process that hangs inside the kernel needs them."""
_DRAIN = 0.5
"""Seconds that the pipes are read after the group has ended: a daemon outside of it may hold them open forever."""
_CLOSE = 1.0
"""Seconds that the event loop has to close the pipes."""
_FIRST_LOOK, _LONGEST_PAUSE = 0.01, 0.2
"""Seconds between two looks at a group whose leader has ended: nothing tells us when the others have ended."""


class _Reader(asyncio.Protocol):
    """Our end of one pipe."""

    def __init__(self, fd: int, process: ProgramProcess) -> None:
        self._fd = fd
        self._process = process

    def data_received(self, data: bytes) -> None:
        self._process.received(self._fd, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._process.lost(self._fd)


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class ProgramProcess(asyncio.SubprocessProtocol):
    """One process, the leader of a group and session of its own; the event loop tells it what becomes of it.

    Not `asyncio.subprocess.Process`: its ``wait()`` waits for the pipes too in some versions of Python, its streams
    read without bound while nobody waits. And the pipes are ours: of its own, asyncio in debug mode logs
    what came through.

    Args:
        output: Takes what the process writes.
        news: Called when the process has written something or has ended.
        grace: Seconds between TERM and KILL.
    """

    def __init__(self, output: ProgramOutput, news: Callable[[], None], *, grace: float) -> None:
        loop = asyncio.get_running_loop()
        self._output = output
        self._news = news
        self._grace = grace
        self._started: tuple[asyncio.SubprocessTransport, ProcessGroup] | None = None
        self._readers: list[asyncio.BaseTransport] = []
        self._open = {STDOUT, STDERR}
        self._exited: asyncio.Future[None] = loop.create_future()
        self._drained: asyncio.Future[None] = loop.create_future()
        self._closed: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the started process."""
        started = cast(asyncio.SubprocessTransport, transport)
        self._started = started, ProcessGroup(started.get_pid())
        live_groups.add(self._group)

    def received(self, fd: int, data: bytes) -> None:
        """Take data that the process has written."""
        self._output.add(fd, data)
        self._news()

    def lost(self, fd: int) -> None:
        """Note that a pipe is closed: by the process, and by all children that had inherited it."""
        self._open.discard(fd)
        if not self._open:
            _set(self._drained)

    def process_exited(self) -> None:
        """Note that the leader of the group has been reaped."""
        _set(self._exited)
        self._news()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the process has ended and its stdin is closed."""
        _set(self._closed)

    @property
    def exited(self) -> bool:
        """Whether the leader has ended."""
        return self._exited.done()

    @property
    def status(self) -> int | None:
        """Its exit status, or the negative number of a signal; None while it runs."""
        return self._transport.get_returncode()

    async def start(
        self, command: Sequence[str], *, folder: Path, environment: Mapping[str, str], stdin: bytes
    ) -> None:
        """Start the process; `end` must be called whatever comes of this, a cancellation too.

        Raises:
            OSError: The system can't start it.
        """
        starting = asyncio.create_task(self._start(command, folder, environment, stdin))
        with HeldCancellation() as held:  # asyncio itself would then kill only the leader
            await held.wait(starting)
            failure = starting.exception()
        if failure is not None:
            raise failure

    async def _start(self, command: Sequence[str], folder: Path, environment: Mapping[str, str], stdin: bytes) -> None:
        with await self._open_pipe(STDOUT) as stdout, await self._open_pipe(STDERR) as stderr:
            transport, _ = await asyncio.get_running_loop().subprocess_exec(
                lambda: self,
                *command,
                stdin=PIPE if stdin else DEVNULL,
                stdout=stdout,
                stderr=stderr,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
        if (pipe := _stdin_of(transport)) is not None:
            pipe.write(stdin)
            pipe.close()  # closed once all is written; a program that does not read stdin is not an error

    async def _open_pipe(self, fd: int) -> BinaryIO:
        """Make a pipe whose reading end tells us what comes, and return its writing end."""
        ours, theirs = os.pipe()
        writing = os.fdopen(theirs, "wb", buffering=0)
        loop = asyncio.get_running_loop()
        reader, _ = await loop.connect_read_pipe(lambda: _Reader(fd, self), os.fdopen(ours, "rb", buffering=0))
        self._readers.append(reader)
        return cast(BinaryIO, writing)

    async def end(self, held: HeldCancellation) -> bool:
        """End what is left of the group, reap the leader, close the pipes.

        Returns:
            Whether all of the group is gone; a process that hangs inside the kernel can't be ended.
        """
        if self._started is None:
            await self._close_readers(held)
            return True
        gone = await self._end_group(held)
        live_groups.discard(self._group)
        await held.wait(self._drained, _DRAIN)
        self._close()
        await self._close_readers(held)
        await held.wait(self._closed, _CLOSE)
        return gone

    async def _close_readers(self, held: HeldCancellation) -> None:
        if self._readers:
            for reader in self._readers:
                reader.close()
            await held.wait(self._drained, _CLOSE)

    async def _end_group(self, held: HeldCancellation) -> bool:
        if self._is_gone():
            return True
        self._group.signal(signal.SIGTERM)
        self._group.signal(signal.SIGCONT)  # a stopped process acts on TERM only when it continues
        if await self._wait_until_gone(held, self._grace):
            return True
        self._group.signal(signal.SIGKILL)
        return await self._wait_until_gone(held, _REAP)

    async def _wait_until_gone(self, held: HeldCancellation, seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        await held.wait(self._exited, seconds)
        pause = _FIRST_LOOK
        while not (gone := self._is_gone()) and loop.time() < end:
            await held.sleep(min(pause, end - loop.time()))
            pause = min(2 * pause, _LONGEST_PAUSE)
        return gone

    def _is_gone(self) -> bool:
        return self.exited and self._group.is_gone()

    def _close(self) -> None:
        pipe = _stdin_of(self._transport)
        if pipe is not None and pipe.get_write_buffer_size():
            pipe.abort()  # close() would wait until the rest has been read
        with contextlib.suppress(PermissionError):  # it kills what has not ended
            self._transport.close()

    @property
    def _transport(self) -> asyncio.SubprocessTransport:
        assert self._started is not None  # noqa: S101 (asked only after the start)
        return self._started[0]

    @property
    def _group(self) -> ProcessGroup:
        assert self._started is not None  # noqa: S101 (asked only after the start)
        return self._started[1]


def _stdin_of(transport: asyncio.SubprocessTransport) -> asyncio.WriteTransport | None:
    return cast("asyncio.WriteTransport | None", transport.get_pipe_transport(0))
