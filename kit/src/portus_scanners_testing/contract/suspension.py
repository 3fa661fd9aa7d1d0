"""Driving a coroutine from suspension to suspension, so that it can be cancelled at each of them."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")

GRACE = 5.0
"""Seconds that a cancelled scan has to end: as many as the engine gives it."""


async def count(work: Coroutine[Any, Any, ResultT]) -> tuple[ResultT, int]:
    """Return what the coroutine returns, and how often it waited for something."""
    seen = 0

    def waits() -> None:
        nonlocal seen
        seen += 1

    return await _stepped(work, waits), seen


async def cancel_at(number: int, work: Coroutine[Any, Any, ResultT]) -> asyncio.Task[ResultT]:
    """Run the coroutine in a task, cancel it when it waits for the *number*-th time, and return the task.

    The task has ended, by itself or cancelled, unless it would not within five seconds of its cancellation.
    """
    seen, reached = 0, asyncio.Event()

    def waits() -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            reached.set()
            asyncio.get_running_loop().call_soon(task.cancel)

    async def stepped() -> ResultT:
        return await _stepped(work, waits)

    task = asyncio.create_task(stepped())
    cut = asyncio.create_task(reached.wait())
    await asyncio.wait({task, cut}, return_when=asyncio.FIRST_COMPLETED)
    cut.cancel()
    await asyncio.wait({task, cut}, timeout=GRACE)
    return task


@types.coroutine
def _stepped(work: Coroutine[Any, Any, ResultT], waits: Callable[[], None]) -> Generator[Any, Any, ResultT]:
    """Pass everything through, and call *waits* before each suspension."""
    send: Callable[[Any], Any] = work.send
    value: Any = None
    while True:
        try:
            waited_for = send(value)
        except StopIteration as stop:
            result: ResultT = stop.value
            return result
        waits()
        try:
            send, value = work.send, (yield waited_for)
        except BaseException as error:  # noqa: BLE001 (whatever is thrown in goes on to the coroutine, unchanged)
            send, value = work.throw, error
