"""Foreign code, watched from outside: the boundary that a plugin's errors, exits and hangs do not pass.

A plugin's coroutine runs in a task of its own. It may swallow its cancellation, return after it, or raise what it
likes: none of that reaches the engine.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any

from attrs import field, frozen

logger = logging.getLogger("portus_scanners.engine")


@frozen
class Ended:
    """How foreign code ended: with a value or with an error."""

    value: Any = None
    error: BaseException | None = None


@frozen
class Watchdog:
    """Runs foreign code with a time limit.

    Args:
        grace: Seconds that cancelled code has to end.
        abandoned: Where the names of those that did not are added.
    """

    grace: float
    abandoned: list[str] = field(factory=list)

    async def watch(
        self, name: str, work: Callable[[], Awaitable[Any]], *, limit: float, context: Context | None = None
    ) -> Ended | None:
        """Run *work* for at most *limit* seconds.

        Returns:
            How it ended; None when the time was up. What it returns after that is not looked at.
        """
        task = asyncio.create_task(_isolate(work), name=name, context=context)
        try:
            await asyncio.wait({task}, timeout=max(limit, 0.0))
            if task.done():
                return _ended(task)
        finally:
            if not task.done():
                await self._end(task)
        return None

    async def _end(self, task: asyncio.Task[Ended]) -> None:
        """Cancel a task, give it the grace, then leave it behind and name it."""
        task.cancel()
        try:
            await asyncio.wait({task}, timeout=self.grace)
        finally:
            if not task.done():
                self.abandoned.append(task.get_name())
                logger.error("%s would not end when it was cancelled: abandoned", task.get_name())


async def _isolate(work: Callable[[], Awaitable[Any]]) -> Ended:
    try:
        return Ended(await work())
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 (the boundary: sys.exit and Rust panics too end here)
        return Ended(error=error)


def _ended(task: asyncio.Task[Ended]) -> Ended:
    if task.cancelled():
        return Ended(error=RuntimeError("it cancelled itself"))
    return task.result()
