"""All wanted images of a registry put to one engine, each result written as soon as it is there."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

from attrs import evolve, frozen
from portus_images import Registry
from portus_policy import GateViolation
from portus_scanners import (
    Engine,
    Image,
    ImageReport,
    Outcome,
    Platform,
    PortusError,
    Reference,
    RegistryError,
    ReportDocument,
    Scans,
    Settings,
    UnresolvedImage,
)

from ..clock import now
from ..exits import ExitCode, judge_document
from ..leaving import leave_at_once, run_to_end, stop_on_signals
from ..policy import WalkPolicy
from ..terminal import foreign_prints_to_stderr
from .display import WalkDisplay
from .listing import Catalog, Found
from .results import INTERRUPTED, ResultsFile
from .selection import Selection
from .since import SinceFile
from .tally import Tally

ResultT = TypeVar("ResultT")
GRACE = 1.0
"""Seconds that a scanner has to end after Ctrl-C: the whole command has two."""
LAST_WAIT = 1.6
"""Seconds after Ctrl-C until nothing is waited for any more, be it a scanner that is started or closed."""
_LEFT_RUNNING = {Outcome.TIMED_OUT, Outcome.PENDING}
"""Ended from outside: a thread of the plugin may go on for a long time."""
RESOLVED_AHEAD = 8
"""Images that are looked up at once to see whether they have changed."""


@frozen(kw_only=True)
class WalkOrder:
    """What is to be scanned, and how."""

    host: str
    selection: Selection
    named: tuple[str, ...] | None = None
    """Repositories that the user names; None: those that the registry lists."""
    settings: Settings
    platform: Platform | None = None
    concurrency: int
    """Images at once."""


class Walk:
    """The scans of one registry.

    Args:
        order: What to scan.
        display: Sees what goes on.
        policy: What is asked of each image.
        results: Where each finished image is written; None: nowhere.
        since: What has not changed since the last time; None: everything is scanned.
    """

    def __init__(
        self,
        order: WalkOrder,
        display: WalkDisplay,
        policy: WalkPolicy,
        *,
        results: ResultsFile | None,
        since: SinceFile | None,
    ) -> None:
        self._order = order
        self._display = display
        self._policy = policy
        self._results = results
        self._since = since
        self._writing = asyncio.Lock()
        self._registry = Registry(order.settings.registries)
        self._engine = Engine(order.settings, registry=self._registry, grace=GRACE)
        self._catalog = Catalog(self._registry, order.host, order.selection, order.named)
        self._scans: Scans | None = None
        self._opening: asyncio.Task[Engine] | None = None
        self._finding: asyncio.Task[None] | None = None
        self._taking: set[asyncio.Task[None]] = set()
        self._late = asyncio.Event()
        self._skipped = 0
        self.tally = Tally()
        self.interrupted = False
        self.listing_fault: RegistryError | None = None
        """Why not all repositories are known."""

    @property
    def leaves_something(self) -> bool:
        """Whether something was left behind that would keep the interpreter from ending."""
        late = any(outcome in _LEFT_RUNNING for _, outcome in self.tally.outcomes)
        return self.interrupted or late or bool(self._engine.abandoned)

    def read_results(self) -> None:
        """Count what is finished already; the policy is applied anew, the file keeps what it has.

        Raises:
            CommandFault: A line of the file is no report.
        """
        if self._results is not None:
            for end in self._results.read():
                self._count(end, self._judge(end)[1])

    async def run(self) -> None:
        """Scan everything that is wanted.

        Raises:
            SettingsError: The configuration of an enabled scanner is wrong.
            CommandFault: A result can't be written.
        """
        await self._open()
        if not self.interrupted:
            self._finding = asyncio.create_task(self._find(self._catalog))
            try:
                await self._scan_all(self._engine, self._catalog)
                if not self.interrupted:
                    await self._finding  # what it raises must not pass for the end of the list
            finally:
                await _end(self._finding)
                await asyncio.gather(*self._taking)
        self._end_results(self._catalog)

    async def aclose(self) -> None:
        """Close the scanners and the registry; after an interruption only as long as there is time left."""
        await self._wait_for(asyncio.create_task(self._close()))

    async def _close(self) -> None:
        async with AsyncExitStack() as closing:
            closing.push_async_callback(self._registry.aclose)
            closing.push_async_callback(self._engine.aclose)

    async def _open(self) -> None:
        """Start the scanners; an interruption ends that too."""
        self._opening = asyncio.create_task(self._engine.__aenter__())
        if self.interrupted:
            self._opening.cancel()
        await self._wait_for(self._opening)

    async def _wait_for(self, task: asyncio.Task[ResultT]) -> None:
        """Wait for a task, raise what it raises; after an interruption leave it behind when there is no time left."""
        late = asyncio.create_task(self._late.wait())
        await asyncio.wait({task, late}, return_when=asyncio.FIRST_COMPLETED)
        late.cancel()
        if task.done() and not task.cancelled():
            task.result()

    def sum_up(self) -> ReportDocument:
        """Return what concerns all images; without a gate where none is new, since all were judged before."""
        if self.tally.unchanged and not self.tally.images:
            return ReportDocument()
        document = self._policy.sum_up()
        if document.gate is None or not (self.interrupted or self.listing_fault):
            return document
        missing = GateViolation(rule="scanned", message="not all images of the registry were looked at")
        gate = evolve(document.gate, passed=False, violations=(*document.gate.violations, missing))
        return evolve(document, gate=gate)

    def interrupt(self) -> None:
        """End everything that is going on; what is finished is written."""
        self.interrupted = True
        self._display.say("stopping, what is finished is written; press Ctrl-C again to leave at once")
        asyncio.get_running_loop().call_later(LAST_WAIT, self._late.set)
        for task in (self._opening, self._finding):
            if task is not None:
                task.cancel()
        if self._scans is not None:
            self._scans.stop()

    def abandon(self) -> None:
        """Leave at once, from inside a signal handler."""
        self._display.abandon()
        leave_at_once(ExitCode.INTERRUPTED)

    def _end_results(self, catalog: Catalog) -> None:
        if self._results is None:
            return
        faults = ["the walk was stopped"] if self.interrupted else []
        if self.listing_fault is not None:
            faults.append(str(self.listing_fault))
        elif not catalog.complete:
            faults.append("not all repositories had been listed")
        missing = None
        if faults:
            message = f"not all images are here: {'; '.join(faults)}; go on with --resume"
            missing = UnresolvedImage(reference=self._order.host, step=INTERRUPTED, message=message)
        self._results.end(evolve(self.sum_up(), created=now()), missing)

    async def _find(self, catalog: Catalog) -> None:
        try:
            await catalog.find()
        except RegistryError as error:
            self.listing_fault = error
            self._display.say(str(error))

    async def _scan_all(self, engine: Engine, catalog: Catalog) -> None:
        scans = engine.scan_many(
            self._targets(engine, catalog), concurrency=self._order.concurrency, platform=self._order.platform
        )
        async with scans:
            self._scans = scans
            if self.interrupted:
                scans.stop()
            async for end in scans:
                await self._take(end.result)
                self._display.tell(self._known(catalog), complete=catalog.complete)
            self._scans = None

    def _known(self, catalog: Catalog) -> int:
        """Return how many images are to be scanned, as far as they are known."""
        return catalog.total - self._skipped

    async def _targets(self, engine: Engine, catalog: Catalog) -> AsyncIterator[Reference | Image]:
        """Yield what is to be scanned; what can't be is a result at once."""
        wanted = self._wanted(catalog)
        async for one in self._changed(engine, wanted) if self._since else wanted:
            self._display.tell(self._known(catalog), complete=catalog.complete)
            if isinstance(one, UnresolvedImage):
                await self._take_to_the_end(one)
            else:
                yield one

    async def _wanted(self, catalog: Catalog) -> AsyncIterator[Found]:
        """Yield what is not finished yet."""
        async for one in catalog.images():
            text = one.reference if isinstance(one, UnresolvedImage) else one.text
            if self._results is not None and text in self._results:
                self._skipped += 1
            else:
                yield one

    async def _changed(self, engine: Engine, found: AsyncIterator[Found]) -> AsyncIterator[Found | Image]:
        """Yield what has changed since the last time, resolved; a few are looked up ahead."""
        ahead: deque[asyncio.Task[Found | Image]] = deque()
        try:
            async for one in found:
                ahead.append(asyncio.create_task(self._look_up(engine, one)))
                if len(ahead) == RESOLVED_AHEAD and (image := self._if_changed(await ahead.popleft())):
                    yield image
            while ahead:
                if image := self._if_changed(await ahead.popleft()):
                    yield image
        finally:
            for task in ahead:
                await _end(task)

    async def _look_up(self, engine: Engine, one: Found) -> Found | Image:
        if isinstance(one, UnresolvedImage):
            return one
        try:
            return await engine.resolve(one, self._order.platform)
        except PortusError:
            return one  # the scan will say why

    def _if_changed(self, one: Found | Image) -> Found | Image | None:
        if isinstance(one, Image) and self._since and self._since.is_unchanged(one.reference.text, one.digest):
            self.tally.unchanged += 1
            self._skipped += 1
            return None
        return one

    async def _take_to_the_end(self, result: UnresolvedImage) -> None:
        """Take one; cancelled while its line is written, this lets it be written before anything else."""
        taking = asyncio.create_task(self._take(result))
        self._taking.add(taking)
        await asyncio.shield(taking)
        self._taking.discard(taking)

    async def _take(self, result: ImageReport | UnresolvedImage) -> None:
        """Write, count and show one image."""
        if self.interrupted and _was_stopped(result):
            self.tally.stopped += 1
            return
        async with self._writing:
            result, code = await asyncio.to_thread(self._judge_and_write, result)
        self._count(result, code)
        self._display.show(result)

    def _count(self, result: ImageReport | UnresolvedImage, code: ExitCode) -> None:
        self.tally.add(result, code)
        if self._since and isinstance(result, ImageReport) and self._is_seen(result):
            self._since.note(result.image.reference.text, result.image.digest)

    def _is_seen(self, report: ImageReport) -> bool:
        """Return whether all scanners of now have seen an image to its end; a report of a file may be of fewer."""
        seen = {run.scanner for run in report.results if run.outcome is Outcome.OK}
        return seen >= {section.name for section in self._order.settings.enabled} and len(seen) == len(report.results)

    def _judge_and_write(self, result: ImageReport | UnresolvedImage) -> tuple[ImageReport | UnresolvedImage, ExitCode]:
        result, code = self._judge(result)
        if self._results is not None:
            self._results.append(result)
        return result, code

    def _judge(self, result: ImageReport | UnresolvedImage) -> tuple[ImageReport | UnresolvedImage, ExitCode]:
        judged = self._policy.judge(result)
        end = judged.reports[0] if judged.reports else judged.errors[0]
        return end, judge_document(judged, self._policy.allowed)


