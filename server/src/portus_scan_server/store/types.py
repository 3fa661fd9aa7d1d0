"""What both databases have a column type or an expression of their own for: times, by the database's clock.

SQLite keeps a time as milliseconds since 1970, PostgreSQL as ``timestamptz``; Python sees a datetime in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, literal
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Moment(TypeDecorator[datetime]):
    """A time with a time zone; it comes back in UTC. SQLite keeps milliseconds."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column's type in this database."""
        is_sqlite = dialect.name == "sqlite"
        return dialect.type_descriptor(BigInteger() if is_sqlite else TIMESTAMP(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return what the driver is given; a time without a zone is an error."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone can't be stored")
        return (value - _EPOCH) // _MILLISECOND if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        if value is None:
            return None
        moment: datetime = _EPOCH + value * _MILLISECOND if dialect.name == "sqlite" else value.astimezone(UTC)
        return moment


class database_now(FunctionElement[datetime]):  # noqa: N801 (it is written as an SQL function is)
    """The time by the database's clock; in a transaction of PostgreSQL, that of its begin.

    Args:
        seconds: Added to it.
    """

    type = Moment()
    inherit_cache = True

    def __init__(self, seconds: float = 0) -> None:
        super().__init__(*([literal(round(seconds * 1000), BigInteger)] if seconds else []))


@compiles(database_now, "sqlite")
def _now_in_sqlite(element: database_now, compiler: SQLCompiler, **keywords: Any) -> str:
    added = compiler.process(element.clauses, **keywords)
    return f"(cast((julianday('now') - 2440587.5) * 86400000 as integer){f' + {added}' if added else ''})"


@compiles(database_now, "postgresql")
def _now_in_postgresql(element: database_now, compiler: SQLCompiler, **keywords: Any) -> str:
    added = compiler.process(element.clauses, **keywords)
    return f"(now() + interval '1 millisecond' * {added})" if added else "now()"
