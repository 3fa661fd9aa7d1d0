"""The runner: asks the engine about the image of each request that it has claimed, and ends that in one transaction.

Whatever goes wrong on the way, the request stays in the table: it is put off where no source gives the image or this
program is at fault, given back where the runner is stopped, and taken back by others where its process dies. An end
that the database does not take is tried again until it does, and is dropped when it says that the request has another
owner by now. A claim whose answer was lost is given back by the next one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from typing import TypeVar

from portus_images import (
    Image,
    ImageNotFoundError,
    InvalidReferenceError,
    PortusError,
    Registry,
    RegistryError,
    class_name,
)
from portus_scanners import Engine, Outcome, ScannerRun
from sqlalchemy.ext.asyncio import AsyncConnection

from .answers import MadeWith, ScannerAnswers, add_runs, as_made
from .fleet import Claimer, SharedChore
from .news import ImageNews, NewsWriter
from .requests import (
    ClaimedRequest,
    ImageSource,
    ask,
    finish,
    give_up,
    has_ended,
    note_source,
    put_off,
)
from .store import (
    PreparedRun,
    Store,
    StoreUnavailableError,
    load_answers,
    prepare_run,
    put_details,
    put_in_repository,
    put_index,
    read_image,
    repeat_runs,
    store_run,
)
from .summaries import (
    Rules,
    Summary,
    extend_summary,
    names_of,
    pointers,
    put_index_summary,
    put_summary,
    read_now,
    summarize,
)

logger = logging.getLogger("portus_scan_server.runner")
ResultT = TypeVar("ResultT")

_RETRY = 2.0  # seconds between two tries to write an end that the database did not take


class Runner(Claimer):
    """Runs the requests of one table with one engine.

    Args:
        store: The database.
        engine: An open engine.
        registry: What the engine asks, to ask for images.
        rules: What summaries are made under.
        owner: One life of this runner.
        made_with: Returns what runs are made with now, by the scanner's name.
        concurrency: See `Claimer`.
        news: Writes what a scan has brought that is new; None where nobody is told.
        poll: See `Claimer`.
        chores: See `Claimer`.
    """

    def __init__(  # noqa: PLR0913 (what a runner does, and with what)
        self,
        store: Store,
        engine: Engine,
        registry: Registry,
        rules: Rules,
        *,
        owner: str,
        made_with: Callable[[], Mapping[str, MadeWith]],
        concurrency: int = 4,
        news: NewsWriter | None = None,
        poll: float = 1.0,
        chores: Sequence[SharedChore] = (),
    ) -> None:
        super().__init__(store, owner=owner, concurrency=concurrency, poll=poll, chores=chores)
        self._news = news
        self._engine = engine
        self._registry = registry
        self._rules = rules
        self._made_with = made_with

    async def work_on(self, claimed: ClaimedRequest) -> None:
        """Run one request to its end."""
        try:
            found = await self._find(claimed)
            if found is None:
                return
            source, images, is_known = found
            if len(images) == 1 and images[0].digest == claimed.digest:
                with_what = self._made_with()  # before the scan: what is newer than it says is asked again, not missed
                told = await self._engine.ask(images[0], scanners=claimed.scanners or None)
                self.scanned(claimed)
                runs = [(run, as_made(run, with_what.get(run.scanner, MadeWith()))) for run in told]
                await self._end_image(claimed, source, images[0], runs, is_known=is_known)
            else:
                await self._persist(lambda db: _end_index(db, claimed, source, images, self._rules))
        except Exception as error:
            ours = not isinstance(error, PortusError)
            text = f"a fault of this program ({class_name(error)}): see its log" if ours else str(error)
            logger.warning("request %d can't be run: %s", claimed.request_id, text, exc_info=error if ours else None)
            await self._persist(lambda db: put_off(db, claimed, "scan", text))

    async def _find(self, claimed: ClaimedRequest) -> tuple[ImageSource, tuple[Image, ...], bool] | None:
        """Return the first source that gives the image, with what it gives, and whether that was known before.

        Without a source the request is ended.
        """
        errors: list[PortusError] = []
        for source in claimed.sources:
            reference = claimed.reference(source)
            try:
                known = read_image(claimed.body, reference)
                if known is None:
                    return source, await self._registry.resolve_all(reference), False
                there = await self._registry.look_up(reference, pointer=claimed.digest)  # a HEAD: it has not changed
                return source, (there.image or known,), True  # noqa: TRY300
            except (RegistryError, InvalidReferenceError) as error:
                errors.append(error)
                text = str(error)
                await self._persist(partial(note_source, claimed=claimed, source=source, error=text))
        others = [one for one in errors if not isinstance(one, ImageNotFoundError)]
        if others:
            step, text = getattr(others[0], "step", "resolve"), str(others[0])
            await self._persist(lambda db: put_off(db, claimed, step, text))
        else:
            text = str(errors[0]) if errors else "no repository is known to have it"
            await self._persist(lambda db: give_up(db, claimed, text))
        return None

    async def _end_image(
        self,
        claimed: ClaimedRequest,
        source: ImageSource,
        image: Image,
        runs: Sequence[tuple[ScannerRun, MadeWith]],
        *,
        is_known: bool,
    ) -> None:
        """Store what the scanners said, and the summary, with the end of the request.

        All work is done before the transaction. When another run of the image has ended meanwhile, it is done again.
        """
        prepared = await asyncio.to_thread(lambda: [prepare_run(run, made_with) for run, made_with in runs])
        ended_ok = {run.scanner for run, _ in runs if run.outcome is Outcome.OK}
        others = [name for name in self._rules.enabled if name not in ended_ok]

        async def write(db: AsyncConnection, summary: Summary, seen: object, new: ImageNews | None) -> bool:
            if not await _finish(db, claimed, source):
                return True
            if seen != await pointers(db, claimed.image_id):
                raise _MeanwhileError
            await put_details(db, claimed.image_id, image)
            for one in prepared:
                await store_run(db, claimed.image_id, one)
            await put_summary(db, claimed.image_id, summary, self._rules)
            if self._news is not None and new is not None:
                await self._news.put(db, claimed.image_id, new)
            return True

        may_repeat = is_known and not others
        done = may_repeat and await self._persist_if(partial(self._repeat, claimed, source, prepared))
        while not done:
            seen, stored, names, now = await self._read(lambda db: _state_of(db, claimed.image_id, others))
            known = add_runs(stored, runs, now=now)
            summary = await asyncio.to_thread(summarize, image, names, known, self._rules, now=now)
            new = None
            if self._news is not None:
                compare = partial(self._news.compare, summary=summary, names=names, made_with=self._made_with())
                new = await self._read(partial(compare, image_id=claimed.image_id))
            done = await self._persist_if(partial(write, summary=summary, seen=seen, new=new))

    async def _repeat(
        self, claimed: ClaimedRequest, source: ImageSource, prepared: Sequence[PreparedRun], db: AsyncConnection
    ) -> bool:
        """End a request whose scanners have all answered as before, which needs no merging: most of them, each night.

        Raises:
            _MeanwhileError: They have not, or something else has changed.
        """
        if await _finish(db, claimed, source):
            if not await repeat_runs(db, claimed.image_id, prepared):
                raise _MeanwhileError
            dates = [one.made_with.database_updated for one in prepared]
            if not await extend_summary(db, claimed.image_id, dates, self._rules):
                raise _MeanwhileError
        return True

    async def _persist_if(self, work: Callable[[AsyncConnection], Awaitable[bool]]) -> bool:
        """Do as `_persist` does; return False, with nothing written, where the image's state is not as it should be."""
        try:
            return await self._persist(work)
        except _MeanwhileError:
            return False

    async def _persist(self, work: Callable[[AsyncConnection], Awaitable[ResultT]]) -> ResultT:
        """Do work in one transaction that writes; while the database can't be used, again and again."""
        return await self._insist(self._store.writing, work)

    async def _read(self, work: Callable[[AsyncConnection], Awaitable[ResultT]]) -> ResultT:
        return await self._insist(self._store.reading, work)

    async def _insist(
        self,
        open_one: Callable[[], AbstractAsyncContextManager[AsyncConnection]],
        work: Callable[[AsyncConnection], Awaitable[ResultT]],
    ) -> ResultT:
        while True:
            try:
                async with open_one() as db:
                    return await work(db)
            except StoreUnavailableError as error:
                logger.warning("it is tried again: %s", error)
                await asyncio.sleep(_RETRY)


