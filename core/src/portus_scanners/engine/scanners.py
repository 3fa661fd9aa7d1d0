"""From a section of the configuration to a scanner that is ready to scan, or the reason why it is not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from contextlib import AsyncExitStack
from typing import Any

from attrs import field, frozen
from portus_images import Images, Pacers, PortusError, SettingsError, text_of, words_of

from ..backends.http import session_for
from ..errors import PluginError
from ..plugins import LoadedPlugin, Plugin, load_plugins
from ..scanner import Health, Scanner
from ..scanner_settings import ScannerSettings
from ..settings import ScannerSection, enabled_but_left_out
from .context import EngineContext
from .isolation import Watchdog
from .slots import Slot

logger = logging.getLogger("portus_scanners.engine")

START_LIMIT = 30.0
"""Seconds that a scanner has for `start`, and for `aclose`."""


@frozen(kw_only=True)
class ScannerHealth:
    """Whether one enabled scanner can be used now.

    Attributes:
        healthy: None: the scanner has no way to tell.
        elapsed: Seconds.
    """

    scanner: str
    healthy: bool | None
    message: str
    elapsed: float


@frozen(kw_only=True)
class ConfiguredScanner:
    """An enabled section with its plugin's class and settings; nothing of it runs yet."""

    name: str
    plugin: str
    fault: str | None = None
    """Why its plugin can't be loaded."""
    scanner_class: type[Scanner[Any]] | None = None
    settings: ScannerSettings = field(factory=ScannerSettings)


@frozen(kw_only=True)
class ReadyScanner:
    """A started scanner; or, with a fault, one that fails each image with this reason."""

    name: str
    plugin: str
    slot: Slot
    fault: str | None = None
    scanner: Scanner[Any] | None = None
    timeout: float = 900.0

    async def check_health(self, watchdog: Watchdog, limit: float) -> ScannerHealth:
        """Ask the scanner whether its backend can be used now."""
        begin = asyncio.get_running_loop().time()
        health = await self._ask(watchdog, limit)
        elapsed = asyncio.get_running_loop().time() - begin
        return ScannerHealth(scanner=self.name, healthy=health.healthy, message=health.message, elapsed=elapsed)

    async def _ask(self, watchdog: Watchdog, limit: float) -> Health:
        if self.scanner is None:
            return Health(healthy=False, message=self.fault or "not started")
        ended = await watchdog.watch(f"health of {self.name}", self.scanner.check_health, limit=limit)
        if ended is None:
            return Health(healthy=False, message=f"no answer within {limit:g} s")
        if ended.error is not None:
            return Health(healthy=False, message=describe(self.name, ended.error))
        if not isinstance(ended.value, Health):
            return Health(healthy=False, message=f"check_health() returned {type(ended.value).__name__}, no Health")
        return ended.value


async def configure(sections: Collection[ScannerSection], plugins: Iterable[Plugin]) -> list[ConfiguredScanner]:
    """Load the plugins of the enabled sections, all at once and beside the event loop, and convert their settings.

    Raises:
        SettingsError: One line for each fault in the configuration.
    """
    wanted = {section.plugin for section in sections}
    loaded = {one.plugin.name: one for one in await load_plugins(_by_name(plugins, wanted).values())}
    configured: list[ConfiguredScanner] = []
    faults: list[str] = []
    for section in sections:
        try:
            configured.append(_configure(section, loaded.get(section.plugin)))
        except SettingsError as error:
            faults.extend(error.faults)
    if faults:
        raise SettingsError(faults)
    return configured


def _by_name(plugins: Iterable[Plugin], wanted: Collection[str]) -> dict[str, Plugin]:
    """Return the wanted plugins; of those with one name any will do: each has the conflict as its error."""
    return {plugin.name: plugin for plugin in plugins if plugin.name in wanted}


