"""The sub-commands of ``portus-scan`` for the service, which it finds by their entry points."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from .service import ServiceOptions

ResultT = TypeVar("ResultT")

_LAST_PORT = 65_535
_SERVE_HELP = """Keep every image of registries scanned and up to date, and answer for them, until SIGTERM.

Without --database, SQLite in the data folder is used, which one service has for itself; a database of an earlier
version is brought to this one's at the start.

\b
Examples:
  portus-scan serve --config config.yml
  PORTUS_SCAN_DATABASE=postgresql://portus:secret@db.example/portus portus-scan serve --config config.yml

\b
Exit codes:
  0  it was stopped, and what was running has ended or was given back
  2  usage or configuration error, another service has the data folder, or the database can't be used
"""
_WORKER_HELP = """Scan what the services on one PostgreSQL are asked for, until SIGTERM; any number may run at once.

A worker needs the configuration that the service has, and the backends of its scanners. What it was running when it was
killed is run again by others.

\b
Examples:
  PORTUS_SCAN_DATABASE=postgresql://portus:secret@db.example/portus portus-scan worker --config config.yml
  portus-scan worker --database postgresql://portus@db.example/portus --concurrency 8

\b
Exit codes:
  0  it was stopped, and what was running has ended or was given back
  2  usage or configuration error, or the database can't be used
"""
_DB_HELP = """The service's database: bring it to this program's schema, say which it has, copy it.

\b
Examples:
  portus-scan db upgrade --database postgresql://portus@db.example/portus
  portus-scan db check
  portus-scan db backup monday.db
  portus-scan db confirm-removals registry.example:5000

\b
Exit codes:
  0  it was done; of `check`: the database has this program's schema
  2  usage error, there is no such database, or it can't be used
"""
data_option = click.option(
    "--data",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: Path(os.environ.get("STATE_DIRECTORY") or "portus-scan-data"),
    show_default="systemd's state folder, else portus-scan-data",
    help="The folder for the lock, and for SQLite's file.",
)


def _warn_of_password(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Say that a password on the command line can be read by every user of the machine."""
    given = context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
    if given and ":" in value.partition("://")[2].rpartition("@")[0]:
        click.echo(
            "portus-scan: every user of this machine can see the password in --database (ps): set PORTUS_SCAN_DATABASE "
            "instead, or leave the password out and name a file with PGPASSFILE",
            err=True,
        )
    return value


database_option = click.option(
    "--database",
    metavar="URL",
    envvar="PORTUS_SCAN_DATABASE",
    default="",
    callback=_warn_of_password,
    help="postgresql://USER@HOST/NAME; one with a password belongs into PORTUS_SCAN_DATABASE.",
)


_log_option = click.option(
    "--log", type=click.Choice(["text", "json"]), default="text", show_default=True, help="The log's form."
)


@click.command("serve", help=_SERVE_HELP, short_help="Run the service: registries scanned, kept up to date, shown.")
@click.option("--config", metavar="FILE", help="The configuration (YAML); without it, only the environment.")
@data_option
@database_option
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default="127.0.0.1:8080",
    show_default=True,
    help="Where to answer; port 0 for any.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(0, 64),
    show_default="scans: concurrency: of the configuration, else 4",
    help="How many images at once; 0: none, workers scan them.",
)
@_log_option
def serve(*, config: str | None, data: Path, database: str, listen: str, concurrency: int | None, log: str) -> int:
    """Run the service."""
    import asyncio

    from .service import ServiceOptions, serve as run

    host, port = _address(listen)
    options = ServiceOptions(
        data=data, database=database, config=config, host=host, port=port, concurrency=concurrency, log=log
    )
    with faults_said():
        asyncio.run(run(options))
    return 0


@click.command(
    "worker", help=_WORKER_HELP, short_help="Scan for a service, in one more process or on one more machine."
)
@click.option("--config", metavar="FILE", help="The configuration (YAML), as the service has it.")
@database_option
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    show_default="scans: concurrency: of the configuration, else 4",
    help="How many images at once.",
)
@_log_option
def worker(*, config: str | None, database: str, concurrency: int | None, log: str) -> int:
    """Run a worker."""
    import asyncio

    from .worker import WorkerOptions, run_worker

    options = WorkerOptions(database=database, config=config, concurrency=concurrency, log=log)
    with faults_said():
        asyncio.run(run_worker(options))
    return 0


@click.group("db", help=_DB_HELP, short_help="The service's database: its schema's version, a copy of it.")
def db() -> None:
    """The service's database."""


@db.command("upgrade")
@data_option
@database_option
def upgrade(*, data: Path, database: str) -> None:
    """Bring the database to this program's schema."""
    from .store import upgrade as run

    with faults_said():
        before, after = run(_of(data, database, new=True).address)
    click.echo(f"{after}, as it was" if before == after else f"{before or 'empty'} -> {after}")


@db.command("current")
@data_option
@database_option
def current(*, data: Path, database: str) -> None:
    """Print the schema's version that the database has."""
    from .store import current as run

    with faults_said():
        click.echo(run(_of(data, database).address) or "empty")


@db.command("check")
@data_option
@database_option
def check(*, data: Path, database: str) -> None:
    """Do nothing if the database has this program's schema; say what to do, with exit code 2, if not."""
    from .store import check as run

    with faults_said():
        run(_of(data, database).address)


@db.command("backup")
@data_option
@database_option
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
def backup(*, data: Path, database: str, target: Path) -> None:
    """Copy the SQLite database to a new file TARGET, also while the service runs."""
    from .store import backup as run

    with faults_said():
        run(_of(data, database).address, target)
    click.echo(f"{target}: {target.stat().st_size} bytes")


@db.command("confirm-removals")
@data_option
@database_option
@click.argument("host")
def confirm_removals(*, data: Path, database: str, host: str) -> None:
    """Let the tags of the registry HOST go that a sync has held back because they were many; with its next sync."""
    import asyncio

    from .intake import confirm_removals as run
    from .store import Store

    async def confirm() -> int:
        async with Store.open(_of(data, database).address) as store, store.writing() as connection:
            return await run(connection, host)

    with faults_said():
        confirmed = asyncio.run(confirm())
    click.echo(f"{confirmed} tags may go" if confirmed else "nothing is held back")


def write_in_database(data: Path, database: str, work: Callable[[AsyncConnection], Awaitable[ResultT]]) -> ResultT:
    """Do work in one transaction of a database that has this program's schema."""
    import asyncio

    from .store import Store, check

    address = _of(data, database).address

    async def in_one() -> ResultT:
        async with Store.open(address) as store, store.writing() as db:
            return await work(db)

    with faults_said():
        check(address)
        return asyncio.run(in_one())


def _of(data: Path, database: str, *, new: bool = False) -> ServiceOptions:
    """Return the options that say where the database is; an SQLite file has to be there, unless it may be new."""
    from .service import ServiceOptions

    options = ServiceOptions(data=data, database=database)
    if new:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    elif not database and not (data / "portus-scan.db").exists():
        raise click.ClickException(
            f"there is no database in {data}: name its folder with --data, or its URL with --database"
        )
    return options


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > _LAST_PORT:
        raise click.BadParameter("write it as HOST:PORT, such as 127.0.0.1:8080", param_hint="--listen")
    return host.strip("[]"), int(port)


@contextmanager
def faults_said() -> Iterator[None]:
    """Let a database that can't be used end the command in one line."""
    from .store import SchemaError, StoreUnavailableError

    try:
        yield
    except (SchemaError, StoreUnavailableError, FileExistsError) as error:
        raise click.ClickException(str(error)) from error
