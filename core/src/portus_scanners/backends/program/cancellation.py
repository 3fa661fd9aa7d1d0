"""Finishing something although the task is cancelled meanwhile, perhaps several times."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any


class HeldCancellation:
    """Holds cancellations back while a process is ended or a folder removed, and raises them when that is done.

    A task of its own for the ending would not do: when a program ends, ``asyncio.run`` cancels every task there is.
    """

    def __init__(self) -> None:
        self._cancelled = False

    def __enter__(self) -> HeldCancellation:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _at: TracebackType | None
    ) -> None:
        if self._cancelled and not isinstance(error, asyncio.CancelledError):
            raise asyncio.CancelledError

    async def wait(self, future: asyncio.Future[Any], timeout: float | None = None) -> None:
        """Wait until *future* is done, *timeout* seconds at most. Its result or exception is left alone."""
        loop = asyncio.get_running_loop()
        end = None if timeout is None else loop.time() + timeout
        while not future.done():
            try:
                await asyncio.wait({future}, timeout=None if end is None else max(end - loop.time(), 0.0))
            except asyncio.CancelledError:
                self._cancelled = True
            if end is not None and loop.time() >= end:
                return

    async def sleep(self, seconds: float) -> None:
        """Wait for a number of seconds."""
        await self.wait(asyncio.get_running_loop().create_future(), seconds)
