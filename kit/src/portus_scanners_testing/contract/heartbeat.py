"""Whether an event loop stands still: watched from another thread."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web
from attrs import define, frozen

from ..servers.faults import Handler

LIMIT = 2.0
"""Seconds that a loop may stand still. A slow machine makes milliseconds of it, a blocking call seconds."""
HOLD = 2 * LIMIT
"""Seconds that an answer is held back from a loop that does not run."""
_BEAT = 0.05


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


def _stack_of(thread: int) -> str:
    frame = sys._current_frames().get(thread)
    return "".join(traceback.format_stack(frame)) if frame is not None else "(unknown)"
