"""The engine: what lives longer than one scan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AsyncExitStack

from ..models import Image, Platform
from ..plugins import Plugin, discover, mark_conflicts
from ..registry.client import Registry
from ..registry.reference import Reference
from ..settings import Settings
from .context import Progress
from .isolation import Watchdog
from .run import Run
from .scan import Scan
from .scanners import (
    ConfiguredScanner,
    ReadyScanner,
    ScannerHealth,
    configure,
    make_slots,
    open_context,
    slot_key,
    start,
)


class Engine:
    """Runs all enabled scanners on images. An async context manager; one object serves many scans at once.

    In short:

        async with Engine(load_settings("config.yml")) as engine:
            report = await engine.scan("registry.example/app:1.0")

    Args:
        settings: Which scanners, and how to reach them and the registries.
        registry: A registry client of the caller's, which closes it; without one the engine has its own.
        plugins: What the scanners of the settings are chosen from; the installed ones (`discover`) when left out.
        grace: Seconds that a scanner has to end after its cancellation, before it is abandoned.

    Raises:
        SettingsError: (on entering) The configuration of an enabled scanner is wrong.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        registry: Registry | None = None,
        plugins: Iterable[Plugin] | None = None,
        grace: float = 5.0,
    ) -> None:
        self._settings = settings
        self._plugins = None if plugins is None else mark_conflicts(plugins)
        self._given_registry = registry
        self._registry: Registry | None = None  # as long as the engine is not open
        self._watchdog = Watchdog(grace)
        self._ready: tuple[ReadyScanner, ...] = ()
        self._scans: set[Scan] = set()
        self._closing = AsyncExitStack()

    @property
    def scanners(self) -> tuple[str, ...]:
        """The names of the enabled scanners, those included that could not be loaded or started."""
        return tuple(section.name for section in self._settings.enabled)

    @property
    def abandoned(self) -> tuple[str, ...]:
        """What would not end when it was cancelled: a loop that waits for all tasks would wait for these."""
        return tuple(self._watchdog.abandoned)

    async def __aenter__(self) -> Engine:
        if self._registry is not None:
            msg = "the engine is open already"
            raise RuntimeError(msg)
        configured = await configure(self._settings.enabled, discover() if self._plugins is None else self._plugins)
        async with AsyncExitStack() as closing:
            registry = self._given_registry
            if registry is None:
                registry = await closing.enter_async_context(Registry(self._settings.registries))
            self._ready = await self._start(configured, registry, closing)
            self._registry, self._closing = registry, closing.pop_all()
        return self

    async def _start(
        self, configured: Collection[ConfiguredScanner], registry: Registry, closing: AsyncExitStack
    ) -> tuple[ReadyScanner, ...]:
        slots = make_slots(configured)
        for slot in slots.values():
            closing.push_async_callback(slot.aclose, self._watchdog)
        contexts = [open_context(one, registry, closing) for one in configured]
        starts = (
            start(one, context, slots[slot_key(one)], self._watchdog, closing)
            for one, context in zip(configured, contexts, strict=True)
        )
        return tuple(await asyncio.gather(*starts))

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End all scans, close the scanners, their sessions and the engine's own registry client."""
        self._ready, self._registry = (), None
        await asyncio.gather(*(scan.aclose() for scan in tuple(self._scans)))
        await self._closing.aclose()

    async def resolve(self, reference: str | Reference, platform: Platform | None = None) -> Image:
        """Ask the registry what a reference stands for.

        Args:
            reference: ``registry.example:5000/team/app:1.0``.
            platform: Which image of an index; the machine's own when left out.

        Raises:
            InvalidReferenceError: The text is no reference.
            RegistryError: The registry does not give the image.
        """
        return await self._open_registry().resolve(_parsed(reference), platform)

    def scan(
        self,
        reference: str | Reference | Image,
        *,
        platform: Platform | None = None,
        timeout: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Scan:
        """Scan one image with every enabled scanner at once.

        Args:
            reference: What to scan: ``registry.example:5000/team/app:1.0``, or an image that is already resolved.
            platform: Which image of an index; the machine's own when left out.
            timeout: Seconds for the whole scan, the registry included; none but the scanners' own when left out.
            on_progress: Called in the event loop, soon after each change.

        Raises:
            InvalidReferenceError: The text is no reference.
        """
        self._open_registry()
        target = reference if isinstance(reference, Image) else _parsed(reference)
        return Scan(self, target, platform=platform, timeout=timeout, on_progress=on_progress)

    async def check_health(self, timeout: float = 10.0) -> tuple[ScannerHealth, ...]:
        """Ask every enabled scanner whether its backend can be used now, all at once.

        Args:
            timeout: Seconds for each.
        """
        return tuple(await asyncio.gather(*(one.check_health(self._watchdog, timeout) for one in self._ready)))

    def _make_runs(
        self, image: Image, deadline: float | None, notify: Callable[[Progress], None] | None
    ) -> Iterator[Run]:
        """Make the run of each scanner on an image (for `Scan`)."""
        for one in self._ready:
            yield Run(one, image, deadline=deadline, watchdog=self._watchdog, notify=notify)

    def _adopt(self, scan: Scan) -> None:
        """Remember a scan that begins, for `aclose` (for `Scan`)."""
        self._open_registry()
        self._scans.add(scan)

    def _release(self, scan: Scan) -> None:
        """Forget a scan that has ended (for `Scan`)."""
        self._scans.discard(scan)

    def _open_registry(self) -> Registry:
        if self._registry is None:
            msg = "the engine is not open: use it in `async with Engine(settings) as engine:`"
            raise RuntimeError(msg)
        return self._registry


def _parsed(reference: str | Reference) -> Reference:
    return reference if isinstance(reference, Reference) else Reference.parse(reference)
