"""Watching an event loop from another thread, and driving a coroutine from one suspension to the next.

The heartbeat tells where the loop was blocked. The driver counts suspensions, so that a coroutine can be cancelled at
each of them.
"""

from __future__ import annotations

import asyncio
import linecache
import math
import os
import select
import selectors
import subprocess
import sys
import threading
import time
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
LONGEST_STEP = 0.5
"""Seconds of one turn of a loop, by the kit's clock."""
HOLD = 2 * LIMIT
"""Seconds that an answer is held back from a loop that is blocked."""
_BEAT = 0.05
_MOMENT = 0.2
GRACE = 5.0
"""Seconds that a cancelled scan has to end: the engine's own grace period."""


@define
class Heartbeat:
    """What the watch has seen of a loop."""

    stack: str = ""
    """The stack at which the loop was blocked, innermost call last; empty if it was not."""
    hint: str = ""
    """The stack at which the loop did not run for a moment: it was blocked, or the machine was busy."""


@contextmanager
def watch(loop: asyncio.AbstractEventLoop) -> Iterator[Heartbeat]:
    """Watch the loop of the current thread until the block ends."""
    beat, stop, watched = Heartbeat(), threading.Event(), threading.get_ident()

    def runs_within(seen: threading.Event, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not seen.wait(_BEAT) and not stop.is_set() and time.monotonic() < end:
            pass
        return seen.is_set() or stop.is_set()

    def look() -> None:
        while not stop.wait(_BEAT):
            seen = threading.Event()
            loop.call_soon_threadsafe(seen.set)
            if not runs_within(seen, _MOMENT):
                beat.hint = beat.hint or _stack_of(watched)
                if not runs_within(seen, LIMIT - _MOMENT):
                    beat.stack = beat.stack or _stack_of(watched)
                    runs_within(seen, math.inf)

    thread = threading.Thread(target=look, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield beat
    finally:
        stop.set()
        thread.join()


class StepClock(selectors.DefaultSelector):
    """The selector of a loop, with a clock that says how long a turn of the loop takes, however busy the machine is.

    The clock counts the processor's time of the loop's thread, and what the thread asks to sleep, to wait for a program
    or for another thread: `time.sleep` only moves the clock.
    """

    def __init__(self) -> None:
        super().__init__()
        self.blocked: list[str] = []
        """What was seen of each turn that was too long: seconds, and where it waited, if it did."""
        self._thread = threading.get_ident()
        self._began: float | None = None
        self._waited = 0.0
        self._stack = ""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """End one turn, and begin the next one when there is something to do."""
        if self._began is not None and (took := time.thread_time() - self._began + self._waited) >= LONGEST_STEP:
            self.blocked.append(f"{took:.1f} s in one turn of the event loop" + (self._stack and f"\n{self._stack}"))
        events = super().select(timeout)
        self._began, self._waited, self._stack = time.thread_time(), 0.0, ""
        return events

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what blocks the current thread, until the block ends."""
        sleep, start = time.sleep, threading.Thread.start

        def slept(seconds: float) -> None:
            self._count(seconds) if threading.get_ident() == self._thread else sleep(seconds)

        def started(thread: threading.Thread) -> None:
            before = self._waited, self._stack
            start(thread)
            if threading.get_ident() == self._thread:  # it waits until the other one runs: on a busy machine, long
                self._waited, self._stack = before

        def timed(function: Callable[..., Any]) -> Callable[..., Any]:
            def wait(*args: Any, **kwargs: Any) -> Any:
                begun = time.monotonic()
                try:
                    return function(*args, **kwargs)
                finally:
                    if threading.get_ident() == self._thread:
                        self._count(time.monotonic() - begun)

            return wait

        waits: tuple[tuple[Any, str], ...] = (
            *((subprocess.Popen, name) for name in ("wait", "communicate")),
            *((threading.Condition, "wait"), (select, "select"), (os, "system")),
        )
        replaced: list[tuple[Any, str, Callable[..., Any]]] = [
            (time, "sleep", slept),
            (threading.Thread, "start", started),
            *((owner, name, timed(getattr(owner, name))) for owner, name in waits),
        ]
        kept = [(owner, name, getattr(owner, name)) for owner, name, _ in replaced]
        for owner, name, function in replaced:
            setattr(owner, name, function)
        try:
            yield
        finally:
            for owner, name, function in kept:
                setattr(owner, name, function)

    def _count(self, seconds: float) -> None:
        self._waited += seconds
        if self._waited >= LONGEST_STEP and not self._stack:
            self._stack = _stack_of(self._thread)


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
    """Return the stack of a thread, without marks in its lines: to find those, Python 3.11 parses them.

    Two threads that parse at the same time, such as this one and pytest's, make each other fail there.
    """
    frame = sys._current_frames().get(thread)
    calls = reversed(list(traceback.walk_stack(frame))) if frame is not None else ()
    places = [(call.f_code.co_filename, number, call.f_code.co_name) for call, number in calls]
    return "".join(f"{file}:{line} in {name}: {linecache.getline(file, line).strip()}\n" for file, line, name in places)
