"""The tables of procrastinate, which carries requests to workers: in a schema of their own, by its files, in order.

Procrastinate does not note which of its files a database has, and a second time is an error. Here each is applied once,
in one transaction with its row in the table `files` of that schema. One transaction for all is not possible: PostgreSQL
uses the new value of an enum after the commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from portus_images import PortusError
from sqlalchemy import Connection, text

JOBS = "portus_jobs"
"""The schema."""
_IS_THERE = text("select to_regclass(:name) is not null")
_FILES = (
    f"create table {JOBS}.files (name text primary key, checksum text not null, applied_at timestamptz default now())"
)


class SchemaError(PortusError):
    """The database's schema is not the one that this program works with; the message says what to do."""


def files() -> dict[str, str]:
    """Return procrastinate's files by their names, in order, without its import: readiness has a second to answer."""
    found = find_spec("procrastinate")
    folder = Path(found.origin or "").parent if found is not None else Path()
    paths = sorted((folder / "sql" / "migrations").glob("*.sql"))
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


def apply_files(connection: Connection, wanted: Mapping[str, str] | None = None) -> list[str]:
    """Apply the files that a database does not have yet, and return their names.

    Args:
        connection: Has the lock for upgrades as long as its session lasts, and no transaction.
        wanted: The files, by their names, in order; those of this program's procrastinate when left out.

    Raises:
        SchemaError: It has files that this program does not know, or others of these names.
    """
    wanted = files() if wanted is None else wanted
    with connection.begin():
        if not connection.scalar(text("select to_regnamespace(:name) is not null"), {"name": JOBS}):
            connection.exec_driver_sql(f"create schema {JOBS}")  # "if not exists" asks for a privilege in any case
        if not connection.scalar(_IS_THERE, {"name": f"{JOBS}.files"}):
            connection.exec_driver_sql(_FILES)
        missing = _missing(connection, wanted)
    for name in missing:
        with connection.begin():
            connection.exec_driver_sql(f"set local search_path = {JOBS}")
            connection.exec_driver_sql(wanted[name].replace("%", "%%"))
            noted = {"name": name, "checksum": _checksum(wanted[name])}
            connection.execute(text(f"insert into {JOBS}.files (name, checksum) values (:name, :checksum)"), noted)  # noqa: S608
    return missing


def check_files(connection: Connection) -> None:
    """Do nothing if a database has the files of this program's procrastinate.

    Args:
        connection: In a transaction.

    Raises:
        SchemaError: It has fewer, more or others.
    """
    wanted = files()
    is_there = connection.scalar(_IS_THERE, {"name": f"{JOBS}.files"})
    if missing := _missing(connection, wanted) if is_there else list(wanted):
        raise SchemaError(f"the database has no {JOBS}, or lacks {missing[0]} in it: portus-scan db upgrade")


def _missing(connection: Connection, wanted: Mapping[str, str]) -> list[str]:
    """Return the files that a database lacks, after a look at those that it has."""
    rows = connection.execute(text(f"select name, checksum from {JOBS}.files order by name")).all()  # noqa: S608
    for row in rows:
        if row.name not in wanted:
            raise SchemaError(
                f"the database has {row.name} in {JOBS}, which is later than this program: install the newer version"
            )
        if row.checksum != _checksum(wanted[row.name]):
            raise SchemaError(
                f"{row.name} in {JOBS} is not what this program has: install procrastinate as it is pinned"
            )
    has = {row.name for row in rows}
    return [name for name in wanted if name not in has]


def _checksum(sql: str) -> str:
    return sha256(sql.encode()).hexdigest()
