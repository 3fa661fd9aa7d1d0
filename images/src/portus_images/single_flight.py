"""One call for all callers that want its result while it is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from attrs import define, field

ResultT = TypeVar("ResultT")
_CLOSED = "closed: no call is made any longer"


@define(eq=False, repr=False)
class SingleFlight:
    """Makes a call once for all callers that ask for one key before it has ended; each of them gets its result.

    Whose a call is decides what its failure means:

    - With *share_errors* it belongs to none of them, and runs in a task of its own. Its error is raised for every
      caller. A caller that is cancelled leaves, and the call goes on for the others.
    - Without, it is the first caller's own (made with its credentials, within its deadline), and runs in its task. The
      error is raised for that caller alone; the waiting callers then make calls of their own, all at once: one after
      another they would wait for the sum of their failures. When the first caller is cancelled, one of the waiting
      ones takes over. A waiting caller that is cancelled leaves.

    No caller waits for two calls at once, so no two callers wait for each other.

    Args:
        share_errors: Whether all callers that wait for a call get its error.
    """

    _share_errors: bool = field(kw_only=True)
    _flights: dict[Hashable, asyncio.Future[Any]] = field(factory=dict, init=False)
    _closed: bool = field(default=False, init=False)

    def __contains__(self, key: Hashable) -> bool:
        """Tell whether a call for this key is under way."""
        return key in self._flights

    async def run(
        self,
        key: Hashable,
        call: Callable[[], Awaitable[ResultT]],
        fits: Callable[[ResultT], bool] = lambda _result: True,
    ) -> ResultT:
        """Return the result of the call that is under way for *key*, or else of *call*.

        Args:
            key: What is called for. All calls of one key have results of one type.
            call: Makes the call.
            fits: Tells whether the result of somebody else's call will do for this caller; if not, *call* is made too.

        Raises:
            RuntimeError: This object was closed, before or meanwhile.
            BaseException: What the call has raised.
        """
        if self._share_errors:
            return await self._share(key, call, fits)
        while (flight := self._flights.get(key)) is not None:
            await asyncio.wait((flight,))  # not awaited itself: the caller's cancellation would become the call's
            if flight.cancelled():
                continue  # the first of those who waited takes over
            if (result := flight.result()) and fits(result[0]):
                return result[0]  # type: ignore[no-any-return]
            break
        return await self._lead(key, call)

    async def aclose(self) -> None:
        """Cancel the calls that run in tasks of their own, and wait until they have ended; no more are made."""
        self._closed = True
        tasks = [flight for flight in self._flights.values() if isinstance(flight, asyncio.Task)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _share(
        self, key: Hashable, call: Callable[[], Awaitable[ResultT]], fits: Callable[[ResultT], bool]
    ) -> ResultT:
        if self._closed:
            raise RuntimeError(_CLOSED)
        joined = key in self._flights
        task = self._flights[key] if joined else self._start(key, call)
        await asyncio.wait((task,))
        if task.cancelled():
            raise RuntimeError(_CLOSED)
        result: ResultT = task.result()
        return await call() if joined and not fits(result) else result

    def _start(self, key: Hashable, call: Callable[[], Awaitable[ResultT]]) -> asyncio.Future[ResultT]:
        def land(task: asyncio.Future[ResultT]) -> None:
            del self._flights[key]
            if not task.cancelled():
                task.exception()  # seen: when no caller waits for it any longer, asyncio must not log it

        task = self._flights[key] = asyncio.ensure_future(call())
        task.add_done_callback(land)
        return task

    async def _lead(self, key: Hashable, call: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Make the caller's own call. The others learn its result, or () for a failure: the error is not theirs."""
        flight: asyncio.Future[tuple[ResultT] | tuple[()]] = asyncio.get_running_loop().create_future()
        self._flights.setdefault(key, flight)  # of several that call at once after a failure, the first is joined
        result: tuple[ResultT] | tuple[()] = ()
        try:
            result = (await call(),)
        except asyncio.CancelledError:
            flight.cancel()
            raise
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]
            if not flight.done():
                flight.set_result(result)
        return result[0]
