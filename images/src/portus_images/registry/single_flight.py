"""One call for everybody who wants its result while it is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

ResultT = TypeVar("ResultT")
CLOSED = "the registry client was closed"


class Tasks:
    """The calls under way of one owner, so that it can end them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def start(self, coroutine: Coroutine[Any, Any, ResultT]) -> asyncio.Task[ResultT]:
        """Run a coroutine in a task of its own.

        Raises:
            RuntimeError: The owner was closed.
        """
        if self._closed:
            coroutine.close()
            raise RuntimeError(CLOSED)
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    async def aclose(self) -> None:
        """Cancel what is under way and wait until it has ended."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: when nobody waits any longer, asyncio must not log it


class SingleFlight(Generic[ResultT]):
    """A call that is made once for all who ask for it before it has ended; each gets its result or its error.

    A waiter that is cancelled leaves; the call goes on for the others.
    """

    def __init__(self, call: Callable[[], Coroutine[Any, Any, ResultT]], tasks: Tasks) -> None:
        self._call = call
        self._tasks = tasks
        self._task: asyncio.Task[ResultT] | None = None

    async def __call__(self) -> ResultT:
        """Join the call that is under way, or start it.

        Raises:
            RuntimeError: The owner of the call was closed meanwhile.
        """
        if self._task is None or self._task.done():
            self._task = self._tasks.start(self._call())
        task = self._task
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled() and not _being_cancelled():
                raise RuntimeError(CLOSED) from None
            raise


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
