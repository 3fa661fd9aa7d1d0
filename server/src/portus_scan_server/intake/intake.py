"""Intake as a whole: for each watched registry its inbox and its sync, the schedule, and what people ask for.

Events and people wake it; it wakes the runner. Whatever goes wrong with one registry keeps no other from its turn, and
what could not be done now is done later: events stay in the inbox, and a sync comes again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import groupby
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from attrs import frozen
from portus_images import ImageNotFoundError, PortusError, Reference, Registry, class_name
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from ..addresses import open_registry
from ..chores import Chore, doing_again_and_again
from ..fleet import Turns
from ..requests import Reason
from ..settings import Registries, ServerSettings, WatchedRegistry
from ..store import Store, StoreUnavailableError, put_registry
from .events import PushHint
from .inbox import close_events, load_waiting, put_hints, put_off_events
from .schedules import ask_for_all, follow_schedules
from .sightings import ImagePlace, Sighting, known_digest, lock_place, note_sighting, see
from .sync import sync_registry

logger = logging.getLogger("portus_scan_server.intake")

ResultT = TypeVar("ResultT")

_POLL = 5.0
"""Seconds between two looks into the inbox where no event has come."""
_MINUTE = 60.0
_HEADS = 4
"""How many places of the inbox are looked at at once, for each registry."""


class UnknownRegistryError(PortusError):
    """An image of a registry that the service does not watch."""


@frozen(kw_only=True)
class AskedScan:
    """What became of a wish.

    Attributes:
        place: Where the image is, by the configured registry.
        digest: What the registry has there.
        image_id: Its row.
        request_id: The open request, or the dead one that was revived; 0 where none was needed.
    """

    place: ImagePlace
    digest: str
    image_id: int
    request_id: int


class Intake:
    """Turns hints into requests, as long as `running` is entered.

    Args:
        store: The database.
        settings: The configuration.
        wake: Tells the runner that there is work.
        client: Asks registries; one of its own where None.
        turns: What is done while no other process does it; None where there is no other.
    """

    def __init__(
        self,
        store: Store,
        settings: ServerSettings,
        wake: Callable[[], None],
        client: Registry | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._wake = wake
        self._client = open_registry(settings.scanning.registries) if client is None else client
        self._turns = Turns() if turns is None else turns
        self._told = {one.name: asyncio.Event() for one in settings.registries}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def registries(self) -> Registries:
        """The registries that are watched."""
        return self._settings.registries

    def find(self, text: str) -> ImagePlace:
        """Return the place that a person means, by the configured registry, whichever of its addresses was written.

        Raises:
            InvalidReferenceError: *text* is not a valid reference.
            UnknownRegistryError: It is in a registry that is not watched.
        """
        reference = Reference.parse(text)
        watched = self._settings.registries.find(reference.registry)
        if watched is None:
            raise UnknownRegistryError(f"{reference.registry} is not a registry that this service watches")
        return ImagePlace(
            host=watched.host,
            repository=reference.repository,
            tag=reference.tag or "",
            digest=reference.digest or "",
        )

    async def locate(self, place: ImagePlace) -> str | None:
        """Return the digest that the registry has at a place now; None where it says that it has none.

        Raises:
            RegistryError: It says neither.
        """
        return await see(self._client, place)

    async def ask_for(
        self, place: ImagePlace, *, by: str, scanners: tuple[str, ...] = (), reason: Reason = Reason.PERSON
    ) -> AskedScan:
        """Look at a place now, and ask for a scan of what is there. Whether *by* may is the caller's to decide.

        Args:
            place: What `find` has returned.
            by: Who asks.
            scanners: Only these; all that are enabled where empty.
            reason: Why; but for a person, what has an answer is not scanned again.

        Raises:
            ImageNotFoundError: The registry has nothing there.
            RegistryError: It does not say.
            StoreUnavailableError: The database can't be used.
        """

        async def note(db: AsyncConnection, digest: str | None) -> AskedScan:
            if digest is None:
                message = f"{place.host} has no {place.digest or place.tag!r} in {place.repository}"
                raise ImageNotFoundError(message, registry=place.host, step="manifest", status=404)
            found = place if not place.digest else ImagePlace(host=place.host, repository=place.repository)
            seen = await note_sighting(db, found, digest, reason, by=by, scanners=scanners)
            return AskedScan(place=place, digest=digest, image_id=seen.image_id, request_id=seen.request_id or 0)

        asked = await self._look_at(place, note)
        self._wake()
        return asked

    async def ask_for_all(self) -> int:
        """Ask for a scan of every image that has a tag, as a schedule does; return how many.

        Raises:
            StoreUnavailableError: The database can't be used.
        """
        asked = await ask_for_all(self._store, "*", self._settings.registries)
        self._wake()
        return asked

    async def store_hints(self, watched: WatchedRegistry, hints: Sequence[PushHint]) -> int:
        """Put what a registry told into its inbox, committed when this returns; return how much of it is new.

        Raises:
            StoreUnavailableError: The database can't be used.
        """
        async with self._store.writing() as db:
            new = await put_hints(db, await put_registry(db, watched.host), hints)
        if new:
            self._told[watched.name].set()
        return new

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work off inboxes, sync, and follow the schedule as long as the block runs."""
        schedule = self._settings.schedule
        follow = self._turns.take("schedules", self._follow_schedules)
        chores: list[tuple[Chore, float, asyncio.Event | None]] = [(follow, _MINUTE, None)]
        for one in self._settings.registries:
            work_off = self._turns.take(f"events of {one.host}", partial(self.work_off, one))
            sync = self._turns.take(f"sync of {one.host}", partial(self.sync, one))
            chores += (work_off, _POLL, self._told[one.name]), (sync, schedule.sync, None)
        if not self._settings.registries:
            logger.warning("no registry is watched: give one a name (registries: HOST: {name: main})")
        async with self._client, doing_again_and_again(chores, logger):
            yield

    async def sync(self, watched: WatchedRegistry) -> None:
        """Look at all that a registry lists and all that is known of it; see `sync_registry`."""
        result = await sync_registry(self._store, self._client, watched, spacing=self._settings.schedule.sync / 2)
        logger.info(
            "sync of %s: %d tags seen, %d scans asked for, %d tags missing, %d gone",
            watched.name, result.seen, result.asked, len(result.missing), result.gone,
        )  # fmt: skip
        for error in result.errors[:3]:
            logger.warning("sync of %s: %s", watched.name, error)
        if result.held:
            logger.warning(
                "sync of %s: %d tags are no longer there; that many go only if somebody confirms it: "
                "portus-scan db confirm-removals %s",
                watched.name, result.held, watched.host,
            )  # fmt: skip
        if result.asked:
            self._wake()

    async def work_off(self, watched: WatchedRegistry) -> None:
        """Look at what the events of a registry name, until none waits that is due."""
        while True:
            async with self._store.reading() as db:
                waiting = await load_waiting(db, watched.host)
            if not waiting:
                return
            rows = sorted(waiting, key=lambda row: str(_place(watched, row)))
            groups = [(place, list(group)) for place, group in groupby(rows, lambda row: _place(watched, row))]
            limit = asyncio.Semaphore(_HEADS)
            looks = (self._look(limit, place, group) for place, group in groups)
            for error in await asyncio.gather(*looks, return_exceptions=True):
                if error is not None:
                    raise error

    async def _look(self, limit: asyncio.Semaphore, place: ImagePlace, rows: Sequence[Row[Any]]) -> None:
        """Ask the registry once for what some events name, and note what it says."""
        try:
            async with limit:
                found = await self._look_at(place, partial(_note_events, place, rows))
        except StoreUnavailableError:
            raise
        except Exception as error:  # what one event does must not keep the others waiting for ever
            if not isinstance(error, PortusError):
                logger.exception("events about %s are put off by a fault of this program", place)
            async with self._store.writing() as db:
                await put_off_events(db, rows, str(error) if isinstance(error, PortusError) else class_name(error))
        else:
            if found is not None and found.request_id is not None:
                self._wake()

    async def _look_at(
        self, place: ImagePlace, note: Callable[[AsyncConnection, str | None], Awaitable[ResultT]]
    ) -> ResultT:
        """Look at a place, and note what is there; look again where another process has noted something meanwhile."""
        async with self._lock(place):
            while True:
                async with self._store.reading() as db:
                    before = await known_digest(db, place)
                digest = await see(self._client, place)
                async with self._store.writing() as db:
                    await lock_place(db, place)
                    if await known_digest(db, place) in {before, digest}:
                        return await note(db, digest)

    async def _follow_schedules(self) -> None:
        if await follow_schedules(self._store, self._settings.schedule, self._settings.registries):
            self._wake()

    def _lock(self, place: ImagePlace) -> asyncio.Lock:
        """Return what keeps an older answer about a place from being noted after a newer one."""
        lock = self._locks.get(str(place))
        if lock is None:
            lock = self._locks[str(place)] = asyncio.Lock()
        return lock


async def _note_events(
    place: ImagePlace, rows: Sequence[Row[Any]], db: AsyncConnection, digest: str | None
) -> Sighting | None:
    """Note what a registry has where events have said to look, and close them."""
    found = None
    if digest is not None:
        who = next((row.actor for row in rows if row.digest == digest and row.action == "push"), "")
        found = await note_sighting(db, place, digest, Reason.PUSH, pushed_by=who)
    await close_events(db, [row.id for row in rows], "" if digest else "the registry has no such image")
    return found


def _place(watched: WatchedRegistry, row: Row[Any]) -> ImagePlace:
    """Return where an event says to look: at its tag, whatever digest it tells; at the digest where there is no tag."""
    return ImagePlace(host=watched.host, repository=row.repository, tag=row.tag, digest="" if row.tag else row.digest)
