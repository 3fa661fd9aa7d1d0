"""Foreign code, watched from outside: the boundary that a plugin's errors, exits and hangs do not pass.

A plugin's coroutine runs in a task of its own. It may swallow its cancellation, return after it, or raise what it
likes: none of that reaches the engine. What is to be done with what it returns is done in that task as well, and what
it raises is put into words there (`boundary`): no callback of the event loop looks at a foreign object.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from attrs import field, frozen

from .boundary import Raised

logger = logging.getLogger("portus_scanners.engine")


@frozen
class Ended:
    """How foreign code ended: with a value or with an error."""

    value: Any = None
    error: Raised | None = None


@frozen
class Watchdog:
    """Runs foreign code with a time limit.

    Args:
        grace: Seconds that cancelled code has to end.
        abandoned: Where the names of those that did not are added.
    """

    grace: float
    abandoned: list[str] = field(factory=list)

    async def watch(self, name: str, work: Callable[[], Awaitable[Any]], *, limit: float) -> Ended | None:
        """Run *work* for at most *limit* seconds.

        Returns:
            How it ended; None when the time was up. What it returns after that is not looked at.
        """
        loop = asyncio.get_running_loop()
        over: asyncio.Future[Ended | None] = loop.create_future()
        watch = Watch(self, name, work, deadline=loop.time() + max(limit, 0.0), on_end=over.set_result)
        try:
            return await asyncio.shield(over)
        except asyncio.CancelledError:
            watch.end()
            await asyncio.wait({over})
            raise


class Watch:
    """Foreign code that is under way. It has a task of its own, and nobody else's task waits for it.

    Args:
        watchdog: How long it may take to end, and where it is named when it does not.
        name: Of its task.
        work: What to run.
        deadline: Loop time at which it is ended.
        on_end: Called once, in the event loop and never from here: with how the code ended, or with None when it was
            ended from outside.
    """

    __slots__ = ("_ending", "_loop", "_on_end", "_task", "_timer", "_watchdog")

    def __init__(
        self,
        watchdog: Watchdog,
        name: str,
        work: Callable[[], Awaitable[Any]],
        *,
        deadline: float,
        on_end: Callable[[Ended | None], None],
    ) -> None:
        self._watchdog = watchdog
        self._on_end: Callable[[Ended | None], None] | None = on_end
        self._ending = False
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_at(deadline, self.end)
        self._task = self._loop.create_task(_isolate(name, work), name=name)
        self._task.add_done_callback(self._ended)

    def end(self) -> None:
        """Cancel the code, give it the grace, then leave it behind and name it. Again: nothing more."""
        if self._ending or self._task.done():
            return
        self._ending = True
        self._timer.cancel()
        self._task.cancel()
        self._timer = self._loop.call_later(self._watchdog.grace, self._abandon)

    def _ended(self, task: asyncio.Task[Ended]) -> None:
        self._timer.cancel()
        ended = Ended(error=Raised("it cancelled itself")) if task.cancelled() else task.result()
        self._tell(None if self._ending else ended)

    def _abandon(self) -> None:
        if not self._task.done():
            self._watchdog.abandoned.append(self._task.get_name())
            logger.error("%s would not end when it was cancelled: abandoned", self._task.get_name())
            self._tell(None)

    def _tell(self, ended: Ended | None) -> None:
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(ended)


async def _isolate(name: str, work: Callable[[], Awaitable[Any]]) -> Ended:
    try:
        return Ended(await work())
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 (the boundary: sys.exit and Rust panics too end here)
        return Ended(error=Raised.by(name, error))
