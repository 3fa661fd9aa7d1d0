"""One database, opened: transactions that read and transactions that write, on SQLite and on PostgreSQL.

SQLite has one connection that writes, behind a lock, and four that read, each with a view of one moment. PostgreSQL has
one pool for both. A database that can't be used is one error, `StoreUnavailableError`, whatever the driver calls it; no
message has the address of a database, which may contain a password.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from portus_images import PortusError, SettingsError, words_of
from sqlalchemy import URL, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    OperationalError,
    TimeoutError as PoolTimeoutError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from .sqlite_connection import connect_sqlite

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_READERS = 4
_POOL = 8
CONNECT_TIMEOUT = 5
"""Seconds."""
_POOL_TIMEOUT = 10.0
_LISTEN = 60.0
"""Seconds after which a connection that waits for notifications is asked whether it is still there."""
_PRAGMAS = (
    *("journal_mode = wal", "synchronous = normal", "foreign_keys = on", "busy_timeout = 10000"),
    *("cache_size = -16384", "temp_store = memory"),
)
ON_CONNECT = (
    *("set tcp_keepalives_idle = 10", "set tcp_keepalives_interval = 5", "set tcp_keepalives_count = 3"),
    *("set tcp_user_timeout = 25000", "set max_parallel_workers_per_gather = 0", "set jit = off"),
)
"""Set on PostgreSQL's side, one by one: a pooler in between refuses them as options of the connection. What a machine
without power held is free after 25 s; the fourth is for one that was just being answered, in ms. The last two: our
queries are done before PostgreSQL has started processes or compiled code to help with them."""
_ADDING = 0x706F7274
"""The advisory lock of PostgreSQL that all who add findings share: who removes some has to have it alone."""


class StoreUnavailableError(PortusError):
    """The database can't be used now: it is away, locked, or its disk is full. Nothing of a transaction is kept."""


class StoreDamagedError(PortusError):
    """The database has lost a part of what was stored: what is left of it is no answer."""


def parse_url(address: str) -> URL:
    """Return the address of a database with the driver that is used for it.

    Args:
        address: ``sqlite:///FILE``, ``postgresql://USER:PASSWORD@HOST/NAME``, with or without a driver.

    Raises:
        SettingsError: It is not a valid address of one of the two.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise SettingsError("the database's address is not valid: write postgresql://USER:PASSWORD@HOST/NAME") from None
    kind = url.get_backend_name()
    if kind == "postgres":
        kind = POSTGRESQL
    if kind == SQLITE and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite+aiosqlite")
    if kind == POSTGRESQL:
        if not all(map(find_spec, ("psycopg", "procrastinate"))):
            raise SettingsError("for PostgreSQL: pip install 'portus-scan-server[postgresql]'")
        return url.set(drivername="postgresql+psycopg")
    raise SettingsError("the database is sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")


def sqlite_url(path: Path) -> str:
    """Return the address of an SQLite file."""
    return URL.create("sqlite", database=str(path)).render_as_string()


class Store:
    """An open database. Made by `Store.open`.

    Attributes:
        url: Its address; a string of it has no password.
        dialect: ``sqlite`` or ``postgresql``.
    """

    def __init__(self, url: URL) -> None:
        self.url, self.dialect = url, url.get_backend_name()
        if self.dialect == SQLITE:
            self._writer = _sqlite_engine(url, size=1, begin="begin immediate")
            self._reader = _sqlite_engine(url, size=_READERS, begin="begin")
        else:
            self._writer = self._reader = _postgresql_engine(
                url, pool_size=_POOL, max_overflow=0, pool_timeout=_POOL_TIMEOUT, pool_pre_ping=True
            )
            self._alone = _postgresql_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._turn = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, address: str) -> AsyncIterator[Store]:
        """Open a database; nothing is connected before it is used.

        Args:
            address: See `parse_url`.

        Raises:
            SettingsError: The address is not valid.
        """
        store = cls(parse_url(address))
        try:
            yield store
        finally:
            await store._writer.dispose()
            await store._reader.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection with a transaction that only reads, and is undone at the end.

        Raises:
            StoreUnavailableError: The database can't be used, at the begin or later.
        """
        async with guarded(), self._reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection with a transaction, which is committed at the end, or undone with an error.

        Raises:
            StoreUnavailableError: The database can't be used, at the begin or later. Whether a commit whose answer was
                lost counts can't be known: what is written says whose it is, so that it can be asked.
        """
        async with guarded():
            if self.dialect == POSTGRESQL:
                async with self._writer.begin() as connection:
                    yield connection
            else:
                async with self._turn, self._writer.begin() as connection:
                    yield connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection of its own to PostgreSQL, each statement its own transaction, for a lock that lasts.

        Raises:
            StoreUnavailableError: The database can't be used.
        """
        async with guarded(), self._alone.connect() as connection:
            try:
                yield connection
            finally:
                await connection.invalidate()  # closed whatever state it is in: nothing of it is needed

    async def listen(self, channel: str) -> AsyncIterator[None]:
        """Yield once, then each time that a transaction of PostgreSQL has notified a channel; one may stand for many.

        Raises:
            StoreUnavailableError: The database can't be used, or the connection is lost.
        """
        from psycopg import Error

        async with self.session() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            try:
                await driver.execute(f"listen {channel}")
                yield
                while True:
                    async for _ in driver.notifies(timeout=_LISTEN, stop_after=1):
                        yield
                    await driver.execute("select 1")  # a connection that is cut says nothing
            except Error as error:
                raise StoreUnavailableError(words_of_driver(error)) from error


def lock_key(kind: str, name: str) -> int:
    """Return the number of an advisory lock: a signed integer of 64 bits, for all who call a thing of a kind alike."""
    digest = blake2b(name.encode("utf-8", "backslashreplace"), digest_size=8, person=f"portus {kind}".encode())
    return int.from_bytes(digest.digest(), signed=True)


async def lock_for_adding(db: AsyncConnection) -> None:
    """Keep anybody from removing findings until the transaction ends; SQLite has one writer anyway."""
    if db.dialect.name == POSTGRESQL:
        await db.execute(text("select pg_advisory_xact_lock_shared(:key)"), {"key": _ADDING})


async def lock_for_removing(db: AsyncConnection) -> None:
    """Wait for all who add findings, and keep them waiting, until the transaction ends."""
    if db.dialect.name == POSTGRESQL:
        await db.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _ADDING})


@asynccontextmanager
async def guarded() -> AsyncIterator[None]:
    """Turn what drivers raise of a database that can't be used into our error; mistakes in SQL stay what they are.

    Raises:
        StoreUnavailableError: The database can't be used.
    """
    try:
        yield
    except (OperationalError, DisconnectionError, PoolTimeoutError, OSError) as error:
        raise StoreUnavailableError(words_of_driver(error)) from error
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise StoreUnavailableError(words_of_driver(error)) from error


def words_of_driver(error: Exception) -> str:
    """Return what the driver says, without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    return f"the database can't be used: {words_of(cause)}"


def _sqlite_engine(url: URL, *, size: int, begin: str) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT,
        connect_args={"async_creator_fn": lambda file, **options: connect_sqlite(file, _PRAGMAS, **options)},
    )

    @event.listens_for(engine.sync_engine, "begin")
    def _begun(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgresql_engine(url: URL, **how: Any) -> AsyncEngine:
    engine = create_async_engine(url, connect_args={"connect_timeout": CONNECT_TIMEOUT}, **how)

    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for statement in ON_CONNECT:
            cursor.execute(statement)
        cursor.close()
        connection.commit()

    return engine
