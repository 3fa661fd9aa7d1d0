"""A fleet has one kind of database: PostgreSQL."""

from __future__ import annotations

import pytest
from standins.postgresql import PostgreSql


@pytest.fixture
def empty_database(postgresql: PostgreSql) -> str:
    """The address of a database without tables."""
    return postgresql.make_database()