def _configure(section: ScannerSection, loaded: LoadedPlugin[Scanner[Any]] | None) -> ConfiguredScanner:
    if loaded is None:
        raise SettingsError(f"security.{section.name}: no installed plugin is called {section.plugin!r}")
    if isinstance(loaded.result, PluginError):
        if loaded.plugin.disabled:
            raise SettingsError(enabled_but_left_out(section.name, loaded.result))
        logger.error("%s", loaded.result, exc_info=loaded.result.__cause__)
        return ConfiguredScanner(name=section.name, plugin=section.plugin, fault=loaded.result.reason)
    settings = section.structure(loaded.result.settings_class)
    return ConfiguredScanner(name=section.name, plugin=section.plugin, scanner_class=loaded.result, settings=settings)


def slot_key(one: ConfiguredScanner) -> tuple[str, str]:
    """Return what scanners share a slot by: the plugin and its server."""
    return one.plugin, one.settings.server


def make_slots(configured: Iterable[ConfiguredScanner]) -> dict[tuple[str, str], Slot]:
    """Return a slot for each backend server; where instances disagree on its size, the smallest holds."""
    sizes: dict[tuple[str, str], int] = {}
    for one in configured:
        key = slot_key(one)
        sizes[key] = min(one.settings.concurrency, sizes.get(key, one.settings.concurrency))
    return {key: Slot(size) for key, size in sizes.items()}


def open_context(one: ConfiguredScanner, images: Images, pacers: Pacers, closing: AsyncExitStack) -> EngineContext:
    """Make a scanner's context with its session, which *closing* closes; the pacers are those of all scanners.

    Raises:
        SettingsError: Its CA file can't be used.
    """
    try:
        http = session_for(one.settings)
    except OSError as error:
        raise SettingsError(f"security.{one.name}.ca_file can't be used: {error.strerror or error}") from error
    closing.push_async_callback(http.close)
    return EngineContext(one.name, http=http, images=images, pacers=pacers)


async def start(
    one: ConfiguredScanner, context: EngineContext, slot: Slot, watchdog: Watchdog, closing: AsyncExitStack
) -> ReadyScanner:
    """Make the scanner object and start it; *closing* closes it."""
    scanner, fault = None, one.fault
    if one.scanner_class is not None:
        scanner, fault = await _make(one, one.scanner_class, context, watchdog, closing)
    return ReadyScanner(
        name=one.name, plugin=one.plugin, slot=slot, fault=fault, scanner=scanner, timeout=one.settings.timeout
    )


async def _make(
    one: ConfiguredScanner,
    scanner_class: type[Scanner[Any]],
    context: EngineContext,
    watchdog: Watchdog,
    closing: AsyncExitStack,
) -> tuple[Scanner[Any] | None, str | None]:
    """Return the started scanner, or why there is none. Foreign code: the class's own, and `start`."""

    async def make() -> Scanner[Any]:
        scanner = scanner_class(one.settings, context)
        closing.push_async_callback(_close, one.name, scanner, watchdog)
        await scanner.start()
        return scanner

    ended = await watchdog.watch(f"start of {one.name}", make, limit=START_LIMIT)
    if ended is None:
        return None, f"it could not be started within {START_LIMIT:g} s"
    if ended.error is not None:
        return None, f"it could not be started: {describe(one.name, ended.error)}"
    return ended.value, None


async def _close(name: str, scanner: Scanner[Any], watchdog: Watchdog) -> None:
    ended = await watchdog.watch(f"closing of {name}", scanner.aclose, limit=START_LIMIT)
    if ended is not None and ended.error is not None:
        logger.warning("scanner %s could not be closed: %s", name, describe(name, ended.error))


def describe(name: str, error: BaseException) -> str:
    """Return an error of a scanner in words; what is no error of ours goes to the log with its traceback."""
    if isinstance(error, PortusError):
        return text_of(error) or words_of(error)
    logger.error("scanner %s crashed", name, exc_info=error)
    return f"it crashed ({words_of(error)})"
