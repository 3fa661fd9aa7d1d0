"""Databases for the service's tests: each test that asks runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from portus_scan_server.store import Store, sqlite_url, upgrade
from standins.postgresql import PostgreSql

DATABASES = ("sqlite", "postgresql")


@pytest.fixture(params=DATABASES)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "portus-scan.db")
    server: PostgreSql = request.getfixturevalue("postgresql")
    return server.make_database()


@pytest.fixture
def database(empty_database: str) -> str:
    """The address of a database with this program's schema."""
    upgrade(empty_database)
    return empty_database


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """An open database with this program's schema."""
    async with Store.open(database) as opened:
        yield opened


@pytest.fixture
def own_postgresql(postgresql: PostgreSql) -> Iterator[PostgreSql]:
    """The server, which runs again afterwards."""
    try:
        yield postgresql
    finally:
        postgresql.start_again()
