"""What scans share: a set that forgets, and things that are done once."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings, strategies as st
from portus_scanner_clair import sharing
from portus_scanner_clair.sharing import Recent, SingleFlight


def test_what_was_not_used_for_longest_is_forgotten() -> None:
    """A full set makes room; looking for a key uses it."""
    recent = Recent[str](2)
    recent.add("ab")
    assert "a" in recent
    recent.add("c")
    assert (True, False, True, 2) == ("a" in recent, "b" in recent, "c" in recent, len(recent))
    recent.discard("ax")
    assert (False, 1) == ("a" in recent, len(recent))


def test_what_was_added_too_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for a key does not make it last longer; adding it again does."""
    now = 0.0
    monkeypatch.setattr(sharing.time, "monotonic", lambda: now)
    recent = Recent[str](5, lasts=10)
    recent.add("ab")
    now = 9
    recent.add("b")
    assert (True, True) == ("a" in recent, "b" in recent)
    now = 15
    assert (False, True, 1) == ("a" in recent, "b" in recent, len(recent))


class Works:
    """Works of several tasks; each begins, and ends when it is told how."""

    def __init__(self) -> None:
        self.flights = SingleFlight[int]()
        self.begun: list[int] = []
        self.ends: dict[int, asyncio.Future[int]] = {}

    def start(self, number: int) -> asyncio.Task[int]:
        """Start a task that wants the one thing."""

        async def work() -> int:
            self.begun.append(number)
            self.ends[number] = asyncio.get_running_loop().create_future()
            return await self.ends[number]

        return asyncio.create_task(self.flights.run("key", work))


async def settle() -> None:
    """Let all tasks go on as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_value_of_the_first_is_everybodys() -> None:
    """Three want it: it is done once."""
    works = Works()
    tasks = [works.start(number) for number in range(3)]
    await settle()
    works.ends[0].set_result(7)
    assert ([7, 7, 7], [0], 0) == (await asyncio.gather(*tasks), works.begun, len(works.flights))


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
    assert ([0, 1, 2], 0) == (works.begun, len(works.flights))


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


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["start", "cancel", "fail", "succeed"]), st.integers(0, 5)), max_size=20))
def test_nobody_waits_for_ever_and_nothing_is_left(steps: list[tuple[str, int]]) -> None:
    """Whatever comes in whatever order, everybody ends once all that was begun has ended."""

    async def play() -> tuple[int, bool]:
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
        return len(works.flights), ended

    assert (0, True) == asyncio.run(play())


def _end(end: asyncio.Future[int], *, failing: bool) -> None:
    if failing:
        end.set_exception(ValueError("no"))
    else:
        end.set_result(1)
