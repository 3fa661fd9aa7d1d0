"""The schema's versions: bringing a database to this program's, asking which it has, a copy of it.

These functions block, on a connection of their own; servers run them before they listen. Only they need alembic, whose
import takes as long as that of the whole runner but for SQLAlchemy.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, create_engine, event, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from .database import POSTGRESQL, StoreUnavailableError, parse_url, words_of_driver
from .job_schema import SchemaError, apply_files, check_files
from .schema import SCHEMA, programs

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

_FOLDER = Path(__file__).with_name("migrations")
_UPGRADING = 0x6D696772
"""The advisory lock of PostgreSQL that two servers which start at once take in turn."""


def upgrade(address: str, version: str = "head") -> tuple[str, str]:
    """Bring a database to this program's schema, in one transaction; on PostgreSQL then to procrastinate's as well.

    Args:
        address: See `parse_url`.
        version: An earlier schema, where a test asks for one.

    Returns:
        The versions before and after; empty for an empty database. A later one that still goes with this program is
        left as it is.

    Raises:
        SchemaError: It has a later schema, which does not go with this program.
        StoreUnavailableError: The database can't be used.
    """
    from alembic import command

    with _connected(address) as connection:
        if connection.dialect.name == POSTGRESQL:
            connection.execute(text("select pg_advisory_lock(:key)"), {"key": _UPGRADING})  # until it is closed
        before = _version(connection)
        if _is_later(connection, before):
            return before, before
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        after = _version(connection)
        if connection.dialect.name == POSTGRESQL and version == "head":
            connection.commit()
            apply_files(connection)
        return before, after


def current(address: str) -> str:
    """Return the version of a database's schema; empty for an empty database.

    Raises:
        StoreUnavailableError: The database can't be used.
    """
    with _connected(address) as connection:
        return _version(connection)


def check(address: str) -> None:
    """Do nothing if a database has this program's schema, or a later one that goes with this program.

    Raises:
        SchemaError: It has another one.
        StoreUnavailableError: The database can't be used.
    """
    with _connected(address) as connection:
        version = _version(connection)
        if version != SCHEMA and not _is_later(connection, version):
            has = f"is at {version}" if version else "is empty"
            raise SchemaError(f"the database {has}, this program needs {SCHEMA}: portus-scan db upgrade")
        if connection.dialect.name == POSTGRESQL:
            check_files(connection)


def backup(address: str, target: Path) -> None:
    """Copy an SQLite database to a new file, while it is used.

    Raises:
        SchemaError: It is not SQLite, which has programs of its own for this.
        FileExistsError: There is such a file.
        StoreUnavailableError: The database can't be read, or the file not written.
    """
    url = parse_url(address)
    if url.get_backend_name() == POSTGRESQL:
        raise SchemaError("PostgreSQL has its own program for this: pg_dump --format=custom")
    if target.exists():
        raise FileExistsError(f"{target} exists already")
    try:
        with (
            closing(sqlite3.connect(f"file:{url.database}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise StoreUnavailableError(f"the copy was not made: {error}") from error


@contextmanager
def _connected(address: str) -> Iterator[Connection]:
    """Yield a connection with a transaction that is committed at the end."""
    engine = create_engine(_blocking(parse_url(address)), poolclass=NullPool)
    if engine.dialect.name != POSTGRESQL:

        @event.listens_for(engine, "connect")
        def _found(connection: sqlite3.Connection, _record: object) -> None:
            connection.isolation_level = None

        @event.listens_for(engine, "begin")
        def _begun(connection: Connection) -> None:
            connection.exec_driver_sql("begin immediate")

    try:
        with engine.connect() as connection:
            yield connection
            connection.commit()
    except DBAPIError as error:
        raise StoreUnavailableError(words_of_driver(error)) from error
    finally:
        engine.dispose()


def statements_of(file: str) -> Callable[[], None]:
    """Return the upgrade to a version: the SQL of its dialect, in a file beside that of the version."""

    def run() -> None:
        from alembic import op

        connection = op.get_bind()
        statements = Path(file).with_suffix(f".{connection.dialect.name}.sql").read_text().split(";\n")
        for statement in filter(str.strip, statements):
            connection.exec_driver_sql(statement)

    return run


def _blocking(url: URL) -> URL:
    return url if url.get_backend_name() == POSTGRESQL else url.set(drivername="sqlite")


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


def _version(connection: Connection) -> str:
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision() or ""


def _is_later(connection: Connection, version: str) -> bool:
    """Return whether a database has a later schema than this program's, which goes with this program all the same.

    A migration that only adds (a table, a column that may be left out) adds its schema to `programs`; one that takes
    away what earlier programs use removes theirs.

    Raises:
        SchemaError: It is a later one that does not.
    """
    if not version or version in {one.revision for one in _scripts().walk_revisions()}:
        return False
    if inspect(connection).has_table(programs.name):
        mine = select(programs.c.schema).where(programs.c.schema == SCHEMA)
        if connection.execute(mine).one_or_none() is not None:
            return True
    raise SchemaError(f"the database is at {version}, which is later than this program: install the newer version")
