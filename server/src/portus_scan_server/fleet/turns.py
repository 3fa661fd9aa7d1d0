"""What all processes on one PostgreSQL do again and again, and one at a time: syncs, schedules, plans, retention.

A process that finds another one at it leaves the chore out: it comes again. Should the connection be lost meanwhile, a
second process may begin: each chore is right when it is done twice at once, it only costs more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from ..chores import Chore
from ..store import POSTGRESQL, Store, StoreUnavailableError, lock_key
from .life import WorkerLife, holding


class Turns:
    """Whose turn it is, by the names of chores.

    Args:
        life: Has the connection for the locks; None where there is no other process.
    """

    def __init__(self, life: WorkerLife | None = None) -> None:
        self._life = life

    @classmethod
    @asynccontextmanager
    async def open(cls, store: Store) -> AsyncIterator[Turns]:
        """Yield turns with a connection of their own, for a process without a `WorkerLife`.

        Raises:
            StoreUnavailableError: The database can't be used at the begin; later it is asked until it can.
        """
        if store.dialect != POSTGRESQL:
            yield cls()
            return

        async def take(db: AsyncConnection) -> None:
            await db.execute(text("select 1"))

        life = WorkerLife("whose turn it is")
        async with holding(life, store, take):
            yield cls(life)

    def take(self, name: str, chore: Chore) -> Chore:
        """Return a chore that is left out while another process is at the one of this name.

        It may not be run twice at once in this process, to which a session's lock would be given again.
        """
        life = self._life
        if life is None:
            return chore
        key = {"key": lock_key("turn", name)}

        async def run() -> None:
            if not (await life.execute("select pg_try_advisory_lock(:key)", key)).scalar_one():
                return
            try:
                await chore()
            finally:
                with suppress(StoreUnavailableError, SQLAlchemyError):  # it is gone with the connection
                    await life.execute("select pg_advisory_unlock(:key)", key)

        return run
