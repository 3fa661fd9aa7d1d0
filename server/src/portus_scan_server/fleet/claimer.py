"""What a process has claimed: it begins requests, keeps those that run, and gives them back.

Where they come from is said by a `Source`: on SQLite a look at the table (`Polling`), on PostgreSQL the jobs of
procrastinate (`jobs.py`). Both end in the same claim, the one UPDATE of the table `requests`, which alone decides.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from typing import Protocol

from attrs import frozen
from sqlalchemy.ext.asyncio import AsyncConnection

from ..chores import Chore, doing_again_and_again
from ..requests import ClaimedRequest, claim, give_back, give_back_unknown
from ..store import POSTGRESQL, Store, StoreUnavailableError
from .feeder import URGENT
from .places import PLACE, RequestPlace

logger = logging.getLogger("portus_scan_server.runner")


@frozen
class SharedChore:
    """What comes again and again, for all processes together.

    Attributes:
        name: Its name, the same in all processes.
        chore: What is done; it is right when two processes are at it at once.
        seconds: The pause: whole seconds of a minute, minutes of an hour or hours.
        needs_newest: Whether a process leaves it to others while they have newer data than this one.
    """

    name: str
    chore: Chore
    seconds: float
    needs_newest: bool = False


class Source(Protocol):
    """Where a process' requests come from."""

    async def run(self) -> None:
        """Have requests begun until the claimer is stopped, and do the shared chores meanwhile."""

    def changed(self) -> None:
        """Something is different: what runs, what has a place, what may be claimed."""


class Claimer(ABC):
    """Claims requests of one table and keeps those that run.

    Args:
        store: The database.
        owner: One life of this process.
        concurrency: How many at once; one of these places, if there are more, is for urgent ones alone. As many again
            may wait for the slots of backends, as far as the engine has its slots from `PlacedSlots`.
        poll: Seconds between two looks at the table where nobody has said that something was asked for.
        chores: What is done for all processes together, as long as this one runs.
    """

    def __init__(
        self, store: Store, *, owner: str, concurrency: int, poll: float = 1.0, chores: Sequence[SharedChore] = ()
    ) -> None:
        self._store = store
        self._owner = owner
        self.concurrency = concurrency
        self.running: dict[asyncio.Task[None], ClaimedRequest] = {}
        """What was claimed and has not ended."""
        self._places: dict[asyncio.Task[None], RequestPlace] = {}
        self._scanning: set[int] = set()
        self._turn = asyncio.Lock()  # one claim after the other: whether nothing else runs has to be known
        self.paused = False
        self._unsure = False  # whether there may be a claim whose answer was lost
        self._takes_rescans = True
        self.stopped = asyncio.Event()
        """Set by `stop`."""
        self.ended = 0
        """How many requests have ended here."""
        self._source = _source_of(self, store, poll, chores)

    @abstractmethod
    async def work_on(self, claimed: ClaimedRequest) -> None:
        """Run one request to its end."""

    @property
    def takes_rescans(self) -> bool:
        """Whether it claims what nobody waits for: not while others would scan it with newer data."""
        return self._takes_rescans

    @takes_rescans.setter
    def takes_rescans(self, takes: bool) -> None:
        self._takes_rescans = takes
        self._source.changed()

    @property
    def taken(self) -> int:
        """How many requests have a place."""
        return sum(place.is_taken for place in self._places.values())

    @property
    def is_alone(self) -> bool:
        """Whether a request runs while which nothing else may."""
        return any(one.alone for one in self.running.values())

    def wake(self) -> None:
        """Look whether something can be begun: somebody has asked for something, or a place is free."""
        self._source.changed()

    def stop(self) -> None:
        """Claim nothing any longer."""
        self.stopped.set()
        self._source.changed()

    def pause(self) -> None:
        """Claim nothing, and end all scans: others may be given what runs. What has been found is still written."""
        self.paused = self._unsure = True
        for task, claimed in self.running.items():
            if claimed.request_id in self._scanning:
                task.cancel()
        self._source.changed()

    def resume(self) -> None:
        """Claim again; what `pause` ended is queued first."""
        self.paused = False
        self._source.changed()

    def scanned(self, claimed: ClaimedRequest) -> None:
        """From here on `pause` leaves a request to its end: only `finish` says whether that counts."""
        self._scanning.discard(claimed.request_id)

    async def run(self) -> None:
        """Run requests until `stop`, then until those that were claimed have ended.

        Cancelling this ends the scans and gives their requests back.
        """
        try:
            await self._source.run()
            while self.running:
                await asyncio.wait(set(self.running))
        finally:
            await self._give_all_back()

    async def begin(self, *, least: int = 0, request_id: int | None = None) -> bool:
        """Claim a request and begin it; return whether there was one.

        Args:
            least: The priority that it has to have.
            request_id: The only one that is wanted; the most urgent one where left out.
        """
        async with self._turn:
            if self.paused or self.stopped.is_set() or self.is_alone:
                return False
            try:
                async with self._store.writing() as db:
                    await self._give_back_unknown(db)
                    idle = not self.running
                    claimed = await claim(db, self._owner, idle=idle, least=least, request_id=request_id)
            except StoreUnavailableError as error:
                logger.warning("nothing can be claimed: %s", error)
                self._unsure = True
                return False
            except asyncio.CancelledError:
                self._unsure = True
                raise
            if claimed is None:
                return False
            place = RequestPlace()
            task = asyncio.create_task(self._work_on(claimed, place), name=f"request {claimed.request_id}")
            self.running[task] = claimed
            self._places[task] = place
            self._scanning.add(claimed.request_id)
            task.add_done_callback(self._ended)
            if self.paused:  # while it was claimed
                task.cancel()
            return True

    async def settle(self) -> None:
        """Queue again what this owner has without knowing it, though nothing is to be claimed.

        Raises:
            StoreUnavailableError: The database can't be used.
        """
        if self._unsure and not self.paused:
            async with self._turn:
                try:
                    async with self._store.writing() as db:
                        await self._give_back_unknown(db)
                except (StoreUnavailableError, asyncio.CancelledError):
                    self._unsure = True
                    raise

    async def _give_back_unknown(self, db: AsyncConnection) -> None:
        unsure, self._unsure = self._unsure, False
        if unsure:
            held = [one.request_id for one in self.running.values()]
            unknown = await give_back_unknown(db, self._owner, held)
            logger.warning("%d requests that ran, as far as anybody knows, are queued again", unknown)

    async def _work_on(self, claimed: ClaimedRequest, place: RequestPlace) -> None:
        PLACE.set(place)
        await self.work_on(claimed)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._scanning.discard(self.running.pop(task).request_id)
        del self._places[task]
        self._source.changed()
        if task.cancelled():
            return  # its request is given back
        self.ended += 1
        if (error := task.exception()) is not None:
            self._unsure = True  # nobody has ended its request
            logger.error("a request ended with a fault of this program", exc_info=error)

    async def _give_all_back(self) -> None:
        tasks = dict(self.running)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        try:
            for claimed in tasks.values():
                async with self._store.writing() as db:
                    await give_back(db, claimed)  # one that has ended is left as it is
            if self._unsure:
                async with self._store.writing() as db:
                    await give_back_unknown(db, self._owner, [])
        except StoreUnavailableError as error:
            logger.warning("what ran is not given back, others will take it: %s", error)


