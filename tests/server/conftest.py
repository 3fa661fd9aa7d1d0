"""Databases for the service's tests: each test that asks runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from portus_scan_server.store import Store, sqlite_url, upgrade
from standins.postgresql import PostgreSql

DATABASES = ("sqlite", "postgresql")
_LIMITS = (
    *("admission.rulings.HEAD_TIMEOUT", "admission.rulings._DATABASE_TIMEOUT", "fleet.life._ANSWER"),
    *("harbor.harbor_routes._PATIENCE", "operation._ANSWER"),
)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is not taken for a database, or a registry, that is gone."""
    for limit in _LIMITS:
        monkeypatch.setattr(f"portus_scan_server.{limit}", 60.0)


@pytest.fixture(params=DATABASES)
def dialect(request: pytest.FixtureRequest) -> str:
    """The kind of the test's database."""
    return str(request.param)


@pytest.fixture
def empty_database(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables."""
    if dialect == "sqlite":
        return sqlite_url(tmp_path / "portus-scan.db")
    server: PostgreSql = request.getfixturevalue("postgresql")
    return server.make_database()


@pytest.fixture
def database(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with this program's schema: a copy of one that was migrated."""
    if dialect == "sqlite":
        shutil.copyfile(request.getfixturevalue("migrated_file"), tmp_path / "portus-scan.db")
        return sqlite_url(tmp_path / "portus-scan.db")
    server: PostgreSql = request.getfixturevalue("postgresql")
    return server.make_database(request.getfixturevalue("migrated_database"))


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of SQLite with this program's schema, which nobody opens."""
    path = tmp_path_factory.mktemp("migrated") / "portus-scan.db"
    upgrade(sqlite_url(path))
    return path


@pytest.fixture(scope="session")
def migrated_database(postgresql: PostgreSql) -> str:
    """The same of PostgreSQL."""
    address = postgresql.make_database()
    upgrade(address)
    return address


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
