"""A worker: the runner in a process of its own, one of many on one PostgreSQL, without a service as its parent."""

from __future__ import annotations

import asyncio
import signal

from attrs import evolve, field, frozen
from portus_images import SettingsError

from .configuration import Configuration
from .fleet import check_sessions
from .logs import begin_log
from .requests import new_owner
from .runner_process import work
from .store import POSTGRESQL, Store, check, parse_url
from .supervisor import Orders


@frozen(kw_only=True)
class WorkerOptions:
    """What ``portus-scan worker`` is told.

    Attributes:
        database: The database's address: PostgreSQL.
        config: The configuration's file; None for the environment alone.
        concurrency: How many images are scanned at once; None for what the configuration says, or four.
        log: How the log is written: ``text`` or ``json``.
    """

    database: str = field(repr=False)
    config: str | None = None
    concurrency: int | None = None
    log: str = "text"


async def run_worker(options: WorkerOptions) -> None:
    """Run requests until SIGTERM or SIGINT, then until those that run have ended; a second signal gives them back.

    Raises:
        SettingsError: The configuration is wrong; the database is not PostgreSQL, or a pooler keeps no sessions.
        SchemaError: The database has not the schema of this program.
        StoreUnavailableError: The database can't be used at the begin.
    """
    configuration = Configuration.load(options.config, is_worker=True)
    if parse_url(options.database).get_backend_name() != POSTGRESQL:
        raise SettingsError(
            "a worker shares its database, and an SQLite file belongs to one service: name a PostgreSQL with "
            "--database postgresql://USER@HOST/NAME or PORTUS_SCAN_DATABASE"
        )
    await asyncio.to_thread(check, options.database)
    async with Store.open(options.database) as store:
        await check_sessions(store)
    begin_log(options.log)
    orders = Orders.of(configuration, options.database, concurrency=options.concurrency, log=options.log)
    orders = evolve(orders, owner=new_owner())
    await work(orders, asyncio.StreamReader(), (signal.SIGTERM, signal.SIGINT))  # nobody tells it anything
