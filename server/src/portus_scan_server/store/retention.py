"""Retention: what is old, and no verdict needs, is removed; a little in each transaction.

0. Events that somebody has looked at: their ids are kept for a week, in which a registry may tell them again.
1. Requests that have ended. Those that are dead stay: they are shown, and keep their image from being tried again.
2. Runs that `latest` does not name.
3. What tags named before; tags that are gone.
4. Images that no tag, no history and no index names, that nobody has seen, asked for, or is asking for, and no cluster
   has wanted to run within 90 days: what runs is scanned on, whatever its tag names now.
5. Messages that have arrived or are dead, and what news they told: a repeat has the same id, as it is made of names.
6. Sets of findings that no run has; then their findings that no other set has; then their advisories.

The last step takes the lock that all share who add findings, alone: a set that is found is not removed before the run
that was to have it is stored.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, delete, exists, func, not_, or_, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncConnection

from .database import POSTGRESQL, Store, lock_for_removing
from .schema import (
    OPEN_STATES,
    advisories,
    deliveries,
    events,
    finding_sets,
    findings,
    images,
    index_images,
    latest,
    news,
    requests,
    runs,
    set_findings,
    tag_history,
    tags,
)
from .types import database_now

logger = logging.getLogger("portus_scan_server.retention")

_BATCH = 500
"""How many rows go in one transaction."""
_EVENTS = timedelta(days=7)
_ADMITTED = timedelta(days=90)
_SETS = 20
"""How many sets of findings go in one transaction; each may have thousands of findings."""


async def remove_old(store: Store, keep: timedelta) -> dict[str, int]:
    """Remove what is older than *keep* and not needed; return how many rows of each table there were.

    Raises:
        StoreUnavailableError: The database can't be used.
    """
    before = database_now(-keep.total_seconds())
    removed = {
        table.name: await _until_none_is_left(store, _of_table(table, condition, _BATCH))
        for table, condition in (
            (events, events.c.done_at < database_now(-min(keep, _EVENTS).total_seconds())),
            (requests, and_(requests.c.state.in_(("done", "failed")), requests.c.ended_at < before)),
            (runs, and_(runs.c.checked_at < before, not_(_is_latest()))),
            (tag_history, tag_history.c.to_at < before),
            (tags, tags.c.gone_at < before),
            (images, _is_forgotten(before)),
            (deliveries, deliveries.c.ended_at < before),
            (news, news.c.over_at < before),
        )
    }
    removed["finding_sets"] = await _until_none_is_left(store, _remove_sets)
    if any(removed.values()):
        logger.info("removed: %s", ", ".join(f"{number} {name}" for name, number in removed.items() if number))
    return removed


async def _until_none_is_left(store: Store, remove: Callable[[AsyncConnection], Awaitable[int]]) -> int:
    total = 0
    while True:
        async with store.writing() as db:
            removed = await remove(db)
        total += removed
        if not removed:
            return total


def _of_table(table: Table, condition: ColumnElement[bool], batch: int) -> Callable[[AsyncConnection], Awaitable[int]]:
    """Return what removes a batch of a table's rows."""
    old = select(table.c.id).where(condition).order_by(table.c.id).limit(batch)

    async def remove(db: AsyncConnection) -> int:
        found = (await db.execute(old)).scalars().all()
        # the condition once more: of two that remove at once, or when one of them has been seen again meanwhile
        gone: Any = await db.execute(delete(table).where(table.c.id.in_(found), condition)) if found else None
        return int(gone.rowcount) if gone is not None else 0

    return remove


def _is_latest() -> ColumnElement[bool]:
    names = or_(latest.c.answer_id == runs.c.id, latest.c.said_id == runs.c.id, latest.c.try_id == runs.c.id)
    return exists().where(latest.c.image_id == runs.c.image_id, latest.c.scanner == runs.c.scanner, names)


def _is_forgotten(before: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(
        _is_unnamed(images, before),
        not_(exists().where(tags.c.image_id == images.c.id)),
        not_(exists().where(tag_history.c.image_id == images.c.id)),
        not_(exists().where(index_images.c.image_id == images.c.id)),
    )


def _is_unnamed(image: FromClause, before: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that no tag has named an image since, and nobody has seen or asked for it, or runs it."""
    wanted_before = database_now(-_ADMITTED.total_seconds())
    asked = or_(requests.c.state.in_(OPEN_STATES), and_(requests.c.asked_at >= before, requests.c.reason != "rescan"))
    named = or_(tags.c.gone_at.is_(None), tags.c.gone_at >= before)
    return and_(
        image.c.last_seen_at < before,
        or_(image.c.admission_at.is_(None), image.c.admission_at < wanted_before),
        not_(exists().where(tags.c.image_id == image.c.id, named)),
        not_(exists().where(tag_history.c.image_id == image.c.id, tag_history.c.to_at >= before)),
        not_(exists().where(requests.c.image_id == image.c.id, asked)),
    )


def is_out_of_use(before: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition of an image that neither itself nor in an index has been named, seen or asked for since."""
    index = images.alias()
    joined = index_images.join(index, index.c.id == index_images.c.index_id)
    inside = select(index.c.id).select_from(joined).where(index_images.c.image_id == images.c.id)
    used = inside.where(not_(_is_unnamed(index, before))).correlate(images)
    return and_(_is_unnamed(images, before), not_(used.exists()))


async def _remove_sets(db: AsyncConnection) -> int:
    """Remove a batch of sets that no run has, with what nothing else has of them; return how many sets."""
    await lock_for_removing(db)
    unused = not_(exists().where(runs.c.set_id == finding_sets.c.id))
    old = (await db.execute(select(finding_sets.c.id).where(unused).order_by(finding_sets.c.id).limit(_SETS))).scalars()
    if not (ids := old.all()):
        return 0
    members = (await db.execute(_members(db.dialect.name, ids))).scalars().all()
    await db.execute(delete(finding_sets).where(finding_sets.c.id.in_(ids)))
    said: set[int] = set()
    for some in _parts(members):
        used = _in_a_set(db.dialect.name)
        gone = delete(findings).where(findings.c.id.in_(some), not_(used)).returning(findings.c.advisory_id)
        said |= set((await db.execute(gone)).scalars())
    for some in _parts(sorted(said)):
        used = exists().where(findings.c.advisory_id == advisories.c.id)
        await db.execute(delete(advisories).where(advisories.c.id.in_(some), not_(used)))
    return len(ids)


def _members(dialect: str, ids: Collection[int]) -> Select[Any]:
    if dialect == POSTGRESQL:
        return select(func.unnest(finding_sets.c.finding_ids)).where(finding_sets.c.id.in_(ids)).distinct()
    return select(set_findings.c.finding_id).where(set_findings.c.set_id.in_(ids)).distinct()


def _in_a_set(dialect: str) -> ColumnElement[bool]:
    if dialect == POSTGRESQL:
        return exists().where(finding_sets.c.finding_ids.contains(array([findings.c.id])))
    return exists().where(set_findings.c.finding_id == findings.c.id)


def _parts(ids: Collection[int]) -> list[list[int]]:
    """Return ids in parts that a statement can have as parameters."""
    known = list(ids)
    return [known[begin : begin + _BATCH] for begin in range(0, len(known), _BATCH)]
