"""One call for all who wait: with errors that are shared, and with errors that are the first caller's alone."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest
from hypothesis import given, strategies as st
from portus_images import SingleFlight


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


async def settle() -> None:
    """Let all tasks go on as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_all_who_ask_meanwhile_share_one_call() -> None:
    """The next one to ask after its end makes another."""
    call = Call()
    flights = SingleFlight(share_errors=True)
    waiting = [asyncio.create_task(flights.run("key", call)) for _ in range(20)]
    await call.started.wait()
    call.release.set()

    assert [1] * 20 == await asyncio.gather(*waiting)
    assert 2 == await flights.run("key", call)


async def test_all_who_wait_get_the_error() -> None:
    """And the next one tries again."""
    call = Call()
    call.error = OSError("no")
    call.release.set()
    flights = SingleFlight(share_errors=True)
    results = await asyncio.gather(*(flights.run("key", call) for _ in range(3)), return_exceptions=True)
    call.error = None

    assert [call.made, 2] == [1, await flights.run("key", call)]
    assert [OSError] * 3 == [type(result) for result in results]


async def test_a_waiter_that_is_cancelled_does_not_stop_the_others() -> None:
    """Not even when it was the one that began."""
    call = Call()
    flights = SingleFlight(share_errors=True)
    first, second = asyncio.create_task(flights.run("key", call)), asyncio.create_task(flights.run("key", call))
    await call.started.wait()
    first.cancel()
    call.release.set()

    with pytest.raises(asyncio.CancelledError):
        await first
    assert 1 == await second


async def test_closing_ends_the_call_and_tells_the_waiters(caplog: pytest.LogCaptureFixture) -> None:
    """A waiter that nobody has cancelled gets no CancelledError; afterwards no call is made."""
    call, flights = Call(), SingleFlight(share_errors=True)
    waiter = asyncio.create_task(flights.run("key", call))
    await call.started.wait()
    await flights.aclose()

    with pytest.raises(RuntimeError, match="closed"):
        await waiter
    with pytest.raises(RuntimeError, match="closed"):
        await flights.run("key", call)
    assert [] == caplog.records


async def test_an_error_that_nobody_waits_for_any_longer_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Asyncio would complain of an exception that was never retrieved."""
    call, flights = Call(), SingleFlight(share_errors=True)
    call.error = OSError("no")
    waiter = asyncio.create_task(flights.run("key", call))
    await call.started.wait()
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    call.release.set()
    with caplog.at_level(logging.DEBUG):
        await settle()
        gc.collect()

    assert ([], False) == ([one for one in caplog.records if "never retrieved" in one.getMessage()], "key" in flights)


class Works:
    """Works of several tasks whose errors are their own; each begins, and ends when it is told how."""

    def __init__(self) -> None:
        self.flights = SingleFlight(share_errors=False)
        self.begun: list[int] = []
        self.ends: dict[int, asyncio.Future[int]] = {}

    def start(self, number: int) -> asyncio.Task[int]:
        """Start a task that wants the one thing."""

        async def work() -> int:
            self.begun.append(number)
            self.ends[number] = asyncio.get_running_loop().create_future()
            return await self.ends[number]

        return asyncio.create_task(self.flights.run("key", work))


async def test_the_value_of_the_first_is_everybodys() -> None:
    """Three want it: it is done once."""
    works = Works()
    tasks = [works.start(number) for number in range(3)]
    await settle()
    works.ends[0].set_result(7)
    assert ([7, 7, 7], [0], False) == (await asyncio.gather(*tasks), works.begun, "key" in works.flights)


async def test_after_a_failure_everybody_does_it_at_once() -> None:
    """The error is the first one's alone; the others begin together; who comes then waits for one of them."""
    works = Works()
    tasks = [works.start(number) for number in range(3)]
    await settle()
    works.ends[0].set_exception(ValueError("mine"))
    await settle()
    assert [0, 1, 2] == works.begun
    late = works.start(3)
    await settle()
    works.ends[2].set_result(2)
    works.ends[1].set_result(1)
    assert [1, 2, 1] == [await tasks[1], await tasks[2], await late]
    with pytest.raises(ValueError, match="mine"):
        await tasks[0]
    assert ([0, 1, 2], False) == (works.begun, "key" in works.flights)


async def test_after_a_cancellation_one_takes_over() -> None:
    """The others go on waiting, for the next in line."""
    works = Works()
    tasks = [works.start(number) for number in range(3)]
    await settle()
    tasks[0].cancel()
    await settle()
    assert [0, 1] == works.begun
    works.ends[1].set_result(1)
    assert ([1, 1], True) == (await asyncio.gather(*tasks[1:]), tasks[0].cancelled())


@pytest.mark.parametrize("share_errors", [True, False])
async def test_a_result_that_does_not_fit_is_not_taken(share_errors: bool) -> None:
    """The caller for whom it won't do calls himself; the first caller has what he called for."""
    call, flights = Call(), SingleFlight(share_errors=share_errors)
    first = asyncio.create_task(flights.run("key", call, fits=lambda _: False))
    await call.started.wait()
    others = [asyncio.create_task(flights.run("key", call, fits=lambda number: number > 1)) for _ in range(2)]
    await settle()
    call.release.set()
    assert (1, [2, 3], False) == (await first, await asyncio.gather(*others), "key" in flights)


@given(st.lists(st.tuples(st.sampled_from(["start", "cancel", "fail", "succeed"]), st.integers(0, 5)), max_size=20))
def test_nobody_waits_for_ever_and_nothing_is_left(steps: list[tuple[str, int]]) -> None:
    """Whatever comes in whatever order, everybody ends once all that was begun has ended."""

    async def play() -> tuple[bool, bool]:
        works = Works()
        tasks: list[asyncio.Task[int]] = []
        for what, number in steps:
            if what == "start":
                tasks.append(works.start(len(tasks)))
            elif what == "cancel" and number < len(tasks):
                tasks[number].cancel()
            elif number in works.ends and not works.ends[number].done():
                _end(works.ends[number], failing=what == "fail")
            await settle()
        while any(not end.done() for end in works.ends.values()):
            _end(next(end for end in works.ends.values() if not end.done()), failing=False)
            await settle()
        ended = all(task.done() for task in tasks)
        await asyncio.gather(*tasks, return_exceptions=True)
        return "key" in works.flights, ended

    assert (False, True) == asyncio.run(play())


def _end(end: asyncio.Future[int], *, failing: bool) -> None:
    if failing:
        end.set_exception(ValueError("no"))
    else:
        end.set_result(1)
