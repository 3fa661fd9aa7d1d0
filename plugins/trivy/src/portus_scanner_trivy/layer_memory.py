"""What is known of layers, remembered beside Trivy's cache: that they are what was claimed, and how Trivy read them.

Trivy says what it could not read of a layer when it reads it, and never again: what it keeps of that layer looks
complete from then on. So a layer is *open* at first: what Trivy's cache has of it may be a part, now or later. It is
*settled* when the run that has opened it, and so read it by itself, had nothing to complain of.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from .contents import LayerContent

ResultT = TypeVar("ResultT")

FILE = Path("portus-scanners", "layers.sqlite3")
"""In the cache folder. It may be removed at any time: all layers are then read again."""
_TIMEOUT = 20.0
"""Seconds to wait for another process that writes."""
_TABLES = (
    "CREATE TABLE IF NOT EXISTS layers (blob TEXT, diff_id TEXT, settled INTEGER, PRIMARY KEY (blob, diff_id))",
    "CREATE TABLE IF NOT EXISTS name (name TEXT PRIMARY KEY)",
)


class LayerMemory:
    """A file that all processes with this cache share. Where there can't be one, nothing is known, and nothing kept.

    Args:
        cache: Trivy's cache folder.
        logger: Told why there is no file.
    """

    def __init__(self, cache: Path, logger: logging.Logger) -> None:
        self._path = cache / FILE
        self._logger = logger

    async def find_name(self) -> str:
        """Return the random name that this file was given when it was made; empty where there is none."""
        return await self._use(_find_name, "")

    async def look_up(self, contents: Iterable[LayerContent]) -> Mapping[LayerContent, bool]:
        """Return of each layer that was verified whether it is settled."""
        wanted = set(contents)
        return await self._use(lambda database: _look_up(database, wanted), {})

    async def open(self, contents: Iterable[LayerContent], *, again: bool = False) -> Set[LayerContent]:
        """Open layers that have been verified, and return those that were opened: they are the caller's own.

        Args:
            contents: The layers. Those that are open stay as they are.
            again: Whether to open settled ones as well.
        """
        wanted = set(contents)
        return await self._use(lambda database: _open(database, wanted, again=again), set()) if wanted else set()

    async def settle(self, contents: Iterable[LayerContent], own: Set[LayerContent]) -> bool:
        """Settle layers, unless another one of their image is open now.

        Args:
            contents: The layers of the image.
            own: Those to settle: the caller has opened them, or knows them to be complete.

        Returns:
            Whether all of the image's layers are settled.
        """
        wanted = set(contents)
        return await self._use(lambda database: _settle(database, wanted, own), False)

    async def _use(self, work: Callable[[sqlite3.Connection], ResultT], unusable: ResultT) -> ResultT:
        return await asyncio.to_thread(self._work, work, unusable)

    def _work(self, work: Callable[[sqlite3.Connection], ResultT], unusable: ResultT) -> ResultT:
        """Run *work* in one transaction, as the only one that writes."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_TIMEOUT, isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                with database:
                    for table in _TABLES:
                        database.execute(table)
                    return work(database)
        except (sqlite3.Error, OSError) as error:
            self._logger.warning("%s can't be used, so that Trivy keeps nothing of layers: %s", self._path, error)
            return unusable


def _find_name(database: sqlite3.Connection) -> str:
    if not database.execute("SELECT name FROM name").fetchone():
        database.execute("INSERT INTO name VALUES (?)", (secrets.token_hex(8),))
    return str(database.execute("SELECT name FROM name").fetchone()[0])


def _look_up(database: sqlite3.Connection, contents: Set[LayerContent]) -> Mapping[LayerContent, bool]:
    select = "SELECT settled FROM layers WHERE blob = ? AND diff_id = ?"
    found = {content: database.execute(select, (content.blob, content.diff_id)).fetchone() for content in contents}
    return {content: bool(row[0]) for content, row in found.items() if row is not None}


def _open(database: sqlite3.Connection, contents: Set[LayerContent], *, again: bool) -> Set[LayerContent]:
    known = _look_up(database, contents)
    opened = {content for content in contents if content not in known or (again and known[content])}
    _write(database, opened, settled=False)
    return opened


def _settle(database: sqlite3.Connection, contents: Set[LayerContent], own: Set[LayerContent]) -> bool:
    known = _look_up(database, contents)
    if not all(known.get(content) or content in own for content in contents):
        return False
    _write(database, own, settled=True)
    return True


def _write(database: sqlite3.Connection, contents: Iterable[LayerContent], *, settled: bool) -> None:
    rows = [(content.blob, content.diff_id, settled) for content in contents]
    database.executemany("INSERT OR REPLACE INTO layers VALUES (?, ?, ?)", rows)
