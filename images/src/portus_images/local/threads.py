"""Blocking work beside the event loop, which ends when nobody waits any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event
from typing import TypeVar

ResultT = TypeVar("ResultT")


async def in_thread(work: Callable[[Event], ResultT], discard: Callable[[ResultT], None] | None = None) -> ResultT:
    """Run *work* in a thread.

    When the caller is cancelled, the event that *work* was given is set, and *work* has ended before this raises: the
    files that it reads may be closed then.

    Args:
        work: What to run; it looks at the event now and then.
        discard: Gets a result that nobody waits for any more.
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