def _source_of(claimer: Claimer, store: Store, poll: float, chores: Sequence[SharedChore]) -> Source:
    """Return what brings requests from a kind of database."""
    if store.dialect == POSTGRESQL:
        from .jobs import Jobs  # procrastinate comes with the extra `postgresql`

        return Jobs(claimer, store, poll, chores)
    return Polling(claimer, poll, chores)


class Polling:
    """Takes the most urgent request that is due: the only process on its database needs nobody to bring it.

    Args:
        claimer: Begins it.
        poll: Seconds between two looks.
        chores: What is done meanwhile.
    """

    def __init__(self, claimer: Claimer, poll: float, chores: Sequence[SharedChore]) -> None:
        self._claimer = claimer
        self._poll = poll
        self._chores = chores
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """See `Source.changed`."""
        self._changed.set()

    async def run(self) -> None:
        """See `Source.run`."""
        async with AsyncExitStack() as stack:
            if self._chores:
                chores = [(one.chore, one.seconds, None) for one in self._chores]
                await stack.enter_async_context(doing_again_and_again(chores, logger))
            while not self._claimer.stopped.is_set():
                self._changed.clear()
                if not await self._begin_one():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._poll):
                            await self._changed.wait()

    async def _begin_one(self) -> bool:
        """Claim a request if there is room for one; return whether to look again at once."""
        claimer = self._claimer
        free = claimer.concurrency - claimer.taken
        if free < 1 or len(claimer.running) >= 2 * claimer.concurrency:
            return False
        return await claimer.begin(least=URGENT if free == 1 < claimer.concurrency else int(not claimer.takes_rescans))
