"""One call for all who wait."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest
from portus_images.registry.single_flight import SingleFlight, Tasks


class Call:
    """A call that ends when it is told to."""

    def __init__(self) -> None:
        self.made = 0
        self.started = asyncio.Event()
        self.release = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.made += 1
        self.started.set()
        await self.release.wait()
        if self.error:
            raise self.error
        return self.made


async def test_all_who_ask_meanwhile_share_one_call() -> None:
    """The next one to ask after its end makes another."""
    call = Call()
    flight = SingleFlight(call, Tasks())
    waiting = [asyncio.create_task(flight()) for _ in range(20)]
    await call.started.wait()
    call.release.set()

    assert [1] * 20 == await asyncio.gather(*waiting)
    assert 2 == await flight()


async def test_all_who_wait_get_the_error() -> None:
    """And the next one tries again."""
    call = Call()
    call.error = OSError("no")
    call.release.set()
    flight = SingleFlight(call, Tasks())
    results = await asyncio.gather(*(flight() for _ in range(3)), return_exceptions=True)
    call.error = None

    assert [call.made, 2] == [1, await flight()]
    assert [OSError] * 3 == [type(result) for result in results]


async def test_a_waiter_that_is_cancelled_does_not_stop_the_others() -> None:
    """Not even when it was the one that began."""
    call = Call()
    flight = SingleFlight(call, Tasks())
    first, second = asyncio.create_task(flight()), asyncio.create_task(flight())
    await call.started.wait()
    first.cancel()
    call.release.set()

    with pytest.raises(asyncio.CancelledError):
        await first
    assert 1 == await second


async def test_closing_ends_the_call_and_tells_the_waiters(caplog: pytest.LogCaptureFixture) -> None:
    """A waiter that nobody has cancelled gets no CancelledError; afterwards no call is made."""
    call, tasks = Call(), Tasks()
    flight = SingleFlight(call, tasks)
    waiter = asyncio.create_task(flight())
    await call.started.wait()
    await tasks.aclose()

    with pytest.raises(RuntimeError, match="closed"):
        await waiter
    with pytest.raises(RuntimeError, match="closed"):
        await flight()
    assert [] == caplog.records


async def test_an_error_that_nobody_waits_for_any_longer_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Asyncio would complain of an exception that was never retrieved."""
    call, tasks = Call(), Tasks()
    call.error = OSError("no")
    waiter = asyncio.create_task(SingleFlight(call, tasks)())
    await call.started.wait()
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    call.release.set()
    with caplog.at_level(logging.DEBUG):
        await asyncio.wait(tasks._tasks)
        gc.collect()

    assert [] == [record for record in caplog.records if "never retrieved" in record.getMessage()]
