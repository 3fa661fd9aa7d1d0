"""What both databases have a type or an expression of their own for: times, by the database's clock, and many values.

SQLite keeps a time as milliseconds since 1970, PostgreSQL as ``timestamptz``; Python sees a datetime in UTC.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, Dialect, Text, bindparam, literal
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
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


class ValueList(TypeDecorator[Collection[Any]]):
    """Any number of values as one parameter: an array for PostgreSQL, JSON for SQLite.

    Args:
        of: The type of each.
    """

    impl = Text
    cache_ok = True

    def __init__(self, of: TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the parameter's type in this database."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(self.of))

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        """Return what the driver is given."""
        values = list(value or ())
        return json.dumps(values) if dialect.name == "sqlite" else values


class one_of(FunctionElement[bool]):  # noqa: N801 (it is written as an SQL function is)
    """The condition that a column has one of the values of a parameter, whose statement is the same for any number.

    Args:
        column: The column.
        name: The name of the parameter, which is a `ValueList`.
    """

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        super().__init__(column, bindparam(name, type_=ValueList(column.type)))

    def self_group(self, against: object = None) -> one_of:
        """Return this as it is: SQLAlchemy would write ``= 1`` behind it for SQLite, which then uses no index."""
        return self


@compiles(one_of, "sqlite")
def _one_in_sqlite(element: one_of, compiler: SQLCompiler, **keywords: Any) -> str:
    column, values = (compiler.process(one, **keywords) for one in element.clauses)
    return f"({column} in (select value from json_each({values})))"  # noqa: S608 (compiled)


@compiles(one_of, "postgresql")
def _one_in_postgresql(element: one_of, compiler: SQLCompiler, **keywords: Any) -> str:
    column, values = (compiler.process(one, **keywords) for one in element.clauses)
    return f"({column} = any({values}))"
