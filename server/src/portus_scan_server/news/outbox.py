"""The outbox: news that were written with what they tell of, and what became of each message to each channel.

A delivery is claimed by moving its time: who claimed it and died leaves it to be sent again when that has passed, with
the id that it has. So a message may come twice, and none is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from attrs import frozen
from portus_images import message_line
from sqlalchemy import Row, and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ..store import POSTGRESQL, database_now, tables
from .messages import NewsMessage

deliveries, news = tables.deliveries, tables.news
AGAIN_AFTER = (5, 30, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000)
"""Seconds until a message is sent again, by how often it was: ten times in 52 hours, then it is dead."""
_LEASE = 120
"""Seconds after which a delivery is sent again whose sender has said nothing."""
_BATCH = 10
_QUEUED, _SENT, _DEAD = "queued", "sent", "dead"


@frozen(kw_only=True)
class Delivery:
    """A message on its way to one channel.

    Attributes:
        id: Its row.
        channel: The channel's name in the configuration.
        tries: How often it was sent, this time included.
        message: What is sent.
    """

    id: int
    channel: str
    tries: int
    message: NewsMessage


async def put_message(
    db: AsyncConnection, message: NewsMessage, channels: Collection[str], *, delay: float = 0.0
) -> None:
    """Let a message be sent to each channel; in the transaction that writes what it tells of."""
    values = {"message": message.id, "kind": message.kind, "body": message.body, "due_at": database_now(delay)}
    for channel in channels:
        await db.execute(insert(deliveries).values(channel=channel, **values))


async def is_due(db: AsyncConnection) -> bool:
    """Return whether a delivery is due: most often none is, and nobody has to wait for a turn to write."""
    due = and_(deliveries.c.state == _QUEUED, deliveries.c.due_at <= database_now())
    return await db.scalar(select(deliveries.c.id).where(due).limit(1)) is not None


async def claim_deliveries(db: AsyncConnection, channels: Collection[str]) -> list[Delivery]:
    """Return some deliveries that are due, the oldest first; nobody else gets them for two minutes.

    Those to channels that the configuration no longer names, and those that were sent too often without an answer, are
    dead with this.
    """
    due = and_(deliveries.c.state == _QUEUED, deliveries.c.due_at <= database_now())
    await _end(db, and_(due, deliveries.c.channel.not_in(list(channels))), "the configuration names no such channel")
    await _end(db, and_(due, deliveries.c.tries > len(AGAIN_AFTER)), "each time the sender died")
    oldest = select(deliveries.c.id).where(due).order_by(deliveries.c.due_at, deliveries.c.id).limit(_BATCH)
    if db.dialect.name == POSTGRESQL:
        oldest = oldest.with_for_update(skip_locked=True)
    ids = (await db.execute(oldest)).scalars().all()
    if not ids:
        return []
    taken = update(deliveries).where(deliveries.c.id.in_(ids))
    taken = taken.values(tries=deliveries.c.tries + 1, due_at=database_now(_LEASE))
    rows = (await db.execute(taken.returning(deliveries))).all()
    return [_read(row) for row in sorted(rows, key=lambda row: row.id)]


def _read(row: Row[Any]) -> Delivery:
    message = NewsMessage.read(row.message, row.body)
    return Delivery(id=row.id, channel=row.channel, tries=row.tries, message=message)


async def _end(db: AsyncConnection, condition: Any, error: str) -> None:
    ended = {"state": _DEAD, "error": error, "ended_at": database_now()}
    await db.execute(update(deliveries).where(condition).values(**ended))


async def note_sent(db: AsyncConnection, delivery: Delivery) -> None:
    """Note that a message has arrived."""
    sent = {"state": _SENT, "error": "", "ended_at": database_now()}
    await db.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(**sent))


async def note_failed(
    db: AsyncConnection, delivery: Delivery, error: str, *, for_ever: bool = False, wait: float | None = None
) -> None:
    """Note that a message has not arrived: it is sent again after *wait* seconds or more, or dead."""
    mine = and_(deliveries.c.id == delivery.id, deliveries.c.state == _QUEUED)
    if for_ever or delivery.tries > len(AGAIN_AFTER):
        await _end(db, mine, message_line(error))
        return
    seconds = max(AGAIN_AFTER[delivery.tries - 1], min(wait or 0.0, AGAIN_AFTER[-1]))
    again = {"due_at": database_now(seconds), "error": message_line(error)}
    await db.execute(update(deliveries).where(mine).values(**again))


async def forget_message(db: AsyncConnection, message: str) -> bool:
    """Remove a message that nobody was sent yet; False where somebody was, and nothing is removed."""
    mine = deliveries.c.message == message
    if await db.scalar(select(func.count()).select_from(deliveries).where(mine, deliveries.c.tries > 0)):
        return False
    await db.execute(delete(deliveries).where(mine))
    return True


async def list_deliveries(db: AsyncConnection) -> Sequence[Row[Any]]:
    """Return the deliveries that are dead or waiting, the oldest first, at most a thousand."""
    columns = [deliveries.c[name] for name in ("message", "channel", "kind", "state", "tries", "error", "made_at")]
    query = select(*columns).where(deliveries.c.state != _SENT).order_by(deliveries.c.id).limit(1000)
    return (await db.execute(query)).all()


async def send_again(db: AsyncConnection) -> int:
    """Queue every dead delivery again, as if it had never been sent; return how many there were."""
    queued = {"state": _QUEUED, "tries": 0, "due_at": database_now(), "ended_at": None}
    again: Any = await db.execute(update(deliveries).where(deliveries.c.state == _DEAD).values(**queued))
    return int(again.rowcount)
