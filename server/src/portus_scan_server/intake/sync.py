"""The catalogue sync: what a registry lists, and what is known already, each looked at by a HEAD of our own.

Lists only say where to look. A tag is gone when our own HEAD was told 404 in two syncs; no list ever removes one, and
where a list could not be read to its end, nothing that it covers is even counted. When many would go at once, the
registry is more likely wrong than empty: a person has to confirm it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen, mutable
from portus_images import (
    InvalidReferenceError,
    Registry,
    RegistryError,
    RegistryUnavailableError,
    UnknownRepositoryError,
    message_line,
)
from sqlalchemy import CursorResult, case, func, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ..requests import Reason, ask
from ..settings import WatchedRegistry
from ..store import Store, database_now, put_registry, tables
from .sightings import ImagePlace, known_digest, lock_place, note_sighting, see

logger = logging.getLogger("portus_scan_server.intake")

MISSES = 2
"""Syncs in which a tag has to be missing before it is gone."""
FEW_TAGS, FEW_PERCENT = 20, 10
"""Tags that may go at once without a person: either so many, or so many of a hundred."""
_HEADS = 8
"""How many HEADs are under way at once."""
_BATCH = 100
"""Tags that are noted in one transaction: pushes have to be stored between two of them within half a second."""
_PATIENCE = 8
"""Requests that a registry may leave without an answer before a sync ends: each waits for seconds."""
_MOST_ERRORS = 10
_UNKNOWN = ""
"""In place of a digest: the registry did not say."""
_HIDDEN = {401, 403, 405, 501}
"""Answers of registries that show nobody what repositories they have: those that are known are looked at."""

registries, repositories, tags, images, requests = (
    tables.registries, tables.repositories, tables.tags, tables.images, tables.requests
)  # fmt: skip
_OF_REPOSITORY = tags.join(repositories, repositories.c.id == tags.c.repository_id)
_TAGGED = _OF_REPOSITORY.join(images, images.c.id == tags.c.image_id)


@frozen(kw_only=True)
class KnownTag:
    """A tag as it was known before a sync looked at it."""

    tag_id: int
    digest: str
    missed: int


@mutable(kw_only=True)
class SyncResult:
    """How a sync went.

    Attributes:
        seen: Tags that the registry has.
        asked: Scans that were asked for.
        missing: Tags that it does not have, by their rows.
        errors: What could not be read, the first ten; with one, the sync was not whole.
        unanswered: Requests that got no answer.
        gone: Tags that are gone since now.
        held: Tags that would have gone, had a person confirmed it.
    """

    seen: int = 0
    asked: int = 0
    missing: list[int] = field(factory=list)
    errors: list[str] = field(factory=list)
    unanswered: int = 0
    gone: int = 0
    held: int = 0

    @property
    def is_over(self) -> bool:
        """Whether the registry is away, so that nothing more is asked."""
        return self.unanswered >= _PATIENCE

    def note(self, error: RegistryError) -> None:
        """Note what could not be read."""
        self.unanswered += isinstance(error, RegistryUnavailableError)
        self.errors += [str(error)] if len(self.errors) < _MOST_ERRORS else []


async def sync_registry(store: Store, client: Registry, watched: WatchedRegistry, *, spacing: float) -> SyncResult:
    """Look at everything that a registry lists and everything that is known of it.

    Args:
        store: The database.
        client: Asks the registry.
        watched: The registry.
        spacing: Seconds that have to lie between two syncs that count what is missing.

    Raises:
        StoreUnavailableError: The database can't be used.
    """
    result = SyncResult()
    async with store.writing() as db:
        registry_id = await put_registry(db, watched.host)
    counts = True
    done: set[str] = set()
    try:
        async for name in client.repositories(watched.host):
            if result.is_over:
                break
            if name not in done:
                done.add(name)
                await _sync_repository(
                    store, client, registry_id, ImagePlace(host=watched.host, repository=name), result
                )
    except RegistryError as error:
        counts = error.status in _HIDDEN
        if not counts:
            result.note(error)
    async with store.reading() as db:
        known = select(repositories.c.name).where(repositories.c.registry_id == registry_id)
        others = [name for name in (await db.execute(known)).scalars() if name not in done]
    for name in others:
        if result.is_over:
            break
        await _sync_repository(store, client, registry_id, ImagePlace(host=watched.host, repository=name), result)
    async with store.writing() as db:
        await _end(db, registry_id, result, counts=counts and not result.is_over, spacing=spacing)
    return result


async def _sync_repository(
    store: Store, client: Registry, registry_id: int, place: ImagePlace, result: SyncResult
) -> None:
    """Look at the tags of a repository, those that are listed and those that are known."""
    async with store.reading() as db:
        known = await _load_known(db, registry_id, place.repository)
    is_whole, done = True, set[str]()
    missing: list[int] = []

    async def look(names: Sequence[str]) -> None:
        done.update(names)
        places = [ImagePlace(host=place.host, repository=place.repository, tag=name) for name in names]
        missing.extend(await _look(store, client, places, known, result))

    try:
        async for names in _batches(client.tags(place.host, place.repository)):
            await look([name for name in names if name not in done])
    except (UnknownRepositoryError, InvalidReferenceError):  # as good as an empty list: our HEADs decide
        pass
    except RegistryError as error:
        is_whole = False
        result.note(error)
    others = [name for name in known if name not in done]
    for start in range(0, len(others), _BATCH):
        if not result.is_over:
            await look(others[start : start + _BATCH])
    if is_whole:
        result.missing += missing
    async with store.reading() as db:
        forgotten = await _find_forgotten(db, registry_id, place.repository)
    if forgotten:
        async with store.writing() as db:
            for row in forgotten:
                await ask(db, row.id, Reason.FIRST_SYNC, source=(row.repository_id, row.name))
        result.asked += len(forgotten)


async def _batches(names: AsyncIterator[str]) -> AsyncIterator[list[str]]:
    batch: dict[str, None] = {}
    async for name in names:
        batch[name] = None
        if len(batch) == _BATCH:
            yield list(batch)
            batch = {}
    if batch:
        yield list(batch)


async def _load_known(db: AsyncConnection, registry_id: int, repository: str) -> dict[str, KnownTag]:
    query = select(tags.c.id, tags.c.name, tags.c.missed, images.c.digest).select_from(_TAGGED)
    here = (repositories.c.registry_id == registry_id) & (repositories.c.name == repository) & tags.c.gone_at.is_(None)
    rows = (await db.execute(query.where(here))).all()
    return {row.name: KnownTag(tag_id=row.id, digest=row.digest, missed=row.missed) for row in rows}


async def _look(
    store: Store, client: Registry, places: Sequence[ImagePlace], known: Mapping[str, KnownTag], result: SyncResult
) -> list[int]:
    """Ask for tags, note what is new of them, and return the rows of those that the registry does not have."""
    limit = asyncio.Semaphore(_HEADS)

    async def ask_for(place: ImagePlace) -> str | None:
        try:
            async with limit:
                return _UNKNOWN if result.is_over else await see(client, place)
        except RegistryError as error:
            result.note(error)
        except InvalidReferenceError:  # a list may have any string
            pass
        return _UNKNOWN

    found = await asyncio.gather(*map(ask_for, places))
    missing, new = [], []
    for place, digest in zip(places, found, strict=True):
        before = known.get(place.tag)
        if digest is None:
            missing += [before.tag_id] if before else []
        elif digest:
            result.seen += 1
            if before is None or before.missed or before.digest != digest:
                new.append((place, digest, before))
    if new:
        async with store.writing() as db:
            for place, digest, before in new:
                result.asked += await _note(db, place, digest, before)
    return missing


async def _note(db: AsyncConnection, place: ImagePlace, digest: str, before: KnownTag | None) -> bool:
    """Note a tag that has changed, unless it has changed here as well since it was known: then that is newer."""
    await lock_place(db, place)
    if await known_digest(db, place) != (before.digest if before else None):
        return False
    return (await note_sighting(db, place, digest, Reason.FIRST_SYNC)).request_id is not None


async def _find_forgotten(db: AsyncConnection, registry_id: int, repository: str) -> Sequence[Any]:
    """Return tagged images that were never resolved and that nobody is asked for any longer."""
    busy = select(requests.c.id).where(
        requests.c.image_id == images.c.id, requests.c.state.in_(("queued", "running", "dead"))
    )
    here = (repositories.c.registry_id == registry_id) & (repositories.c.name == repository) & tags.c.gone_at.is_(None)
    forgotten = images.c.body.is_(None) & images.c.is_index.is_(False) & not_(busy.exists())
    query = select(images.c.id, tags.c.repository_id, tags.c.name).select_from(_TAGGED)
    return (await db.execute(query.where(here, forgotten).limit(_BATCH))).all()


async def _end(db: AsyncConnection, registry_id: int, result: SyncResult, *, counts: bool, spacing: float) -> None:
    """Count what is missing, let go what may go, and note how the sync went."""
    here = registries.c.id == registry_id
    noted: dict[str, Any] = {"sync_error": message_line("; ".join(result.errors[:3]))}
    if not result.errors:
        noted["last_sync_at"] = database_now()
    rested = or_(registries.c.missed_at.is_(None), registries.c.missed_at <= database_now(-spacing))
    if counts:
        counted: CursorResult[Any] = await db.execute(
            update(registries).where(here, rested).values(missed_at=database_now())
        )
        if counted.rowcount:
            noted |= await _let_go(db, registry_id, result)
    await db.execute(update(registries).where(here).values(**noted))


async def _let_go(db: AsyncConnection, registry_id: int, result: SyncResult) -> dict[str, Any]:
    """Count the tags that were missing; those that were so twice are gone, unless there are too many of them."""
    more = case((tags.c.missed < MISSES, tags.c.missed + 1), else_=tags.c.missed)
    gone: list[int] = []
    for start in range(0, len(result.missing), _BATCH):
        part = tags.c.id.in_(result.missing[start : start + _BATCH]) & tags.c.gone_at.is_(None)
        counted = await db.execute(update(tags).where(part).values(missed=more).returning(tags.c.id, tags.c.missed))
        gone += [row.id for row in counted if row.missed >= MISSES]
    of_registry = (repositories.c.registry_id == registry_id) & tags.c.gone_at.is_(None)
    total = int((await db.execute(select(func.count()).select_from(_OF_REPOSITORY).where(of_registry))).scalar_one())
    confirmed = int(await db.scalar(select(registries.c.confirmed).where(registries.c.id == registry_id)) or 0)
    if len(gone) > max(FEW_TAGS, confirmed) and len(gone) * 100 > total * FEW_PERCENT:
        result.held = len(gone)
        return {"held": len(gone), "confirmed": 0}
    for start in range(0, len(gone), _BATCH):
        ended = tags.c.id.in_(gone[start : start + _BATCH])
        await db.execute(update(tags).where(ended).values(gone_at=database_now()))
    result.gone = len(gone)
    return {"held": 0, "confirmed": 0}


async def confirm_removals(db: AsyncConnection, host: str, most: int | None = None) -> int:
    """Let the tags of a registry go that were held back, with its next sync; return how many that may be.

    More than that, should it be more by then, are held back again.

    Args:
        db: A transaction that writes.
        host: The configured registry.
        most: How many a person has been shown: nothing is confirmed where it is more by now. None for any number.
    """
    here = registries.c.host == host
    if most is not None:
        here &= registries.c.held <= most
    confirmed = update(registries).where(here).values(confirmed=registries.c.held)
    return int(await db.scalar(confirmed.returning(registries.c.confirmed)) or 0)
