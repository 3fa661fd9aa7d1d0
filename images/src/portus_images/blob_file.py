"""A blob that is written to a file while it arrives: verified, bounded, gone when something is wrong with it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import BinaryIO, TypeVar

LARGEST_LAYER = 16 * 1024**3
"""Bytes that a layer may have whose size is not known."""


class BlobFileError(Exception):
    """The content is not the blob's, or the file can't be written; the message says which."""


class BlobFile:
    """A file that does not exist yet, for one blob. Writes run in a thread.

    Args:
        path: Where to write.
        digest: The blob's digest, a valid one.
        size: Bytes of the blob; None where that is not known.
    """

    def __init__(self, path: Path, digest: str, size: int | None) -> None:
        self.digest = digest
        self._path = path
        self._size = size
        self._limit = LARGEST_LAYER if size is None else size

    async def fill(self, pieces: AsyncIterable[bytes]) -> None:
        """Write the pieces; when this raises, there is no file, and it may be called again.

        Raises:
            BlobFileError: The content is longer or shorter than the blob, or not what its digest says; or the file
                exists or can't be written: the cause is an `OSError` then.
        """
        file = self._open()
        complete = False
        try:
            await self._write(pieces, file)
            complete = True
        finally:
            with suppress(OSError):  # what could not be flushed is tried again
                file.close()
            if not complete:
                self._path.unlink(missing_ok=True)

    async def _write(self, pieces: AsyncIterable[bytes], file: BinaryIO) -> None:
        found, size = hashlib.new(self.digest.partition(":")[0]), 0

        def keep(piece: bytes) -> None:
            found.update(piece)
            file.write(piece)

        async for piece in pieces:
            size += len(piece)
            if size > self._limit:
                raise BlobFileError(f"the content is longer than {self._limit} bytes: it was changed")
            await self._guard(partial(keep, piece))
        await self._guard(file.flush)
        if self._size not in {None, size}:
            raise BlobFileError(f"the content has {size} bytes, not {self._size}: it was changed")
        if found.hexdigest() != self.digest.partition(":")[2]:
            raise BlobFileError("the content is not what its digest says: it was changed")

    def _open(self) -> BinaryIO:
        try:
            return self._path.open("xb")
        except OSError as error:
            raise _refuse(error) from error

    async def _guard(self, work: Callable[[], None]) -> None:
        try:
            await in_thread(lambda _: work())
        except OSError as error:
            raise _refuse(error) from error


def _refuse(error: OSError) -> BlobFileError:
    reason = error.strerror or type(error).__name__
    return BlobFileError(f"it can't be written to a file ({reason}): set TMPDIR to a folder with room")


ResultT = TypeVar("ResultT")


async def in_thread(work: Callable[[Event], ResultT], discard: Callable[[ResultT], None] | None = None) -> ResultT:
    """Run *work* in a thread.

    When the caller is cancelled, the event that *work* was given is set, and *work* has ended before this raises: the
    files that it reads may be closed then.

    Args:
        work: What to run; it looks at its event now and then.
        discard: Is given a result that nobody waits for any longer.
    """
    stop = Event()
    task = asyncio.ensure_future(asyncio.to_thread(work, stop))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait({task})
        if not task.cancelled() and task.exception() is None and discard:
            discard(task.result())
        raise
