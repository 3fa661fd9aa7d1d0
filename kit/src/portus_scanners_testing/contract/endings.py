"""How a scan ends early: at its deadline, or because its caller no longer wants the result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from attrs import evolve
from portus_scanners.models import Outcome, ScannerReport, ScannerRun

from . import event_loop
from .lab import DEADLINE, ScannerLab
from .leaks import Holdings, check_nothing_left, until_empty
from .promises import promised
from .subject import ScannerSubject

_MOST_CUTS = 60
_BLOCKED = "the event loop is blocked: use `await asyncio.sleep`, `context.http`, `answer.parse`, `asyncio.to_thread`"
_ENDINGS = {Outcome.TIMED_OUT, Outcome.PENDING, Outcome.FAILED}
"""`FAILED`: the scanner has a shorter time limit of its own for a request."""


@promised
class EndingTests(ScannerSubject):
    """Promises about deadlines, cancellation and the event loop."""

    def test_deadline_is_kept(self, lab: ScannerLab, image: str, hanging: Mapping[str, object], scratch: Path) -> None:
        before = Holdings.now(scratch)
        late = lab.with_values({**hanging, "timeout": DEADLINE})
        (run,), abandoned = late.run(partial(_stopped, late, image, stop=False))
        assert run.outcome in _ENDINGS, f"ended {run.outcome.value}: {run.error}"
        assert "it crashed" not in (run.error or ""), run.error
        assert () == abandoned, f"had to be abandoned: {abandoned}"
        check_nothing_left(before, scratch, "after a scan that ended at its deadline")

    def test_scan_can_be_stopped(
        self, lab: ScannerLab, image: str, hanging: Mapping[str, object], scratch: Path
    ) -> None:
        before = Holdings.now(scratch)
        endless = lab.with_values(hanging)
        runs, abandoned = endless.run(partial(_stopped, endless, image, stop=True))
        assert [Outcome.CANCELLED] == [run.outcome for run in runs]
        assert () == abandoned, f"had to be abandoned: {abandoned}"
        check_nothing_left(before, scratch, "after a scan that was stopped")

    def test_cancellation_at_any_await_leaves_nothing(self, lab: ScannerLab, image: str, scratch: Path) -> None:
        total = lab.run(lambda: _suspensions(self.attempt(lab, 0), image))
        before = Holdings.now(scratch)  # only now: a backend may keep its connections to the registry open
        for number in _spread(total):
            faults = lab.run(partial(_cut, self.attempt(lab, number), image, number))
            faults += until_empty(partial(_added, before, scratch))
            assert not faults, f"after a scan that was cancelled at its await number {number} of {total}: {faults}"

    def test_scan_leaves_nothing(
        self, lab: ScannerLab, image: str, wrongs: Sequence[Callable[[], object]], scratch: Path
    ) -> None:
        first = Holdings.now(scratch)
        self.attempt(lab, 0).outcome_of(image)  # a backend may keep its connections to the registry open
        before = evolve(Holdings.now(scratch), threads=first.threads, state=first.state)
        self.check_findings(self.attempt(lab, 1).outcome_of(image), self.findings)
        check_nothing_left(before, scratch, "after a scan that ended well")
        for number, go_wrong in enumerate(wrongs[:1], start=2):
            go_wrong()
            self.attempt(lab, number).outcome_of(image)
            check_nothing_left(before, scratch, "after a scan that went wrong")

    def test_event_loop_is_never_blocked(self, lab: ScannerLab, image: str) -> None:
        for number in range(2):  # twice: the first time something is imported, or the machine is busy
            clock = event_loop.StepClock()
            with clock.counting():
                beat = lab.run(partial(_watched, self.attempt(lab, number), image), asyncio.SelectorEventLoop(clock))
            waited = next((seen for seen in clock.blocked if "\n" in seen), "")
            assert "" == waited, f"{_BLOCKED}: {waited}"
            if not clock.blocked and not beat.stack:
                return
        assert [] == clock.blocked, f"{_BLOCKED}; perhaps here:\n{beat.hint}"
        assert "" == beat.stack, f"{_BLOCKED}; it stood still here:\n{beat.stack}"


def _added(earlier: Holdings, folder: Path) -> list[str]:
    return Holdings.now(folder).added_since(earlier)


async def _stopped(lab: ScannerLab, image: str, *, stop: bool) -> tuple[tuple[ScannerRun, ...], tuple[str, ...]]:
    """Scan, stop the scan once the scanner has begun, and return the runs and what the engine had to abandon."""
    begun = asyncio.Event()
    async with lab.engine() as engine:
        scan = engine.scan(image, on_progress=lambda progress: begun.set() if progress.state == "scanning" else None)
        async with scan:
            await begun.wait()
            await asyncio.sleep(0)
            if stop:
                scan.stop()
            report = await scan
        return report.results, engine.abandoned


async def _suspensions(lab: ScannerLab, image: str) -> int:
    """Return how many times a whole scan is suspended."""
    async with lab.open() as opened:
        _, total = await event_loop.count_suspensions(opened.scan(image))
        return total


async def _cut(lab: ScannerLab, image: str, number: int) -> list[str]:
    """Cancel a scan at its *number*-th await, and return what is wrong with the way it ended."""
    others = asyncio.all_tasks()
    async with lab.open() as opened:
        task = await event_loop.cancel_at(number, opened.scan(image))
        if not task.done():
            return ["it would not end"]
        faults = [] if task.cancelled() or _had_ended(task) else [f"it ended with {_end_of(task)}"]
    await asyncio.sleep(0)
    return faults + [f"task {one.get_name()}" for one in asyncio.all_tasks() - others if not one.done()]


def _had_ended(task: asyncio.Task[ScannerReport]) -> bool:
    """Return whether the scan had ended before it could be cancelled."""
    return task.exception() is None and not task.cancelling()


def _end_of(task: asyncio.Task[ScannerReport]) -> str:
    return repr(task.exception() or task.result())[:300]


async def _watched(lab: ScannerLab, image: str) -> event_loop.Heartbeat:
    """Start a scanner, scan, check its health, and return where the event loop was blocked."""
    with event_loop.watch(asyncio.get_running_loop()) as beat:
        async with lab.open() as opened:
            await opened.outcome_of(image)
            with suppress(Exception):
                await opened.scanner.check_health()
    return beat


def _spread(total: int) -> list[int]:
    """Return the numbers from 1 to *total*; if there are more than `_MOST_CUTS`, that many of them, evenly spread."""
    if total <= _MOST_CUTS:
        return list(range(1, total + 1))
    return [1 + number * (total - 1) // (_MOST_CUTS - 1) for number in range(_MOST_CUTS)]