class _MeanwhileError(Exception):
    """The image's state is not as it was read, or as it was before this scan."""


async def _finish(db: AsyncConnection, claimed: ClaimedRequest, source: ImageSource) -> bool:
    """End a request for an image that a repository has given; False where nothing more may be written."""
    if await finish(db, claimed):
        await put_in_repository(db, claimed.image_id, source.repository_id)
        return True
    if not await has_ended(db, claimed):
        logger.warning("request %d has another owner by now: what it found is dropped", claimed.request_id)
    return False


async def _state_of(
    db: AsyncConnection, image_id: int, scanners: Collection[str]
) -> tuple[object, dict[str, ScannerAnswers], list[str], datetime]:
    seen = await pointers(db, image_id)
    stored = await load_answers(db, image_id, scanners) if scanners else {}
    return seen, stored, await names_of(db, image_id), await read_now(db)


async def _end_index(
    db: AsyncConnection, claimed: ClaimedRequest, source: ImageSource, images: Sequence[Image], rules: Rules
) -> None:
    """Store the images of an index and ask for each that can be run, with the end of the request."""
    if not await _finish(db, claimed, source):
        return
    members = await put_index(db, claimed.image_id, images)
    for image, image_id in zip(images, members, strict=True):
        await put_in_repository(db, image_id, source.repository_id)
        if image.artifact is None:
            where = source.repository_id, source.tag
            await ask(db, image_id, claimed.reason, source=where, scanners=claimed.scanners)
    await put_index_summary(db, claimed.image_id, rules)
