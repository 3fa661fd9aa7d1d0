"""The server that tests of databases are given."""

from __future__ import annotations

import psycopg
import pytest
from standins.postgresql import PostgreSql


def test_a_database_for_each_test(postgresql: PostgreSql) -> None:
    """Each database is new and empty, and a server that was stopped at once has kept what was committed."""
    first, second = postgresql.make_database(), postgresql.make_database()
    with psycopg.connect(first) as connection:
        connection.execute("create table kept (it integer)")
        connection.execute("insert into kept values (7)")
    postgresql.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(first)
    postgresql.start()
    with psycopg.connect(first) as connection:
        assert [(7,)] == connection.execute("select it from kept").fetchall()
    with psycopg.connect(second) as connection:
        assert [(0,)] == connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchall()
