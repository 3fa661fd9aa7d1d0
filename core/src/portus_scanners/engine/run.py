"""One scanner on one image: slot, attempts, deadline, and the judgement of how it ended."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextvars import copy_context
from datetime import UTC, datetime

from attrs import evolve

from ..errors import ScannerUnavailableError, UnsupportedImageError
from ..models import Image, Outcome, ScannerReport, ScannerRun
from .context import CURRENT_RUN, Heard, Progress, RunState
from .isolation import Ended, Watchdog
from .scanners import ReadyScanner, describe

RETRY_PAUSES = (1.0, 4.0)
"""Seconds before an unavailable backend is tried again, twice; up to half of each is taken off at random."""


class Run:
    """One scanner on one image.

    Args:
        ready: The scanner.
        image: The image.
        deadline: Loop time at which the whole scan has to end; None for no limit but the scanner's own.
        watchdog: Runs the plugin's code.
        notify: Told of every change.
    """

    def __init__(
        self,
        ready: ReadyScanner,
        image: Image,
        *,
        deadline: float | None,
        watchdog: Watchdog,
        notify: Callable[[Progress], None] | None,
    ) -> None:
        self._ready = ready
        self._image = image
        self._deadline = deadline
        self._watchdog = watchdog
        self._state = RunState(ready.name, notify)
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self._got_slot: float | None = None
        self._started: datetime | None = None
        self._attempts = 0
        self._unavailable = ""

    async def execute(self) -> ScannerRun:
        """Run to the end and return the record. Cancelling this ends the plugin's code, and gives `CANCELLED`."""
        try:
            record = await self._execute()
        except asyncio.CancelledError:
            record = self.cancelled()
        self._state.tell(record.outcome.value)
        return record

    def cancelled(self) -> ScannerRun:
        """Return the record of a run that was stopped on request."""
        return self._record(Outcome.CANCELLED, "stopped on request")

    async def _execute(self) -> ScannerRun:
        self._state.tell("waiting")
        if self._ready.fault is not None:
            return self._record(Outcome.FAILED, self._ready.fault)
        if self._image.unsupported is not None:
            return self._record(Outcome.UNSUPPORTED, self._image.unsupported)
        try:
            async with asyncio.timeout_at(self._deadline):
                await self._ready.slot.acquire()
        except TimeoutError:
            return self._record(Outcome.TIMED_OUT, "its turn did not come before the time for the whole scan was up")
        try:
            return await self._in_slot()
        finally:
            self._ready.slot.release(self._state.finishing, self._ready.timeout)

    async def _in_slot(self) -> ScannerRun:
        """Try the scan, and again when the backend was unavailable."""
        self._got_slot = self._loop.time()
        self._started = datetime.now(UTC)
        deadline = self._got_slot + self._ready.timeout
        if self._deadline is not None:
            deadline = min(deadline, self._deadline)
        for pause in RETRY_PAUSES:
            ended = await self._attempt(deadline)
            if not self._may_retry(ended):
                return self._judge(ended)
            wait = pause * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)
            if self._loop.time() + wait >= deadline:
                return self._judge(ended)
            self._state.tell("retrying")
            await asyncio.sleep(wait)
        return self._judge(await self._attempt(deadline))

    async def _attempt(self, deadline: float) -> Ended | None:
        """Call the plugin once; None when the time was up."""
        scanner = self._ready.scanner
        assert scanner is not None  # noqa: S101 (a scanner without one has a fault)
        self._attempts += 1
        self._state.tell("scanning")
        context = copy_context()
        context.run(CURRENT_RUN.set, self._state)
        name = f"{self._ready.name} on {self._image.reference.text}"
        return await self._watchdog.watch(
            name, lambda: scanner.scan(self._image), limit=deadline - self._loop.time(), context=context
        )

    def _may_retry(self, ended: Ended | None) -> bool:
        if ended is None or not isinstance(ended.error, ScannerUnavailableError):
            return False
        self._state.heard = Heard.UNAVAILABLE
        self._unavailable = describe(self._ready.name, ended.error)
        return bool(getattr(ended.error, "retry", True))  # a subclass may have forgotten its base's __init__

    def _judge(self, ended: Ended | None) -> ScannerRun:
        if ended is None:
            return self._struck()
        if ended.error is None:
            return self._returned(ended.value)
        outcome = Outcome.UNSUPPORTED if isinstance(ended.error, UnsupportedImageError) else Outcome.FAILED
        return self._record(outcome, describe(self._ready.name, ended.error))

    def _struck(self) -> ScannerRun:
        """The deadline has struck: the last known state decides what that means."""
        seconds = f"{round(self._times()[1], 1):g} s"
        if self._state.heard is Heard.WORKING:
            return self._record(Outcome.PENDING, f"the backend was still working after {seconds}{self._where()}")
        if self._state.heard is Heard.UNAVAILABLE:
            return self._record(Outcome.FAILED, f"{self._unavailable} (tried for {seconds})")
        return self._record(Outcome.TIMED_OUT, f"no result within {seconds}{self._where()}")

    def _where(self) -> str:
        progress = self._state.progress
        return f", at {progress.what} {progress.done} of {progress.total}" if progress.total else ""

    def _returned(self, report: object) -> ScannerRun:
        if not isinstance(report, ScannerReport):
            return self._record(Outcome.FAILED, f"scan() returned {type(report).__name__}, no ScannerReport")
        if report.complete:
            return self._record(Outcome.OK, None, report)
        why = "; ".join(report.notes) or "the scanner has not seen all of the image"
        return self._record(Outcome.INCOMPLETE, why, report)

    def _record(self, outcome: Outcome, error: str | None, report: ScannerReport | None = None) -> ScannerRun:
        waited, elapsed = self._times()
        if report is None and self._state.kept is not None:
            report = evolve(self._state.kept, complete=False)
        return ScannerRun(
            scanner=self._ready.name,
            plugin=self._ready.plugin,
            outcome=outcome,
            error=error,
            report=report,
            started=self._started,
            waited=round(waited, 3),
            elapsed=round(elapsed, 3),
            attempts=self._attempts,
        )

    def _times(self) -> tuple[float, float]:
        """Return the seconds until the slot came, or until now, and those since then."""
        now = self._loop.time()
        got_slot = now if self._got_slot is None else self._got_slot
        return got_slot - self._begun, now - got_slot
