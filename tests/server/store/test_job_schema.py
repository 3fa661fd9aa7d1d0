"""The tables of procrastinate: each of its files is applied once, whatever a database has already."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from portus_scan_server.store import SchemaError, check, upgrade
from portus_scan_server.store.job_schema import apply_files, files
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, create_engine, text
from standins.postgresql import PostgreSql

NOTED = text("select name from portus_jobs.files order by name")
THINGS = text(
    "select proname || pronargs from pg_proc p join pg_namespace n "
    "on n.oid = pronamespace where nspname = :schema union select relname from pg_class c join pg_namespace n "
    "on n.oid = relnamespace where nspname = :schema and relname not like 'files%' union select tgname "
    "from pg_trigger t join pg_class c on c.oid = tgrelid join pg_namespace n on n.oid = relnamespace "
    "where nspname = :schema and not tgisinternal order by 1"
)


@pytest.fixture
def address(postgresql: PostgreSql) -> str:
    """The address of an empty database."""
    return postgresql.make_database()


@pytest.fixture
def connection(address: str) -> Iterator[Connection]:
    """A connection to it."""
    engine = create_engine(address.replace("postgresql", "postgresql+psycopg", 1))
    with engine.connect() as opened:
        yield opened
    engine.dispose()


async def test_from_nothing_and_twice(address: str, connection: Connection) -> None:
    """Two that upgrade at once have each file once; the tables are those that procrastinate's own schema makes."""
    await asyncio.gather(*(asyncio.to_thread(upgrade, address) for _ in range(2)))
    assert [] == apply_files(connection)
    check(address)
    assert sorted(files()) == list(connection.scalars(NOTED))
    assert sorted(one.name for one in Path(SchemaManager.get_migrations_path()).glob("*.sql")) == list(files())
    connection.exec_driver_sql("create schema theirs")
    connection.exec_driver_sql("set local search_path = theirs")
    connection.exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
    made = [list(connection.scalars(THINGS, {"schema": name})) for name in ("portus_jobs", "theirs")]
    assert made[0] == made[1]
    assert len(made[0]) > 40


def test_from_the_files_of_an_earlier_version(address: str, connection: Connection) -> None:
    """What an earlier procrastinate has applied stays; the rest follows. Until then programs refuse to start."""
    known = files()
    earlier = {name: known[name] for name in sorted(known)[:30]}
    upgrade(address, "0008")
    with pytest.raises(SchemaError, match="portus-scan db upgrade"):
        check(address)
    assert list(earlier) == apply_files(connection, earlier)
    with pytest.raises(SchemaError, match=f"lacks {sorted(known)[30]} .*portus-scan db upgrade"):
        check(address)
    upgrade(address)
    check(address)
    assert sorted(known) == list(connection.scalars(NOTED))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("insert into portus_jobs.files values ('99.sql', '')", "99.sql .*install the newer version"),
        ("update portus_jobs.files set checksum = 'x' where name ~ '^03.04.00_50'", "03.04.00_50.* pinned"),
    ],
)
def test_what_this_program_does_not_know_is_refused(
    address: str, connection: Connection, change: str, says: str
) -> None:
    """A file of a later version, or another one under a name that is known, is refused by programs and upgrades."""
    upgrade(address)
    connection.exec_driver_sql(change)
    connection.commit()
    for refuses in (check, upgrade):
        with pytest.raises(SchemaError, match=says):
            refuses(address)
