"""The crew: the scanners of an engine, from sections of the configuration to objects that are ready to scan.

A crew is handed to each scan, with what all scans share: images, slots, the watchdog. It knows nothing of the engine.

What runs a scanner's code if not our own process is a distribution of its own: an entry point of the group
``portus.isolations`` names a class that configures such scanners, and ``isolation`` in a scanner's section names the
entry point. Where no section has it, nothing is looked for.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import AsyncExitStack
from typing import Any, ClassVar, Protocol, TypeAlias

from attrs import field, frozen
from portus_images import Images, Pacers, SettingsError, class_name, log_crash, message_line, one_line, text_of

from ..errors import PluginError
from ..models import Database
from ..plugins import InstalledPlugin, LoadedPlugin, Plugin, PluginContract, PluginGroup, discover_group, load_plugins
from ..scanner import Health, Scanner
from ..scanner_settings import NOT_ISOLATED, ScannerSettings, session_for
from ..settings import ScannerSection, SettingsFaults, enabled_but_left_out
from .boundary import Raised, take_database, take_health, take_settings
from .context import EngineContext
from .isolation import Watchdog
from .slots import BackendLimit, Slots, Unfinished

logger = logging.getLogger("portus_scanners.engine")

START_LIMIT = 30.0
"""Seconds that a scanner has for `start`, and for `aclose`."""
NOT_OPEN = "the engine is not open: use it in `async with Engine(settings) as engine:`"


@frozen(kw_only=True)
class ScannerHealth:
    """Whether one enabled scanner can be used now.

    Attributes:
        scanner: The scanner's name in the configuration.
        healthy: Whether its backend can be used; None if the scanner has no way to tell.
        message: What was seen, in one sentence.
        elapsed: Seconds that the check took.
        database: The vulnerability data that it would answer from now; None where nobody knows.
    """

    scanner: str
    healthy: bool | None
    message: str
    elapsed: float
    database: Database | None = None


@frozen(kw_only=True)
class ConfiguredScanner:
    """An enabled section with its plugin's class and settings; nothing of it runs yet."""

    name: str
    plugin: str
    fault: str | None = None
    """Why its plugin can't be loaded."""
    scanner_class: type[Scanner[Any]] | None = None
    settings: ScannerSettings = field(factory=ScannerSettings)
    """Of the plugin's own class: for the plugin, and for its session."""
    limits: ScannerSettings = field(factory=ScannerSettings)
    """What the engine itself acts on."""


@frozen(kw_only=True)
class ReadyScanner:
    """A started scanner; or, with a fault, one that fails each image for this reason."""

    name: str
    plugin: str
    timeout: float
    limit: BackendLimit
    fault: str | None
    scanner: Scanner[Any] | None


Isolate: TypeAlias = Callable[[ScannerSection, Plugin], Awaitable[ConfiguredScanner]]


async def configure(
    sections: Collection[ScannerSection], plugins: Iterable[Plugin], isolate: Isolate
) -> list[ConfiguredScanner]:
    """Load the plugins of the enabled sections, all at once and beside the event loop, and convert their settings.

    A section with `isolation` is for *isolate* to configure: its plugin is not loaded here.

    Raises:
        SettingsError: One line for each fault in the configuration.
    """
    by_name = {plugin.name: plugin for plugin in plugins}  # any of a conflict: each says so
    wanted = {one.plugin for one in sections if one.plugin in by_name and not _is_isolated(one)}
    loaded = {one.plugin.name: one for one in await load_plugins(by_name[name] for name in wanted)}
    configured: list[ConfiguredScanner] = []
    faults = SettingsFaults()
    for section in sections:
        with faults.collect():
            if section.plugin in by_name and _is_isolated(section):
                configured.append(await isolate(section, by_name[section.plugin]))
            else:
                configured.append(_configure(section, loaded.get(section.plugin)))
    faults.check()
    return configured


def _is_isolated(section: ScannerSection) -> bool:
    return section.values.get("isolation", NOT_ISOLATED) != NOT_ISOLATED


