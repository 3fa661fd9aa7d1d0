"""Proof that an owner lives, on PostgreSQL: one session lock on a connection of its own, gone with its process.

The same for a service: until several can share the work, one has a database for itself.

On SQLite there is one runner, and its folder's lock says that. A session lock may be lost while its process lives: the
server was restarted, the connection cut. So a worker asks its connection every few seconds and takes the lock again,
and nobody looks for the dead in the first half minute of a server's life.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from portus_images import PortusError
from sqlalchemy import delete, insert, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from ..store import POSTGRESQL, Store, StoreUnavailableError, tables
from .table import died

logger = logging.getLogger("portus_scan_server.workers")

_CLASS = 0x706F7274
"""The first number of the locks of workers; the second is the worker's own."""
_SERVICE_CLASS = 0x706F7273
"""The first number of the lock of a service; the second is 0."""
_PATIENCE = 5.0
"""Seconds that a service waits for the connection of one that was killed to end."""
_ASK = 5.0
"""Seconds between two questions to the connection that holds the lock."""
_AGAIN = 1.0
"""Seconds until a lock that was lost is taken again."""
_YOUNG = 30
"""Seconds of a server's life in which living workers may not yet have their locks again."""
_HOLDS = """
select 1 from pg_locks where pg_locks.locktype = 'advisory' and granted
    and classid::bigint = :class and objid::bigint = workers.lock_key and objsubid = 2
    and pg_locks.database = (select oid from pg_database where datname = current_database())"""
_LOST = f"""
select distinct requests.owner from requests
where state = 'running' and not exists (
    select 1 from workers where workers.owner = requests.owner and exists ({_HOLDS}))
and pg_postmaster_start_time() < now() - interval '1 second' * :young"""  # noqa: S608 (no foreign words)
_FORGET = f"""
delete from workers where began_at < now() - interval '1 day' and not exists ({_HOLDS})
and not exists (select 1 from requests where state = 'running' and requests.owner = workers.owner)"""  # noqa: S608


def new_owner() -> str:
    """Return a name for one life of a runner; no other ever has it."""
    return secrets.token_hex(12)


@asynccontextmanager
async def alive(store: Store, owner: str) -> AsyncIterator[None]:
    """Hold the lock that says that an owner lives, as long as the block runs; on SQLite there is nothing to do.

    Raises:
        StoreUnavailableError: The database can't be used at the begin; later it is asked until it can.
    """
    if store.dialect != POSTGRESQL:
        yield
        return
    key = secrets.randbelow(2**31)
    async with store.writing() as db:
        await db.execute(insert(tables.workers).values(owner=owner, lock_key=key))

    async def take(db: AsyncConnection, _patience: float) -> None:
        await db.execute(text("select pg_advisory_lock(:class, :key)"), {"class": _CLASS, "key": key})

    async with _holding(store, take, "that this runner lives"):
        yield
    async with store.writing() as db:
        await db.execute(delete(tables.workers).where(tables.workers.c.owner == owner))


class DatabaseTakenError(PortusError):
    """Another service uses the database."""


@asynccontextmanager
async def sole_service(store: Store) -> AsyncIterator[asyncio.Task[None]]:
    """Keep other services from this database as long as the block runs; on SQLite the lock of the folder does.

    Yields:
        What ends with `DatabaseTakenError` should the lock be lost with its connection, and another service get it.

    Raises:
        DatabaseTakenError: Another service has it.
        StoreUnavailableError: The database can't be used at the begin; later it is asked until it can.
    """
    if store.dialect != POSTGRESQL:
        async with _holding(store, None, "") as nothing:
            yield nothing
        return

    async def take(db: AsyncConnection, patience: float) -> None:
        asked = text("select pg_try_advisory_lock(:class, 0)")
        deadline = asyncio.get_running_loop().time() + patience
        while not await db.scalar(asked, {"class": _SERVICE_CLASS}):
            if asyncio.get_running_loop().time() > deadline:
                raise DatabaseTakenError(
                    "another service uses this database: stop it, or give this one a database of its own (--database)"
                )
            await asyncio.sleep(0.1)

    async with _holding(store, take, "that this service has its database for itself") as holder:
        yield holder


_Take = Callable[[AsyncConnection, float], Awaitable[None]]


@asynccontextmanager
async def _holding(store: Store, take: _Take | None, says: str) -> AsyncIterator[asyncio.Task[None]]:
    """Hold a lock as long as the block runs; yield the task that does, which ends only with an error."""
    is_held = asyncio.Event()
    holder = asyncio.create_task(_hold(store, take, says, is_held))
    try:
        waiting = asyncio.create_task(is_held.wait())
        await asyncio.wait({holder, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if holder.done():
            holder.result()
        yield holder
    finally:
        holder.cancel()
        await asyncio.wait({holder})


async def _hold(store: Store, take: _Take | None, says: str, is_held: asyncio.Event) -> None:
    """Hold the lock for ever; each time that it is lost this is said, and it is taken again."""
    if take is None:
        is_held.set()
        await asyncio.Event().wait()
        return
    while True:
        try:
            async with store.session() as db:
                await take(db, _PATIENCE)
                is_held.set()
                while True:
                    await asyncio.sleep(_ASK)
                    await db.execute(text("select 1"))
        except StoreUnavailableError as error:
            if not is_held.is_set():
                raise
            logger.warning("the lock that says %s is lost, and taken again: %s", says, error)
        except SQLAlchemyError:  # without the lock others would take our requests
            if not is_held.is_set():
                raise
            logger.exception("the lock that says %s is lost by a fault, and taken again", says)
        await asyncio.sleep(_AGAIN)


async def sweep(db: AsyncConnection, *, young: int = _YOUNG) -> int:
    """Take back what owners were running that hold no lock any longer; return how much that was. PostgreSQL only.

    Owners that were gone a day ago, and have nothing, are forgotten.

    Args:
        db: A transaction that writes.
        young: Seconds that the server has to have run.
    """
    lost = (await db.execute(text(_LOST), {"class": _CLASS, "young": young})).scalars().all()
    await db.execute(text(_FORGET), {"class": _CLASS})
    return await died(db, lost) if lost else 0
