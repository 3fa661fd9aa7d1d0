"""The clock that says how long a turn of the event loop takes: what it counts, and what it does not."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace

import pytest
from portus_scanners_testing.contract import event_loop


def turns_of(step: Callable[[], object]) -> list[str]:
    """Run a function in a turn of its own, and return what the clock says of turns that were too long."""
    clock = event_loop.StepClock()

    async def run() -> None:
        await asyncio.sleep(0)
        step()
        await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(clock)) as runner, clock.counting():
        runner.run(run())
    return clock.blocked


def test_a_thread_that_begins_late_blocks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting one waits until it runs, which a busy machine decides; waiting for what it does is counted."""
    ended = threading.Event()

    def wait_for_it() -> None:
        threading.Thread(target=ended.wait).start()
        waiting = threading.Condition()
        with waiting:
            waiting.wait(0)

    clock = SimpleNamespace(monotonic=count(step=10).__next__, thread_time=time.thread_time, sleep=time.sleep)
    monkeypatch.setattr(event_loop, "time", clock)
    try:
        assert [] == turns_of(lambda: threading.Thread(target=ended.wait).start())
        (said,) = turns_of(wait_for_it)
    finally:
        ended.set()
    assert said.startswith("10.0 s in one turn of the event loop")