def _configure(section: ScannerSection, loaded: LoadedPlugin[Scanner[Any]] | None) -> ConfiguredScanner:
    if loaded is None:
        raise SettingsError(f"security.{section.name}: no installed plugin is called {section.plugin!r}")
    if isinstance(loaded.result, PluginError):
        if loaded.plugin.disabled:
            raise SettingsError(enabled_but_left_out(section.name, loaded.result))
        log_crash(logger, str(loaded.result), loaded.result.__cause__ or loaded.result)
        return ConfiguredScanner(name=section.name, plugin=section.plugin, fault=loaded.result.reason)
    try:
        settings = section.structure(loaded.result.settings_class)
        limits = take_settings(settings)
    except SettingsError:
        raise
    except BaseException as error:  # noqa: BLE001 (foreign code: converters and properties of the plugin's own class)
        fault = f"its settings can't be read: {Raised.by(f'settings of {section.name}', error).words}"
        return ConfiguredScanner(name=section.name, plugin=section.plugin, fault=fault)
    return ConfiguredScanner(
        name=section.name, plugin=section.plugin, scanner_class=loaded.result, settings=settings, limits=limits
    )


class CrewScan(Protocol):
    """A scan by a crew."""

    async def aclose(self) -> None:
        """End everything that is still going on, and wait until it has ended."""


class Crew:
    """The ready scanners of an engine, and what their scans share.

    Args:
        images: Where images are.
        slots: How many of them at once each backend is given.
        watchdog: Runs the plugins' code.

    Attributes:
        scanners: In the order of the configuration.
        is_open: Whether scans may begin.
        scans: The scans that are under way, which end with the crew at the latest.
        unfinished: Requests of runs that have ended.
    """

    def __init__(self, images: Images, slots: Slots, watchdog: Watchdog) -> None:
        self.images = images
        self.slots = slots
        self.watchdog = watchdog
        self.unfinished = Unfinished(watchdog)
        self.scanners: tuple[ReadyScanner, ...] = ()
        self.is_open = True
        self.scans: set[CrewScan] = set()
        self._pacers = Pacers()
        self._closing = AsyncExitStack()
        self._closing.push_async_callback(self.unfinished.aclose)

    async def start(self, configured: Collection[ConfiguredScanner]) -> None:
        """Make the scanners ready, all at once; one that can't be started has a fault.

        Raises:
            SettingsError: A file for TLS can't be used, or a password or token can't be read.
        """
        contexts = [self._open_context(one) for one in configured]
        limits = _limits(configured)
        self.scanners = tuple(await asyncio.gather(*map(self._start, configured, contexts, limits)))

    async def end_scans(self) -> None:
        """End all scans, and let no further one begin."""
        self.is_open = False
        await asyncio.gather(*(scan.aclose() for scan in self.scans))

    async def aclose(self) -> None:
        """Close the scanners, their sessions, and what they have not finished."""
        await self._closing.aclose()

    async def check_health(self, limit: float) -> tuple[ScannerHealth, ...]:
        """Ask every scanner, all at once, whether its backend can be used now; *limit* seconds for each."""
        return tuple(await asyncio.gather(*(self._check(one, limit) for one in self.scanners)))

    async def _check(self, one: ReadyScanner, limit: float) -> ScannerHealth:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        seen, data = await self._ask(one, limit)
        took = loop.time() - begin
        return ScannerHealth(scanner=one.name, healthy=seen.healthy, message=seen.message, elapsed=took, database=data)

    async def _ask(self, one: ReadyScanner, limit: float) -> tuple[Health, Database | None]:
        if one.scanner is None:
            return Health(healthy=False, message=message_line(one.fault or "not started")), None
        scanner = one.scanner

        async def check() -> tuple[Health, Database | None]:
            return take_health(await scanner.check_health()), take_database(await scanner.database())

        ended = await self.watchdog.watch(f"health of {one.name}", check, limit=limit)
        if ended is not None and ended.error is None:
            return ended.value  # type: ignore[no-any-return]
        said = f"no answer within {limit:g} s" if ended is None or ended.error is None else ended.error.words
        return Health(healthy=False, message=said), None

    def _open_context(self, one: ConfiguredScanner) -> EngineContext | Raised:
        try:
            http = session_for(one.settings)
        except (OSError, SettingsError) as error:
            raise SettingsError(f"security.{one.name}: {text_of(error) or class_name(error)}") from error
        except BaseException as error:  # noqa: BLE001 (foreign code: properties of the plugin's own class)
            return Raised.by(f"settings of {one.name}", error)
        self._closing.push_async_callback(http.close)
        return EngineContext(one.name, http=http, images=self.images, pacers=self._pacers)

    async def _start(
        self, one: ConfiguredScanner, context: EngineContext | Raised, limit: BackendLimit
    ) -> ReadyScanner:
        scanner, fault = None, one.fault
        if isinstance(context, Raised):
            fault = f"its settings can't be used: {context.words}"
        elif one.scanner_class is not None:
            scanner, fault = await self._make(one, one.scanner_class, context)
        return ReadyScanner(
            name=one.name, plugin=one.plugin, timeout=one.limits.timeout, limit=limit, fault=fault, scanner=scanner
        )

    async def _make(
        self, one: ConfiguredScanner, scanner_class: type[Scanner[Any]], context: EngineContext
    ) -> tuple[Scanner[Any] | None, str | None]:
        """Return the started scanner, or why there is none. Foreign code: the class's own, and `start`."""

        async def make() -> Scanner[Any]:
            scanner = scanner_class(one.settings, context)
            self._closing.push_async_callback(self._close, one.name, scanner)
            await scanner.start()
            return scanner

        ended = await self.watchdog.watch(f"start of {one.name}", make, limit=START_LIMIT)
        if ended is None:
            return None, f"it could not be started within {START_LIMIT:g} s"
        if ended.error is not None:
            return None, f"it could not be started: {ended.error.words}"
        return ended.value, None

    async def _close(self, name: str, scanner: Scanner[Any]) -> None:
        async def close() -> None:
            await scanner.aclose()  # looked up in the task: that is foreign code as well

        ended = await self.watchdog.watch(f"closing of {name}", close, limit=START_LIMIT)
        if ended is not None and ended.error is not None:
            logger.warning("scanner %s could not be closed: %s", name, ended.error.words)


