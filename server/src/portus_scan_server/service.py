"""The service as a whole: the data folder and its lock, the database, the runner, the server that answers."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from aiohttp import web
from attrs import field, frozen
from portus_images import SettingsError

from .access import (
    AccessSettings,
    Gatekeeper,
    Viewer,
    access_middleware,
    add_headers,
    find_token,
)
from .admission import AdmissionServer, Certificates, ImageJudge
from .api import make_api, problem_middleware
from .configuration import Configuration
from .fleet import Turns, check_sessions
from .harbor import HARBOR_PREFIX, HarborSeat, make_harbor_api
from .intake import INTAKE, Intake, add_routes
from .logs import begin_log
from .news import Teller
from .operation import add_operation
from .pages import add_routes as add_pages
from .portus_api import PORTUS_PREFIX, make_portus_api
from .requests import died
from .settings import ServerSettings
from .sign_on import SignOn
from .store import SQLITE, Store, sqlite_url, upgrade
from .summaries import Rules
from .supervisor import Orders, Supervisor
from .views import Reports

logger = logging.getLogger("portus_scan_server")

_LOCK_TIMEOUT = 5.0
"""Seconds that a service waits for the runner of one that was killed, which ends on its own."""


@frozen(kw_only=True)
class ServiceOptions:
    """What ``portus-scan serve`` is told.

    Attributes:
        data: The folder for the lock, and for SQLite's file; it is made where it is not there.
        database: The database's address; empty for an SQLite file in the folder.
        config: The configuration's file; None for the environment alone.
        host: Where to listen.
        port: Where to listen; 0 for any port.
        concurrency: How many images are scanned at once; None for what the configuration says, or four; 0 leaves them
            to workers.
        drain: Seconds that running scans have at SIGTERM.
        log: How the log is written: ``text`` or ``json``.
    """

    data: Path
    database: str = field(default="", repr=False)
    config: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    concurrency: int | None = None
    drain: float = 120.0
    log: str = "text"

    @property
    def address(self) -> str:
        """The database's address."""
        return self.database or sqlite_url(self.data.resolve() / "portus-scan.db")


async def serve(options: ServiceOptions) -> None:
    """Run the service until SIGTERM or SIGINT; it answers until what runs has ended.

    Raises:
        SettingsError: The configuration is wrong; another service has the folder; the database's address is not valid,
            or a pooler before it keeps no sessions; the address to listen on can't be had.
        SchemaError: The database is of a later version.
        StoreUnavailableError: The database can't be used at the begin.
    """
    # before anything is begun; the runner is told what this process has read, also a later one
    configuration = Configuration.load(options.config)
    settings, rules, access = configuration.settings, configuration.rules, configuration.access
    certificates = None if (admission := configuration.admission) is None else Certificates(admission)
    with _lock(options.data) as lock:
        before, after = await asyncio.to_thread(upgrade, options.address)
        begin_log(options.log)  # not before: until here what is wrong ends the command, in one line
        if access.open:
            logger.warning("access is open: whoever reaches this under %s sees everything", ", ".join(access.hosts))
        elif access.proxy is None and access.sign_on is None:
            logger.warning("only programs with a token are answered: nothing is said of people (access:)")
        if before != after:
            logger.info("the database is now at %s", after)
        async with Store.open(options.address) as store, Turns.open(store) as turns:
            if store.dialect == SQLITE:
                if options.concurrency == 0:
                    raise SettingsError("without a runner nothing is scanned: workers need PostgreSQL (--database)")
                async with store.writing() as db:  # nobody else can have it: what was running belongs to nobody
                    await died(db)
            await check_sessions(store)
            orders = Orders.of(
                configuration, options.address, concurrency=options.concurrency, drain=options.drain, log=options.log
            )
            supervisor = Supervisor(store, orders, keep=[lock])
            application = make_application(
                store,
                supervisor,
                settings,
                access=access,
                rules=rules,
                address=options.address,
                log=options.log,
                turns=turns,
                harbor=configuration.harbor,
            )
            if configuration.notifications.targets:
                application.cleanup_ctx.append(Teller(store, configuration.notifications).running)
            async with AsyncExitStack() as stack:
                url = await stack.enter_async_context(_listening(options, application, access))
                if admission is not None and certificates is not None:
                    judge = ImageJudge(store, application[INTAKE], rules, admission, external_url=settings.external_url)
                    await stack.enter_async_context(AdmissionServer(admission, judge, certificates).listening())
                    logger.info("clusters are answered on %s", admission.listen)
                gc.collect()
                gc.freeze()  # what lasts is not gone through again: that held the loop for 150 ms each time
                print(f"portus-scan serves on {url}", flush=True)  # noqa: T201 (where to look)
                await _run(supervisor)


