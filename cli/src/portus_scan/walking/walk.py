"""All wanted images of a registry put to one engine, each result written as soon as it is there."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from attrs import evolve, frozen
from portus_scanners import (
    Engine,
    Image,
    ImageReport,
    Outcome,
    Platform,
    PortusScannersError,
    Reference,
    Registry,
    RegistryError,
    ReportDocument,
    Scans,
    Settings,
    UnresolvedImage,
)

from ..clock import now
from ..exit_codes import ExitCode, judge_document
from ..leaving import leave_at_once, run_to_end, stop_on_signals
from ..output import foreign_prints_to_stderr
from .display import WalkDisplay
from .listing import Catalog, Found
from .results import INTERRUPTED, ResultsFile
from .review import Review
from .selection import Selection
from .since import SinceFile
from .tally import Tally

GRACE = 1.0
"""Seconds that a scanner has to end after Ctrl-C: the whole command has two."""
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
        review: The policies.
        results: Where each finished image is written; None: nowhere.
        since: What has not changed since the last time; None: everything is scanned.
    """

    def __init__(
        self,
        order: WalkOrder,
        display: WalkDisplay,
        review: Review,
        *,
        results: ResultsFile | None,
        since: SinceFile | None,
    ) -> None:
        self._order = order
        self._display = display
        self._review = review
        self._results = results
        self._since = since
        self._writing = asyncio.Lock()
        self._scans: Scans | None = None
        self._finding: asyncio.Task[None] | None = None
        self._skipped = 0
        self.tally = Tally()
        self.interrupted = False
        self.listing_fault: RegistryError | None = None
        """Why not all repositories are known."""
        self.abandoned = False
        """Whether some scanner would not end."""

    def read_results(self) -> None:
        """Count what is finished already; its policies are applied anew, the file keeps what it has.

        Raises:
            CommandFault: A line of the file is no report.
        """
        if self._results is not None:
            for end in self._results.read():
                self.tally.add(end, self._judge(end)[1])

    async def run(self) -> None:
        """Scan everything that is wanted.

        Raises:
            SettingsError: The configuration of an enabled scanner is wrong.
            CommandFault: A result can't be written.
        """
        settings = self._order.settings
        async with AsyncExitStack() as closing:
            registry = await closing.enter_async_context(Registry(settings.registries))
            engine = Engine(settings, registry=registry, grace=GRACE)
            await closing.enter_async_context(engine)
            catalog = Catalog(registry, self._order.host, self._order.selection, self._order.named)
            self._finding = asyncio.create_task(self._find(catalog))
            closing.push_async_callback(_end, self._finding)
            await self._scan_all(engine, catalog)
            self._end_results(catalog)
            self.abandoned = bool(engine.abandoned)

    def sum_up(self) -> ReportDocument:
        """Return what concerns all images; without a gate where none is new, since all were judged before."""
        if self.tally.unchanged and not self.tally.images:
            return ReportDocument()
        return self._review.sum_up()

    def interrupt(self) -> None:
        """End everything that is going on; what is finished is written."""
        self.interrupted = True
        self._display.say("stopping, what is finished is written; press Ctrl-C again to leave at once")
        if self._finding is not None:
            self._finding.cancel()
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
                await self._take(one)
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
        except PortusScannersError:
            return one  # the scan will say why

    def _if_changed(self, one: Found | Image) -> Found | Image | None:
        if isinstance(one, Image) and self._since and self._since.is_unchanged(one.reference.text, one.digest):
            self.tally.unchanged += 1
            self._skipped += 1
            return None
        return one

    async def _take(self, result: ImageReport | UnresolvedImage) -> None:
        """Write, count and show one image."""
        if self.interrupted and _was_stopped(result):
            self.tally.stopped += 1
            return
        async with self._writing:
            result, code = await asyncio.to_thread(self._judge_and_write, result)
        self.tally.add(result, code)
        if self._since and isinstance(result, ImageReport) and _is_seen(result):
            self._since.note(result.image.reference.text, result.image.digest)
        self._display.show(result)

    def _judge_and_write(self, result: ImageReport | UnresolvedImage) -> tuple[ImageReport | UnresolvedImage, ExitCode]:
        result, code = self._judge(result)
        if self._results is not None:
            self._results.append(result)
        return result, code

    def _judge(self, result: ImageReport | UnresolvedImage) -> tuple[ImageReport | UnresolvedImage, ExitCode]:
        judged = self._review.judge(result)
        end = judged.reports[0] if judged.reports else judged.errors[0]
        return end, judge_document(judged, self._review.policing.allowed)


def _was_stopped(result: ImageReport | UnresolvedImage) -> bool:
    if isinstance(result, UnresolvedImage):
        return result.step == INTERRUPTED
    return any(run.outcome is Outcome.CANCELLED for run in result.results)


def _is_seen(report: ImageReport) -> bool:
    return bool(report.results) and all(run.outcome is Outcome.OK for run in report.results)


async def _end(task: asyncio.Task[object]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def run_walk(walk: Walk, display: WalkDisplay) -> None:
    """Run a walk to its end.

    The first Ctrl-C, SIGTERM or SIGHUP ends the scans; the second leaves at once.

    Raises:
        SettingsError: The configuration of an enabled scanner is wrong; nothing was scanned.
        CommandFault: A result can't be written.
    """
    with asyncio.Runner() as runner, stop_on_signals(runner.get_loop(), walk.interrupt, walk.abandon):
        display.start()
        try:
            with foreign_prints_to_stderr():
                run_to_end(runner, walk.run())
        finally:
            display.stop()
