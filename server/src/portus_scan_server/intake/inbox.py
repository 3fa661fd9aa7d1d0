"""The inbox: events that came, each once, until somebody has looked at what they name. Statements alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import asdict
from portus_images import message_line
from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ..store import column_string, database_now, insert_into, tables
from .events import PushHint

events, registries = tables.events, tables.registries
_BATCH = 100
_PUT_OFF = (5, 30, 300, 1_800)
"""Seconds until an event is looked at again whose registry does not answer; after these, the next sync finds what it
told."""


async def put_hints(db: AsyncConnection, registry_id: int, hints: Iterable[PushHint]) -> int:
    """Store what a registry told, and return how much of it is new: an event that comes again is not.

    Args:
        db: A transaction that writes.
        registry_id: Who told.
        hints: What.
    """
    rows = [{"registry_id": registry_id, **asdict(one), "actor": column_string(one.actor)} for one in hints]
    here = registries.c.id == registry_id
    await db.execute(update(registries).where(here).values(last_event_at=database_now()))
    if not rows:
        return 0
    added: Any = (
        insert_into(db.dialect.name, events)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["registry_id", "event_id"])
    )
    return len((await db.execute(added.returning(events.c.id))).all())


async def load_waiting(db: AsyncConnection, host: str) -> Sequence[Row[Any]]:
    """Return the oldest events of a registry that nobody has looked at and that are due, a hundred at most."""
    of_host = select(registries.c.id).where(registries.c.host == host).scalar_subquery()
    waiting = (events.c.registry_id == of_host) & events.c.done_at.is_(None) & (events.c.due_at <= database_now())
    return (await db.execute(select(events).where(waiting).order_by(events.c.id).limit(_BATCH))).all()


async def close_events(db: AsyncConnection, ids: Sequence[int], error: str = "") -> None:
    """Note that somebody has looked at what events name, and what came of it where that was nothing."""
    ended = {"done_at": database_now(), "error": message_line(error) if error else ""}
    await db.execute(update(events).where(events.c.id.in_(ids)).values(**ended))


async def put_off_events(db: AsyncConnection, rows: Sequence[Row[Any]], error: str) -> None:
    """Let events wait longer each time; those that have waited four times are closed."""
    for tries in {row.tries for row in rows}:
        ids = [row.id for row in rows if row.tries == tries]
        if tries >= len(_PUT_OFF):
            await close_events(db, ids, error)
            continue
        later = {"due_at": database_now(_PUT_OFF[tries]), "tries": tries + 1, "error": message_line(error)}
        await db.execute(update(events).where(events.c.id.in_(ids)).values(**later))
