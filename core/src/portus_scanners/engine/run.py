"""One scanner on one image: slot, attempts, deadline, and the judgement of how it ended."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime

from attrs import define, evolve, field
from portus_images import Image, copy_image, message_line

from ..models import Outcome, ScannerReport, ScannerRun
from .boundary import take_report
from .context import CURRENT_RUN, Heard, Progress, RunState
from .crew import Crew, ReadyScanner
from .isolation import Ended, Watch

RETRY_PAUSES = (1.0, 4.0)
"""Seconds before an unavailable backend is tried again, twice; up to half of each is taken off at random."""


@define(eq=False)
class Run:
    """One scanner on one image.

    It has no task of its own: it goes on when its slot comes, when the plugin's task ends, when a time is up. A task
    for each run would cost as much as everything else that is done for a scanner that answers at once.

    Args:
        crew: Gives the slot, and runs the plugin's code.
        ready: The scanner, one of the crew.
        image: The image.
        deadline: Loop time at which the whole scan has to end; None for no limit but the scanner's own.
        notify: Told of every change.
        on_end: Called once with the record.
    """

    _crew: Crew
    _ready: ReadyScanner
    _image: Image
    _deadline: float | None
    _notify: Callable[[Progress], None] | None
    _on_end: Callable[[ScannerRun], None]
    _loop: asyncio.AbstractEventLoop = field(factory=asyncio.get_running_loop, init=False)
    _state: RunState = field(init=False)
    _begun: float = field(init=False)
    _got_slot: float | None = field(default=None, init=False)
    _started: datetime | None = field(default=None, init=False)
    _attempts: int = field(default=0, init=False)
    _tries: int = field(default=0, init=False)  # those of them with the slot of now
    _unavailable: str = field(default="", init=False)
    _watch: Watch | None = field(default=None, init=False)  # while the plugin's code is running
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)  # in a pause, or the wait for a slot
    _stopped: bool = field(default=False, init=False)
    _over: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._state = RunState(self._ready.name, self._notify)
        self._begun = self._loop.time()

    def begin(self) -> None:
        """Ask for the slot, and go on from there."""
        self._tell("waiting")
        if self._ready.fault is not None:
            self._end(self._record(Outcome.FAILED, self._ready.fault))
        elif self._image.unsupported is not None:
            self._end(self._record(Outcome.UNSUPPORTED, self._image.unsupported))
        else:
            self._queue()

    def _tell(self, state: str) -> None:
        if self._notify is not None:
            self._state.tell(state)

    def _queue(self) -> None:
        if self._crew.slots.acquire(self._ready.limit, self, self._enter):
            self._enter()
        elif self._deadline is not None:
            self._timer = self._loop.call_at(self._deadline, self._miss_turn)

    def stop(self) -> None:
        """End the plugin's code; the record says `CANCELLED`. A second call does nothing."""
        if self._stopped or self._over:
            return
        self._stopped = True
        if self._watch is not None:
            self._watch.end()
            return
        if self._got_slot is None:
            self._crew.slots.give_up(self._ready.limit, self)
        self._end(self._judge(None))

    def _miss_turn(self) -> None:
        self._crew.slots.give_up(self._ready.limit, self)
        self._end(self._record(Outcome.TIMED_OUT, "its turn did not come before the time for the whole scan was up"))

    def _enter(self) -> None:
        """Begin the first attempt, or that after an outage: the slot has come."""
        if self._over:  # too late
            self._release()
            return
        self._clear_timer()
        self._got_slot = self._loop.time()
        if why := self._crew.slots.refuse(self._ready.limit):
            self._end(self._record(Outcome.FAILED, why))
            return
        self._started = self._started or datetime.now(UTC)
        self._tries, self._state.heard = 0, Heard.NOTHING
        self._attempt()

    def _attempt(self) -> None:
        """Begin an attempt."""
        self._timer = None
        self._attempts += 1
        self._tries += 1
        self._tell("scanning")
        name = f"{self._ready.name} on {self._image.reference.text}"
        self._watch = Watch(self._crew.watchdog, name, self._scan, deadline=self._limit(), on_end=self._attempt_ended)

    async def _scan(self) -> ScannerReport:
        """Call the plugin, in the task that is watched: what the context is told there is about this run."""
        scanner = self._ready.scanner
        assert scanner is not None  # noqa: S101 (a scanner without one has a fault)
        CURRENT_RUN.set(self._state)
        return await take_report(await scanner.scan(copy_image(self._image)))

    def _limit(self) -> float:
        """Return the loop time at which this run has to end."""
        assert self._got_slot is not None  # noqa: S101 (for mypy)
        own = self._got_slot + self._ready.timeout
        return own if self._deadline is None else min(own, self._deadline)

    def _attempt_ended(self, ended: Ended | None) -> None:
        """Try again when the backend was unavailable, now or when the slots say so; else judge."""
        self._watch = None
        if self._stopped or not self._may_retry(ended) or not (self._pause() or self._wait_out()):
            self._end(self._judge(ended))

    def _pause(self) -> bool:
        """Return whether there will be one more attempt with this slot."""
        if self._tries > len(RETRY_PAUSES):
            return False
        seconds = RETRY_PAUSES[self._tries - 1] * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)
        if self._loop.time() + seconds >= self._limit():
            return False
        self._tell("retrying")
        self._timer = self._loop.call_later(seconds, self._attempt)
        return True

    def _wait_out(self) -> bool:
        """Return whether this run waits for another slot, and with it for its backend: its time begins anew then."""
        if not self._crew.slots.heard(self._ready.limit, self, self._unavailable):
            return False
        self._leave_slot()
        self._tell("waiting")
        self._queue()
        return True

    def _end(self, record: ScannerRun) -> None:
        self._over = True
        self._clear_timer()
        self._tell(record.outcome.value)
        try:
            if record.outcome in {Outcome.OK, Outcome.INCOMPLETE}:
                self._crew.slots.heard(self._ready.limit, self, None)
            self._leave_slot()
        finally:  # slots of the caller's own may raise
            self._on_end(record)

    def _leave_slot(self) -> None:
        if self._got_slot is not None and self._state.finishing:  # the slot is theirs until they have ended
            self._crew.unfinished.hold(self._state.finishing, self._ready.timeout, self._release)
        elif self._got_slot is not None:
            self._release()
        self._got_slot = None

    def _release(self) -> None:
        self._crew.slots.release(self._ready.limit, self)

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _may_retry(self, ended: Ended | None) -> bool:
        if ended is None:  # the time was up
            return self._state.heard is Heard.UNAVAILABLE
        if ended.error is None or not ended.error.unavailable:
            return False
        self._state.heard = Heard.UNAVAILABLE
        self._unavailable = ended.error.words
        return ended.error.retry

    def _judge(self, ended: Ended | None) -> ScannerRun:
        """Return the record for how the plugin's code ended."""
        if self._stopped:
            return self._record(Outcome.CANCELLED, "stopped on request")
        if ended is None:
            return self._struck()
        if ended.error is None:
            return self._returned(ended.value)
        outcome = Outcome.UNSUPPORTED if ended.error.unsupported else Outcome.FAILED
        return self._record(outcome, ended.error.words)

    def _struck(self) -> ScannerRun:
        """The deadline has struck: the last known state decides what that means."""
        seconds = f"{round(self._times()[1], 1):g} s"
        if self._state.heard is Heard.WORKING:
            return self._record(Outcome.PENDING, f"the backend was still working after {seconds}{self._where()}")
        if self._state.heard is Heard.UNAVAILABLE:
            return self._record(Outcome.FAILED, f"{self._unavailable} (tried for {seconds})")
        return self._record(Outcome.TIMED_OUT, f"no result within {seconds}{self._where()}")

    def _where(self) -> str:
        state = self._state
        return f", at {state.what} {state.done} of {state.total}" if state.total else ""

    def _returned(self, report: ScannerReport) -> ScannerRun:
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
            error=error and message_line(error),
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
