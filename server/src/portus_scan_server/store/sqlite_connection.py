"""SQLite behind a thread, with one way there and back for a statement: what SQLAlchemy's adapter needs, and no more.

aiosqlite's own cursor goes to the thread to be made, to execute, to fetch and to close; each way costs a tenth of a
millisecond on two threads, which is more than most statements take. A result is fetched whole here by the statement
that makes it, as the adapter would do anyway; a cursor is not shared, so that nobody sees it before it has one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import aiosqlite

_CHUNK = 64


class OneWayCursor:
    """One statement and its rows.

    Attributes:
        description: The columns of the result; None for a statement without one.
        rowcount: How many rows were changed.
        lastrowid: The last row that was inserted.
        arraysize: Not used: all rows are there at once.
    """

    def __init__(self, connection: OneWayConnection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> OneWayCursor:
        """Return the cursor: there is nothing to do."""
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement in the thread, and fetch what it returns."""
        await self._connection.in_thread(self._run, statement, parameters, many=False)

    async def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run a statement with each of these."""
        await self._connection.in_thread(self._run, statement, parameters, many=True)

    def _run(self, raw: sqlite3.Connection, statement: str, parameters: Any, *, many: bool) -> None:
        cursor = raw.executemany(statement, parameters) if many else raw.execute(statement, parameters)
        try:
            self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
            self._rows = cursor.fetchall() if cursor.description else []
            self.rowcount = cursor.rowcount  # of a statement with RETURNING, known when all is fetched
        finally:
            cursor.close()

    async def fetchall(self) -> list[Any]:
        """Return all rows."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Do nothing: what was open is closed already."""


class OneWayConnection(aiosqlite.Connection):
    """A connection whose cursors go to its thread once for each statement."""

    async def in_thread(self, work: Any, *words: Any, **more: Any) -> None:
        """Let the thread do work with the connection of sqlite3."""
        run: Any = self._execute  # it has no types
        await run(work, self._conn, *words, **more)

    def cursor(self) -> Any:
        """Return a cursor; nothing is asked of the thread."""
        return OneWayCursor(self)

    async def rollback(self) -> None:
        """Undo the transaction; without one, nothing is asked of the thread."""
        if self._conn.in_transaction:
            await super().rollback()


async def connect_sqlite(database: str, pragmas: Iterable[str], **options: Any) -> aiosqlite.Connection:
    """Return a connection to a file, with these pragmas, that begins no transaction of its own accord."""

    def connect() -> sqlite3.Connection:
        raw: sqlite3.Connection = sqlite3.connect(database, isolation_level=None, **options)
        try:
            for pragma in pragmas:
                raw.execute(f"pragma {pragma}").close()
        except BaseException:
            raw.close()
            raise
        return raw

    connection = OneWayConnection(connect, _CHUNK)
    connection._thread.daemon = True  # (as SQLAlchemy does to aiosqlite's own)
    return await connection
