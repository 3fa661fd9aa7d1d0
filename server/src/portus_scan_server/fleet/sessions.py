"""What a fleet asks of its database: PostgreSQL, with sessions that stay whose they are.

A pooler that lends a server's connection for one transaction at a time (PgBouncer's ``pool_mode = transaction``) keeps
a lock of the session on whatever connection it was taken on: nobody could say who lives.
"""

from __future__ import annotations

from portus_images import SettingsError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ..store import POSTGRESQL, Store

_TRIES = 3
"""How often it is looked: a pooler with many idle connections may give the same one twice by chance."""


async def check_sessions(store: Store) -> None:
    """Do nothing if each connection to PostgreSQL keeps its session; SQLite is not asked.

    Raises:
        SettingsError: A pooler in between does not keep sessions.
        StoreUnavailableError: The database can't be used.
    """
    if store.dialect != POSTGRESQL:
        return
    for _ in range(_TRIES):
        async with store.session() as one, store.session() as other:
            before = await _pid(one)  # with each statement a transaction ends
            await other.execute(text("begin"))
            held = await _pid(other)
            after = await _pid(one)
            await other.execute(text("rollback"))
        if held == before or after != before:
            raise SettingsError(
                "the pooler before this database does not keep sessions, and a worker's lock would be lost in it: "
                "connect to PostgreSQL itself, or set pool_mode = session in PgBouncer"
            )


async def _pid(connection: AsyncConnection) -> int:
    return int((await connection.execute(text("select pg_backend_pid()"))).scalar_one())