def _was_stopped(result: ImageReport | UnresolvedImage) -> bool:
    if isinstance(result, UnresolvedImage):
        return result.step == INTERRUPTED
    return any(run.outcome is Outcome.CANCELLED for run in result.results)


async def _end(task: asyncio.Task[object]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def run_walk(walk: Walk, display: WalkDisplay, conclude: Callable[[], ExitCode]) -> ExitCode:
    """Run a walk to its end, and close everything.

    The first Ctrl-C, SIGTERM or SIGHUP ends the scans; the second leaves at once. This function does not return when
    something is left behind that would keep the interpreter from ending.

    Args:
        walk: The walk.
        display: Sees what goes on.
        conclude: Writes what is to be written and returns the exit code. Called before the scanners are closed: one
            that hangs then can't take the answer away.

    Returns:
        What *conclude* said.

    Raises:
        SettingsError: The configuration of an enabled scanner is wrong; nothing was scanned.
        CommandFault: A result can't be written.
    """
    with asyncio.Runner() as runner:
        with stop_on_signals(runner.get_loop(), walk.interrupt, walk.abandon):
            try:
                _show(runner, walk, display)
                code = conclude()
            finally:
                with foreign_prints_to_stderr():
                    run_to_end(runner, walk.aclose())
        if walk.interrupted:
            code = ExitCode.INTERRUPTED
        if walk.leaves_something:
            leave_at_once(code)
    return code


def _show(runner: asyncio.Runner, walk: Walk, display: WalkDisplay) -> None:
    display.start()
    try:
        with foreign_prints_to_stderr():
            run_to_end(runner, walk.run())
    finally:
        display.stop()
