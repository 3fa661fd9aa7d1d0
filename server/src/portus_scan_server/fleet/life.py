"""Proof that a worker lives, on PostgreSQL: one session lock on a connection of its own, gone with its process.

A session lock may be lost while its process lives: the server was restarted, the connection cut. So a worker asks its
connection every few seconds; once that fails it tells those who follow its life, takes the lock again, and tells them
again. Nobody looks for the dead in the first half minute of a server's life, in which the living take theirs again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, TypeAlias

from sqlalchemy import CursorResult, delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from ..requests import died
from ..store import POSTGRESQL, Store, StoreUnavailableError, guarded, tables

logger = logging.getLogger("portus_scan_server.fleet")

_CLASS = 0x706F7274
"""The first number of the locks of workers; the second is the worker's own."""
_ASK = 5.0
"""Seconds between two questions to the connection that holds the lock."""
_ANSWER = 3.0
"""Seconds that it has to answer: a worker that is cut off knows it within ten seconds."""
_AGAIN = 1.0
"""Seconds until a lock that was lost is taken again."""
_YOUNG = 30
"""Seconds of a server's life in which living workers may not yet have their locks again."""
_HOLDS = """
select 1 from pg_locks where pg_locks.locktype = 'advisory' and granted
    and classid::bigint = :class and objid::bigint = workers.lock_key and objsubid = 2
    and pg_locks.database = (select oid from pg_database where datname = current_database())"""
_Take: TypeAlias = Callable[[AsyncConnection], Awaitable[None]]
_LOST = f"""
select distinct requests.owner from requests
where state = 'running' and not exists (
    select 1 from workers where workers.owner = requests.owner and exists ({_HOLDS}))
and pg_postmaster_start_time() < now() - interval '1 second' * :young"""  # noqa: S608 (no foreign words)
_FORGET = f"""
delete from workers where began_at < now() - interval '1 day' and not exists ({_HOLDS})
and not exists (select 1 from requests where state = 'running' and requests.owner = workers.owner)"""  # noqa: S608


class LifeFollower(Protocol):
    """Who has to know when nobody can tell any longer that a worker lives. Both are called in the event loop."""

    def pause(self) -> None:
        """The lock is lost, and everything else that the connection held: what runs may be given to others."""

    def resume(self) -> None:
        """The lock is held again, on a new connection."""


class WorkerLife:
    """A lock, and who has to know when it is lost. Made by `alive`; on SQLite it is never lost, and has no connection.

    Args:
        says: What the lock says, for the log.
    """

    def __init__(self, says: str) -> None:
        self._says = says
        self._followers: list[LifeFollower] = []
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()
        self._broken = asyncio.Event()
        self._left: set[asyncio.Task[CursorResult[Any]]] = set()

    def follow(self, *followers: LifeFollower) -> None:
        """Tell these, in this order, when the lock is lost and when it is held again."""
        self._followers += followers

    async def execute(self, statement: str, values: Mapping[str, object] | None = None) -> CursorResult[Any]:
        """Run a statement on the connection that has the lock, for further locks that end with it.

        Raises:
            StoreUnavailableError: The lock is lost now.
            SQLAlchemyError: The statement failed.
        """
        async with self._turn:
            if self._connection is None:
                raise StoreUnavailableError("the connection that says that this worker lives is lost")
            asked = asyncio.create_task(_execute(self._connection, statement, values))
            await asyncio.wait({asked}, timeout=_ANSWER)
            if asked.done() and not isinstance(asked.exception(), StoreUnavailableError):
                return asked.result()
            self._connection = None  # also where it only is slow: whether the statement was done can't be known
            self._broken.set()
            if asked.done():
                return asked.result()
            self._left.add(asked)  # the driver may take long to give it up
            asked.add_done_callback(self._leave)
            asked.cancel()
            raise StoreUnavailableError(f"the database does not answer within {_ANSWER:g} s")

    def _leave(self, asked: asyncio.Task[CursorResult[Any]]) -> None:
        self._left.discard(asked)
        if not asked.cancelled():
            asked.exception()  # nobody waits for it

    async def hold(self, store: Store, take: _Take, is_held: asyncio.Event) -> None:
        """Hold the lock for ever; each time that it is lost this is said, and it is taken again.

        Raises:
            StoreUnavailableError: The database can't be used, before the lock was ever held.
        """
        while True:
            try:
                async with store.session() as db:
                    await take(db)
                    self._broken.clear()
                    self._connection = db
                    is_held.set()
                    self._tell(held=True)
                    try:
                        while True:
                            with suppress(TimeoutError):
                                async with asyncio.timeout(_ASK):
                                    await self._broken.wait()
                            await self.execute("select 1")
                    finally:
                        self._connection = None
                        self._tell(held=False)
            except (StoreUnavailableError, SQLAlchemyError) as error:
                if not is_held.is_set():
                    raise
                what = "the lock that says %s is lost, and taken again: %s"
                logger.warning(what, self._says, error, exc_info=error if isinstance(error, SQLAlchemyError) else None)
            await asyncio.sleep(_AGAIN)

    def _tell(self, *, held: bool) -> None:
        for one in self._followers:
            if held:
                one.resume()
            else:
                one.pause()


async def _execute(db: AsyncConnection, statement: str, values: Mapping[str, object] | None) -> CursorResult[Any]:
    async with guarded():
        return await db.execute(text(statement), values)


@asynccontextmanager
async def alive(store: Store, owner: str) -> AsyncIterator[WorkerLife]:
    """Hold the lock that says that an owner lives, as long as the block runs; on SQLite there is nothing to do.

    Raises:
        StoreUnavailableError: The database can't be used at the begin; later it is asked until it can.
    """
    life = WorkerLife("that this worker lives")
    if store.dialect != POSTGRESQL:
        yield life
        return
    key = secrets.randbelow(2**31)
    known = insert(tables.workers).values(owner=owner, lock_key=key).on_conflict_do_nothing(index_elements=["owner"])

    async def take(db: AsyncConnection) -> None:
        await db.execute(text("select pg_advisory_lock(:class, :key)"), {"class": _CLASS, "key": key})
        await db.execute(known)  # after the lock, each time: who has none may be forgotten

    async with holding(life, store, take):
        yield life
    async with store.writing() as db:
        await db.execute(delete(tables.workers).where(tables.workers.c.owner == owner))


@asynccontextmanager
async def holding(life: WorkerLife, store: Store, take: _Take) -> AsyncIterator[None]:
    """Hold a lock, which *take* takes on a connection of its own, as long as the block runs."""
    is_held = asyncio.Event()
    holder = asyncio.create_task(life.hold(store, take, is_held))
    try:
        waiting = asyncio.create_task(is_held.wait())
        await asyncio.wait({holder, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if holder.done():
            holder.result()
        yield
    finally:
        holder.cancel()
        await asyncio.wait({holder})


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
