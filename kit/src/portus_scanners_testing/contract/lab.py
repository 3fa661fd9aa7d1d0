"""What the tests of the contract run a scanner with: its settings, a registry with two images, event loops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from attrs import evolve, field, frozen
from portus_images import Reference, Registry, RegistrySettings, Secret
from portus_scanners import Health, Scanner, ScannerSettings
from portus_scanners.backends import session_for
from portus_scanners.engine import SHORTEST_WAIT, Engine
from portus_scanners.models import ImageReport, ScannerReport
from portus_scanners.settings import ScannerSection

from ..context import RecordingContext, StillWorkingError
from ..engines import open_engine
from ..registry import USERNAME, StandInRegistry
from ..surroundings import packages_of, watched_sleeps
from .canaries import REGISTRY_PASSWORD, secrets_in

ResultT = TypeVar("ResultT")

PATIENCE = 60.0
"""Seconds for one step of a test: a scanner that hangs must not keep the tests from ending."""
DEADLINE = "0.7"
"""Seconds, as the setting `timeout`, of a scan that is to end at its deadline."""
FEW_POLLS = 50
"""How often a scanner may wait in one scan; then `StillWorkingError` ends the scan."""
_MOST_SLEEPS = 1000


class ScannerHangsError(AssertionError):
    """The scanner did not end."""


@frozen
class Opened:
    """A scanner that was started, with its context and a registry client."""

    scanner: Scanner[Any]
    settings: ScannerSettings
    """What the scanner was made with."""
    context: RecordingContext
    client: Registry
    sleeps: list[str]
    """Where the scanner has called `asyncio.sleep`."""

    async def scan(self, reference: str) -> ScannerReport:
        """Resolve an image and scan it."""
        return await self.scanner.scan(await self.client.resolve(Reference.parse(reference)))

    async def outcome_of(self, reference: str) -> ScannerReport | Exception:
        """Resolve an image and scan it, and return the report or the error."""
        return await _caught(self.scan(reference))


@frozen(kw_only=True)
class ScannerLab:
    """Runs one scanner class with its settings, with an engine or without."""

    scanner_class: type[Scanner[Any]]
    values: Mapping[str, object] = field(repr=False)
    """The settings as strings, canaries among them."""
    registry: StandInRegistry
    said: list[str] = field(factory=list, repr=False)
    """What scanners have told their contexts so far: progress, kept reports."""
    _shared: tuple[asyncio.AbstractEventLoop, Registry] | None = field(default=None, repr=False)
    """What `lasting` keeps from one run to the next."""

    @contextmanager
    def lasting(self) -> Iterator[ScannerLab]:
        """Yield a lab whose runs share one event loop and one registry client, for a test that scans many times.

        Each scan still has a scanner, a context and a session of its own, and what it leaves in the loop is ended; a
        token of the registry and a connection to it serve them all. What a scan leaves in the process is looked for
        without this.
        """
        with _event_loop() as loop:
            client = self._new_client()
            loop.run_until_complete(client.__aenter__())
            try:
                yield evolve(self, shared=(loop, client))
            finally:
                loop.run_until_complete(client.__aexit__(None, None, None))

    def run(
        self, work: Callable[[], Coroutine[Any, Any, ResultT]], loop: asyncio.AbstractEventLoop | None = None
    ) -> ResultT:
        """Run a coroutine in an event loop of its own, or in that of `lasting`, and end all that is left in the loop.

        Raises:
            ScannerHangsError: The coroutine did not end within a minute.
        """
        if self._shared is not None and loop is None:
            return _run_in(self._shared[0], work)
        with _event_loop(loop) as own:
            return _run_in(own, work)

    def with_values(self, values: Mapping[str, object]) -> ScannerLab:
        """Return a lab with some of the settings changed."""
        return evolve(self, values={**self.values, **values})

    def section(self, values: Mapping[str, object] = {}) -> ScannerSection:
        """Return the settings as a section of the configuration."""
        return ScannerSection(name="tested", plugin="tested", enabled=True, values={**self.values, **values})

    def settings(self) -> ScannerSettings:
        """Return the settings as the scanner gets them."""
        return self.section().structure(self.scanner_class.settings_class)

    def planted(self) -> list[str]:
        """Return the values of all secrets in the settings."""
        return list(secrets_in(self.settings()))

    @property
    def packages(self) -> frozenset[str]:
        """The top-level packages that the scanner is written in."""
        return packages_of(self.scanner_class, self.scanner_class.settings_class)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        """Start the scanner without an engine, with a context in which waiting takes no time."""
        settings = self.settings()
        async with (
            self._client() as client,
            session_for(settings) as http,
            RecordingContext(registry=client, http=http, patience=FEW_POLLS) as context,
        ):
            scanner = self.scanner_class(settings, context)
            try:
                with watched_sleeps(self.packages, _MOST_SLEEPS, StillWorkingError) as sleeps:
                    await scanner.start()
                    yield Opened(scanner, settings, context, client, sleeps)
            finally:
                self.said.extend(repr(call) for call in context.calls)
                await scanner.aclose()

    def outcome_of(self, reference: str) -> ScannerReport | Exception:
        """Scan an image without an engine, and return the report or the error."""

        async def scan() -> ScannerReport | Exception:
            async with self.open() as opened:
                return await opened.outcome_of(reference)

        return self.run(scan)

    def health(self) -> Health | Exception:
        """Return the result of the health check, or its error."""

        async def check() -> Health | Exception:
            async with self.open() as opened:
                return await _caught(opened.scanner.check_health())

        return self.run(check)

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Engine]:
        """Open a real engine with this scanner only; a wait between two polls takes as long as the shortest one."""
        async with (
            self._client() as client,
            open_engine(_hurried(self.scanner_class), self.values, registry=client) as engine,
        ):
            yield engine

    def report_of(self, reference: str) -> ImageReport:
        """Scan an image in a real engine."""

        async def scan() -> ImageReport:
            async with self.engine() as engine:
                return await engine.scan(reference)

        return self.run(scan)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Registry]:
        if self._shared is not None and self._shared[0] is asyncio.get_running_loop():
            yield self._shared[1]
        else:
            async with self._new_client() as client:
                yield client

    def _new_client(self) -> Registry:
        account = RegistrySettings(username=USERNAME, password=Secret(REGISTRY_PASSWORD))
        return Registry({self.registry.host: account}, environ={})


@contextmanager
def _event_loop(loop: asyncio.AbstractEventLoop | None = None) -> Iterator[asyncio.AbstractEventLoop]:
    """Yield an event loop, a new one by default, with threads of its own, and close it."""
    loop = loop or asyncio.new_event_loop()
    threads = ThreadPoolExecutor()
    loop.set_default_executor(threads)
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        threads.shutdown(wait=False)  # one that hangs must not keep the tests from ending
        loop.close()


def _run_in(loop: asyncio.AbstractEventLoop, work: Callable[[], Coroutine[Any, Any, ResultT]]) -> ResultT:
    try:
        return loop.run_until_complete(_limited(work()))
    finally:
        loop.run_until_complete(_end_all())


def _hurried(scanner_class: type[Scanner[Any]]) -> type[Scanner[Any]]:
    """Return the class, whose objects have a context that waits as long as an engine waits at least, and no longer."""

    def make(self: Scanner[Any], settings: ScannerSettings, context: Any) -> None:
        wait = context.wait
        context.wait = lambda seconds: wait(min(seconds, SHORTEST_WAIT))
        scanner_class.__init__(self, settings, context)

    members = {"__init__": make, "__module__": scanner_class.__module__}
    return type(scanner_class.__name__, (scanner_class,), members, contract=scanner_class.contract)


async def _caught(work: Coroutine[Any, Any, ResultT]) -> ResultT | Exception:
    """Return the result or the exception, whether the contract allows it or not."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 (foreign code: the tests judge the exception)
        return error


async def _limited(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=PATIENCE)
    if not task.done():
        task.cancel()
        msg = f"the scanner did not end within {PATIENCE:g} s"
        raise ScannerHangsError(msg)
    return task.result()


async def _end_all() -> None:
    """Cancel the tasks that still run in this loop; after 5 s, leave those that have not ended."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=5.0)
