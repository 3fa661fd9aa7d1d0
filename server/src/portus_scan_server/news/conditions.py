"""What lasts, and is told once while it does: a dead request, a backend that is down, data that is old.

A condition that begins is a row; it is over only where something says so. That a backend is not known to be down, or
the date of its data not known, ends nothing. What is over is not told: it would be taken for an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen
from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ..store import Store, database_now, insert_into, tables
from ..summaries import names_of, read_now
from .messages import NewsMessage, tell_dead, tell_down, tell_outdated
from .news_settings import Notifications
from .outbox import forget_message, put_message

news, requests, scanners = tables.news, tables.requests, tables.scanners
_DEAD, _DOWN, _OUTDATED = "request.dead", "scanner.down", "scanner.outdated"
_MOST = 100
"""How many dead requests are told of in one look."""
_Key = tuple[str, str]


@frozen(kw_only=True)
class ScannerSigns:
    """What the row of a scanner says of it. Pure.

    Attributes:
        begun: The conditions that hold.
        over: Those that certainly do not.
    """

    begun: frozenset[str]
    over: frozenset[str]

    @classmethod
    def of(cls, healthy: bool | None, updated: datetime | None, now: datetime, data_age: timedelta) -> ScannerSigns:
        """Read the signs of one row."""
        is_old = None if updated is None else now - updated > data_age
        begun = {_DOWN: healthy is False, _OUTDATED: is_old is True}
        over = {_DOWN: healthy is True, _OUTDATED: is_old is False}
        return cls(
            begun=frozenset(kind for kind, holds in begun.items() if holds),
            over=frozenset(kind for kind, holds in over.items() if holds),
        )


async def look(store: Store, notifications: Notifications) -> None:
    """Write what has begun since the last look, and note what is over.

    Raises:
        StoreUnavailableError: The database can't be used.
    """
    async with store.writing() as db:
        open_rows = {
            (row.kind, row.about): row for row in await db.execute(select(news).where(news.c.over_at.is_(None)))
        }
        known = {row.name: row for row in await db.execute(select(scanners))}
        now, limit = await read_now(db), timedelta(seconds=notifications.settings.data_age)
        signs = {name: ScannerSigns.of(row.healthy, row.database_updated, now, limit) for name, row in known.items()}
        for row in open_rows.values():
            if await _is_over(db, row, signs):
                await _end(db, row)
        for name, said in signs.items():
            for kind in sorted(said.begun):
                if (kind, name) not in open_rows:
                    await _begin(db, name, _message(kind, known[name]), notifications)
        await _tell_dead(db, open_rows, notifications)


async def _is_over(db: AsyncConnection, row: Row[Any], signs: Mapping[str, ScannerSigns]) -> bool:
    if row.kind == _DEAD:
        dead = select(requests.c.id).where(requests.c.id == int(row.about), requests.c.state == "dead")
        return await db.scalar(dead) is None
    said = signs.get(row.about)
    return said is None or row.kind in said.over  # one without a row is no longer enabled


async def _tell_dead(db: AsyncConnection, open_rows: Mapping[_Key, Row[Any]], notifications: Notifications) -> None:
    told = [int(about) for kind, about in open_rows if kind == _DEAD]
    columns = requests.c.id, requests.c.image_id, requests.c.error, tables.images.c.digest
    query = select(*columns).join(tables.images, tables.images.c.id == requests.c.image_id)
    query = query.where(requests.c.state == "dead", requests.c.id.not_in(told)).order_by(requests.c.id).limit(_MOST)
    for row in (await db.execute(query)).all():
        names = await names_of(db, row.image_id)
        await _begin(db, str(row.id), tell_dead(row.id, row.digest, names, row.error), notifications)


def _message(kind: str, row: Row[Any]) -> NewsMessage:
    return tell_down(row.name, row.message) if kind == _DOWN else tell_outdated(row.name, row.database_updated)


async def _begin(db: AsyncConnection, about: str, message: NewsMessage, notifications: Notifications) -> None:
    """Write that a condition has begun, unless another service has done so meanwhile."""
    row = {"uid": message.id, "kind": message.kind, "about": about, "message": message.id}
    added: Any = insert_into(db.dialect.name, news).values(**row).on_conflict_do_nothing().returning(news.c.id)
    if (await db.execute(added)).scalar() is not None:
        delay = notifications.settings.down if message.kind == _DOWN else 0.0
        await put_message(db, message, notifications.settings.channels, delay=delay)


async def _end(db: AsyncConnection, row: Row[Any]) -> None:
    """Note that a condition is over; one that nobody was told of has never been."""
    if await forget_message(db, row.message):
        await db.execute(delete(news).where(news.c.id == row.id))
    else:
        await db.execute(update(news).where(news.c.id == row.id).values(over_at=database_now()))