def _limits(configured: Iterable[ConfiguredScanner]) -> list[BackendLimit]:
    """Return the limit of each scanner; where instances of one backend disagree, the smallest holds for all."""
    asked = [(one.plugin, one.limits.server, one.limits.concurrency) for one in configured]
    smallest = {(plugin, server): size for plugin, server, size in sorted(asked, reverse=True)}
    return [
        BackendLimit(plugin=plugin, server=server, concurrency=smallest[plugin, server]) for plugin, server, _ in asked
    ]


class ScannerIsolation(ABC):
    """Configures scanners whose code it runs elsewhere; one object serves an engine.

    Args:
        grace: Seconds that cancelled code has to end.
    """

    contract: ClassVar[int]
    """The version of this contract that the class is written for: 1."""

    def __init__(self, grace: float) -> None:
        self.grace = grace

    @abstractmethod
    async def configure(self, section: ScannerSection, plugin: Plugin) -> ConfiguredScanner:
        """Return what the crew needs of a scanner, without having imported its plugin.

        Raises:
            SettingsError: One line for each fault of the section.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """End what is left, when the engine ends."""


def _contract() -> PluginContract:
    return PluginContract(
        base=ScannerIsolation, method="configure", contracts=frozenset({1}), find_fault=lambda _loaded: None
    )


class _Installed(InstalledPlugin[ScannerIsolation]):
    group = PluginGroup(name="portus.isolations", noun="isolation", find_contract=_contract)


def isolate_within(closing: AsyncExitStack, grace: float) -> Isolate:
    """Return what configures scanners whose sections name an isolation: each is loaded once, ended by *closing*."""
    isolations: dict[str, ScannerIsolation] = {}

    async def isolate(section: ScannerSection, plugin: Plugin) -> ConfiguredScanner:
        name = str(section.values["isolation"])
        if name not in isolations:
            isolations[name] = _load_isolation(section)(grace)
            closing.push_async_callback(isolations[name].aclose)
        return await isolations[name].configure(section, plugin)

    return isolate


def _load_isolation(section: ScannerSection) -> type[ScannerIsolation]:
    """Import what a section's ``isolation`` names.

    Raises:
        SettingsError: Nothing that is installed brings it, or it can't be loaded.
    """
    name, key = str(section.values["isolation"]), section.sources.get("isolation", "isolation")
    installed = {one.name: one for one in discover_group(_Installed)}
    if name not in installed:
        known = ", ".join(["none", *installed])
        raise SettingsError(
            f"{key}: expected one of {known}, got {one_line(name)[:40]!r}; "
            "for process: pip install 'portus-scanners[isolation]'"
        )
    try:
        return installed[name].load()
    except PluginError as error:
        raise SettingsError(f"{key}: {error}") from error