async def _run(supervisor: Supervisor) -> None:
    """Run the supervisor until it was stopped by a signal and has ended; the second signal ends it at once."""
    running = asyncio.create_task(supervisor.run())
    loop = asyncio.get_running_loop()
    asked = []

    def end() -> None:
        asked.append(1)
        if len(asked) > 1:
            running.cancel()
        supervisor.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    try:
        await asyncio.wait({running})
        if not running.cancelled():
            running.result()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        running.cancel()
        await asyncio.wait({running})


def make_application(  # noqa: PLR0913 (what it is put together of)
    store: Store,
    supervisor: Supervisor,
    settings: ServerSettings,
    *,
    access: AccessSettings,
    rules: Rules,
    address: str,
    log: str = "text",
    turns: Turns | None = None,
    harbor: HarborSeat | None = None,
) -> web.Application:
    """Return the application that answers; it can be mounted under a prefix. Its intake runs as long as it does.

    Args:
        store: The database.
        supervisor: The runner's.
        settings: What the configuration says to the service.
        access: Who may see what.
        rules: What summaries are made under.
        address: The database's address.
        log: How children write their log.
        turns: What the intake does while no other process does; None where there is no other.
        harbor: Which Harbors ask for scans; None for none.
    """

    async def find(token: str) -> Viewer | None:
        async with store.reading() as db:
            return await find_token(db, token)

    sign_on = None if access.sign_on is None else SignOn(access.sign_on, store, settings.external_url)
    people = () if sign_on is None else (sign_on.find_person, sign_on.url)
    application = web.Application(
        middlewares=[problem_middleware, access_middleware(Gatekeeper(access, find, *people))]
    )
    if sign_on is not None:
        sign_on.add_routes(application)
    application.on_response_prepare.append(add_headers)

    add_operation(application, store, supervisor, address)
    intake = Intake(store, settings, supervisor.wake, turns=turns)
    reports = Reports(address, rules, log)
    application.on_cleanup.append(lambda _application: reports.close())
    add_routes(application, intake)
    application.add_subapp("/api/v1", make_api(store, reports, rules))
    application.add_subapp(PORTUS_PREFIX, make_portus_api(store, reports, rules))
    if harbor is not None:
        application.add_subapp(HARBOR_PREFIX, make_harbor_api(store, harbor, rules.enabled))
    add_pages(application, store, rules, reports, intake)
    return application


@asynccontextmanager
async def _listening(
    options: ServiceOptions, application: web.Application, access: AccessSettings
) -> AsyncIterator[str]:
    """Serve as long as the block runs; yield the URL."""
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.port)
        try:
            await site.start()
        except OSError as error:
            msg = f"it can't listen on {options.host}:{options.port}: {error.strerror}"
            raise SettingsError(msg) from error
        if access.proxy is not None and access.proxy.socket:
            await _listen_to_proxy(runner, access.proxy.socket)
        host, port = runner.addresses[0][:2]
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}"
    finally:
        await runner.cleanup()


async def _listen_to_proxy(runner: web.AppRunner, path: str) -> None:
    """Listen on the proxy's socket as well; who may connect is said by the group of its file, and its folder."""
    try:
        await web.UnixSite(runner, path).start()
        await asyncio.to_thread(Path(path).chmod, 0o660)
    except OSError as error:
        raise SettingsError(f"it can't listen on {path}: {error.strerror}") from error


@contextmanager
def _lock(folder: Path) -> Iterator[int]:
    """Hold the lock of the data folder; yield its descriptor, which the runner holds as well.

    Raises:
        SettingsError: Another service has it, or the folder can't be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"the folder {folder} can't be used: {error.strerror}") from error
    try:
        _take(descriptor, folder)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, folder: Path) -> None:
    """Take the lock; the runner of a service that was killed has it for a moment longer."""
    deadline = time.monotonic() + _LOCK_TIMEOUT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise SettingsError(f"another service uses the folder {folder}") from None
            time.sleep(0.05)
        else:
            return
