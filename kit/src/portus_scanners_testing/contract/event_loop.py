"""Watching an event loop from another thread, and driving a coroutine from one suspension to the next.

The heartbeat tells where the loop was blocked. The driver counts suspensions, so that a coroutine can be cancelled at
each of them.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
import types
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from aiohttp import web
from attrs import define, frozen

from ..servers import Handler

ResultT = TypeVar("ResultT")

LIMIT = 2.0
"""Seconds that a loop may be blocked. A slow machine accounts for milliseconds, a blocking call for seconds."""
HOLD = 2 * LIMIT
"""Seconds that an answer is held back from a loop that is blocked."""
_BEAT = 0.05
GRACE = 5.0
"""Seconds that a cancelled scan has to end: the engine's own grace period."""


@define
class Heartbeat:
    """What the watch has seen of a loop."""

    stack: str = ""
    """The stack at which the loop was blocked, innermost call last; empty if it was not."""


@contextmanager
def watch(loop: asyncio.AbstractEventLoop) -> Iterator[Heartbeat]:
    """Watch the loop of the current thread until the block ends."""
    beat, stop, watched = Heartbeat(), threading.Event(), threading.get_ident()

    def look() -> None:
        while not stop.wait(_BEAT):
            seen = threading.Event()
            loop.call_soon_threadsafe(seen.set)
            if not seen.wait(LIMIT):
                beat.stack = beat.stack or _stack_of(watched)
                seen.wait()

    thread = threading.Thread(target=look, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield beat
    finally:
        stop.set()
        thread.join(_BEAT)


@frozen
class HeldUntilTheLoopRuns:
    """A fault: answers once the client's loop has run. A client that blocks its loop meanwhile gets the answer late."""

    loop: asyncio.AbstractEventLoop

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Wait for the client's loop, no longer than `HOLD` seconds, then ask the server."""
        seen = threading.Event()
        self.loop.call_soon_threadsafe(seen.set)
        await asyncio.to_thread(seen.wait, HOLD)
        return await handler(request)


async def count_suspensions(work: Coroutine[Any, Any, ResultT]) -> tuple[ResultT, int]:
    """Return what the coroutine returns, and how many times it was suspended."""
    seen = 0

    def waits() -> None:
        nonlocal seen
        seen += 1

    return await _stepped(work, waits), seen


async def cancel_at(number: int, work: Coroutine[Any, Any, ResultT]) -> asyncio.Task[ResultT]:
    """Run the coroutine in a task, cancel the task at its *number*-th suspension, and return the task.

    The task has ended by then, unless it did not within five seconds of its cancellation.
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
    """Drive the coroutine, and call *waits* before each suspension."""
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
        except BaseException as error:  # noqa: BLE001 (what is thrown in is thrown into the coroutine, unchanged)
            send, value = work.throw, error


def _stack_of(thread: int) -> str:
    frame = sys._current_frames().get(thread)
    return "".join(traceback.format_stack(frame)) if frame is not None else "(unknown)"
