"""What happens in an event loop while a scan runs in it: where it stands still, and where a coroutine waits.

A heartbeat watches the loop from another thread. A coroutine is driven from suspension to suspension, so that it can
be cancelled at each of them.
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
"""Seconds that a loop may stand still. A slow machine makes milliseconds of it, a blocking call seconds."""
HOLD = 2 * LIMIT
"""Seconds that an answer is held back from a loop that does not run."""
_BEAT = 0.05
GRACE = 5.0
"""Seconds that a cancelled scan has to end: as many as the engine gives it."""


@define
class Heartbeat:
    """What was seen of a loop."""

    stack: str = ""
    """Where it stood still, innermost call last; empty when it did not."""


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
    """A fault: the answer comes when the client's loop has run once; a loop that waits for the answer gets it late."""

    loop: asyncio.AbstractEventLoop

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Wait for the client's loop, no longer than `HOLD` seconds, then ask the server."""
        seen = threading.Event()
        self.loop.call_soon_threadsafe(seen.set)
        await asyncio.to_thread(seen.wait, HOLD)
        return await handler(request)


async def count_suspensions(work: Coroutine[Any, Any, ResultT]) -> tuple[ResultT, int]:
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


def _stack_of(thread: int) -> str:
    frame = sys._current_frames().get(thread)
    return "".join(traceback.format_stack(frame)) if frame is not None else "(unknown)"
