"""All wanted images of a registry put to one engine, each result written as soon as it is there."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime

from attrs import evolve, frozen
from portus_images import Registry
from portus_policy import GateViolation
from portus_scanners import (
    Engine,
    Image,
    ImageReport,
    Outcome,
    Platform,
    Reference,
    RegistryError,
    ReportDocument,
    ScanEnd,
    Settings,
    UnresolvedImage,
)

from ..exits import ExitCode, Looked
from ..policy import WalkPolicy
from ..session import GRACE, Session
from .catalog import Catalog, Found, Selection
from .counted import AnyReport
from .display import PlainDisplay
from .outages import MOST_HELD, PatientSlots, Room
from .records import INTERRUPTED, OUTAGE, ResultsFile, reference_of
from .since import Seen, SinceFile, TagLookups
from .summary import Tally
from .writing import ResultWriter

RESOLVED_AHEAD = 8
"""Images that are looked up at once to see whether they have changed."""


@frozen(kw_only=True)
class WalkOrder:
    """What is to be scanned, and how."""

    host: str
    selection: Selection
    named: tuple[str, ...] | None = None
    """Repositories that the user names; None: those that the registry lists."""
    only_retry: bool = False
    """Scan what the file of results has and another scan may answer better, and nothing else."""
    settings: Settings
    platform: Platform | None = None
    concurrency: int
    """Images at once."""
    patience: float
    """Seconds that a backend which is away is waited for, in the whole walk."""


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
        display: PlainDisplay,
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
        self._writer = ResultWriter(policy, results)
        self._registry = Registry(order.settings.registries)
        self._slots = PatientSlots(display, self._is_healthy, order.patience)
        engine = Engine(order.settings, registry=self._registry, grace=GRACE, slots=self._slots)
        message = "stopping, what is finished is written; press Ctrl-C again to leave at once"
        self._session = Session(engine, display, stopping=message, registry=self._registry)
        named = self._to_retry() if order.only_retry else order.named
        self._catalog = Catalog(self._registry, order.host, order.selection, named, display.note_listing)
        self._room: Room | None = None
        self._lookups = None if since is None else TagLookups(self._registry, since, order.platform)
        self._taking: set[asyncio.Task[None]] = set()
        self._skipped = 0
        self.tally = Tally()
        self.listing_fault: RegistryError | None = None
        """Why not all repositories are known."""

    @property
    def interrupted(self) -> bool:
        """Whether the user has stopped it."""
        return self._session.interrupted

    def read_results(self) -> None:
        """Count what is finished already; the policy is applied anew, the file keeps what it has.

        What is not finished counts at the end of the walk, unless it was scanned again.

        Raises:
            CommandFault: A line of the file is not a report.
        """
        if self._results is not None:
            for end in self._results.read(whole=self._policy.asks):
                self._count(end, self._writer.look_again(end))

    def run(self, conclude: Callable[[], ExitCode]) -> ExitCode:
        """Scan everything that is wanted, and close everything; see `Session.run`.

        Args:
            conclude: Writes what is to be written and returns the exit code.

        Raises:
            SettingsError: The configuration of an enabled scanner is wrong; nothing was scanned.
            CommandFault: A result can't be written.
        """
        return self._session.run(self._walk, lambda _: conclude())

    async def _walk(self) -> None:
        if not self.interrupted:
            finding = asyncio.create_task(self._find())
            try:
                with self._session.stopped_by(finding.cancel):
                    await self._scan_all(self._catalog.images())
                    if not self.interrupted:
                        await finding  # what it raises must not pass for the end of the list
                        await self._scan_all(self._catalog.digests())
            finally:
                await _end(finding)
                await asyncio.gather(*self._taking)
                self.tally.empty, self.tally.repeated = self._catalog.empty, self._catalog.repeated
        if self._results is not None:
            for repository in self._catalog.empty:  # its tags could not be listed before
                self._results.settle(f"{self._order.host}/{repository}")
            for end in self._results.to_retry():
                self._count(end, self._writer.look_again(end))
        self._end_results()

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

    def _end_results(self) -> None:
        if self._results is None:
            return
        faults = ["the walk was stopped"] if self.interrupted else []
        if self.listing_fault is not None:
            faults.append(str(self.listing_fault))
        elif not self._catalog.complete:
            faults.append("not all repositories had been listed")
        if self._order.only_retry and not self._results.was_whole:
            faults.append("the walk before had not come to its end")
        missing = None
        if faults:
            message = f"not all images are here: {'; '.join(faults)}; go on with --resume"
            missing = UnresolvedImage(reference=self._order.host, step=INTERRUPTED, message=message)
        self._results.end(evolve(self.sum_up(), created=datetime.now(UTC).replace(microsecond=0)), missing)

    async def _find(self) -> None:
        try:
            await self._catalog.find()
        except RegistryError as error:
            self.listing_fault = error
            self._display.say(str(error))

    async def _scan_all(self, found: AsyncIterator[Found]) -> None:
        plugins = {section.name: section.plugin for section in self._order.settings.enabled}
        self._room = Room(self._order.concurrency, plugins, self._slots) if len(plugins) > 1 else None
        scans = self._session.engine.scan_many(
            self._targets(found),
            concurrency=self._order.concurrency + (MOST_HELD if self._room else 0),
            platform=self._order.platform,
            on_progress=self._room.note if self._room else None,
        )
        with self._session.stopped_by(scans.stop):
            async with scans:
                async for end in scans:
                    await self._take_ends([end, *scans.take_ready()])

    async def _take_ends(self, ends: Sequence[ScanEnd]) -> None:
        await self._take([self._without_refused(end.result) for end in ends])
        if self._room is not None:
            for end in ends:
                self._room.leave(end.position)
        self._tell()

    def _without_refused(self, result: ImageReport | UnresolvedImage) -> ImageReport | UnresolvedImage:
        """Return what is to be written: an image is not scanned where no backend was asked any longer."""
        refusals = self._slots.refusals
        if isinstance(result, UnresolvedImage) or not result.results or not refusals:
            return result
        refused = all(run.error in refusals for run in result.results)
        return self._leave_out(result.image.reference.text) if refused else result

    def _leave_out(self, reference: str) -> UnresolvedImage:
        return UnresolvedImage(reference=reference, step=OUTAGE, message="; ".join(self._slots.refusals))

    def _tell(self) -> None:
        """Show how many images are to be scanned, as far as they are known."""
        self._display.tell(self._catalog.total - self._skipped, complete=self._catalog.complete)

    async def _targets(self, found: AsyncIterator[Found]) -> AsyncIterator[Reference | Image]:
        """Yield what is to be scanned; what can't be is a result at once."""
        wanted = self._wanted(found)
        async for one in self._changed(wanted, self._lookups) if self._lookups else wanted:
            self._tell()
            if self._room is not None:
                await self._room.wait()
            if isinstance(one, UnresolvedImage):
                await self._take_to_the_end(one)
            elif self._slots.is_over:
                await self._take_to_the_end(self._leave_out(_text_of(one)))
            else:
                if self._room is not None:
                    self._room.enter()
                yield one

    async def _is_healthy(self, plugin: str) -> bool:
        """Return whether all instances of a plugin say that their backends can be used."""
        names = {section.name for section in self._order.settings.enabled if section.plugin == plugin}
        found = await self._session.engine.check_health()
        return names == {one.scanner for one in found if one.scanner in names and one.healthy}

    async def _wanted(self, found: AsyncIterator[Found]) -> AsyncIterator[Found]:
        """Yield what is not finished yet."""
        async for one in found:
            if self._results is not None and _text_of(one) in self._results:
                self._skipped += 1
            else:
                if self._results is not None and isinstance(one, Reference):  # its tags could not be listed before
                    self._results.settle(f"{self._order.host}/{one.repository}")
                yield one

    def _to_retry(self) -> Iterator[str]:
        """Yield the names, without the registry, of the file's images that may have a better answer now."""
        prefix = f"{self._order.host}/"
        for end in self._results.to_retry() if self._results is not None else ():
            if reference_of(end).startswith(prefix):
                yield reference_of(end).removeprefix(prefix)

    async def _changed(self, found: AsyncIterator[Found], lookups: TagLookups) -> AsyncIterator[Found | Image]:
        """Yield what has changed since the last time, resolved; a few are looked up ahead."""
        ahead: deque[tuple[Found, asyncio.Task[Found | Image | Seen]]] = deque()
        try:
            async for one in found:
                ahead.append((one, asyncio.create_task(lookups.find(one))))
                if len(ahead) == RESOLVED_AHEAD and (image := self._if_changed(*await _first(ahead))):
                    yield image
            while ahead:
                if image := self._if_changed(*await _first(ahead)):
                    yield image
        finally:
            for _, task in ahead:
                await _end(task)

    def _if_changed(self, asked: Found, found: Found | Image | Seen) -> Found | Image | None:
        """Return what is to be scanned; count what was seen before."""
        if not isinstance(found, Seen):
            return found
        self._skipped += 1
        if isinstance(asked, Reference):
            self._catalog.note_resolved(asked, found.image, found.pointer)
        if found.artifact:
            self.tally.artifacts[found.artifact] += 1
        else:
            self.tally.unchanged += 1
        return None

    async def _take_to_the_end(self, result: UnresolvedImage) -> None:
        """Take one; cancelled while its line is written, this lets it be written before anything else."""
        taking = asyncio.create_task(self._take([result]))
        self._taking.add(taking)
        await asyncio.shield(taking)
        self._taking.discard(taking)

    async def _take(self, results: Sequence[ImageReport | UnresolvedImage]) -> None:
        """Write, count and show images.

        Raises:
            CommandFault: One can't be written; those before it are counted and shown.
        """
        to_write: list[ImageReport | UnresolvedImage] = []
        for result in results:
            if self.interrupted and _was_stopped(result):
                self.tally.stopped += 1
            elif isinstance(result, ImageReport) and result.image.artifact is not None:
                self._pass_over(result, result.image.artifact)
            else:
                to_write.append(result)
        if not to_write:
            return
        written, fault = await self._writer.write(to_write)
        for result, looked in written:
            self._count(result, looked)
            self._display.show(result)
        if fault is not None:
            raise fault

    def _pass_over(self, report: ImageReport, artifact: str) -> None:
        """Count and show what is not an image: there is nothing in it that a scanner could have seen."""
        self.tally.artifacts[artifact] += 1
        self._note(report)
        if self._results is not None:
            self._results.settle(report.image.reference.text)
        if self._since:
            self._since.note(report.image.reference.text, report.image.digest, artifact)
        self._display.show(report)

    def _count(self, result: AnyReport | UnresolvedImage, looked: Looked) -> None:
        self.tally.add(result, looked)
        if not isinstance(result, UnresolvedImage):
            self._note(result)
            if self._since and self._is_seen(result):
                self._since.note(result.image.reference.text, result.image.digest)

    def _note(self, report: AnyReport) -> None:
        reference = report.image.reference
        if isinstance(reference, Reference):
            self._catalog.note_resolved(reference, report.image.digest, report.image.index_digest)

    def _is_seen(self, report: AnyReport) -> bool:
        """Return whether all scanners of now have seen an image to its end; a report of a file may be of fewer."""
        seen = {run.scanner for run in report.results if run.outcome is Outcome.OK}
        return seen >= {section.name for section in self._order.settings.enabled} and len(seen) == len(report.results)


def _text_of(one: Found | Image) -> str:
    if isinstance(one, UnresolvedImage):
        return one.reference
    return one.reference.text if isinstance(one, Image) else one.text


def _was_stopped(result: ImageReport | UnresolvedImage) -> bool:
    if isinstance(result, UnresolvedImage):
        return result.step == INTERRUPTED
    return any(run.outcome is Outcome.CANCELLED for run in result.results)


async def _first(
    ahead: deque[tuple[Found, asyncio.Task[Found | Image | Seen]]],
) -> tuple[Found, Found | Image | Seen]:
    """Wait for the first of those that are looked up, and take it away; not before: a cancelled one has to be ended."""
    one, task = ahead[0]
    found = await task
    ahead.popleft()
    return one, found


async def _end(task: asyncio.Task[object]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
