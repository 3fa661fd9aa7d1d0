"""The engine: what lives longer than one scan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import AsyncExitStack
from functools import partial

from portus_images import (
    LOOPBACK,
    Image,
    ImageReference,
    Images,
    Pacers,
    Platform,
    Registry,
    ServeAddress,
    parse_reference,
)

from ..models import ScannerRun
from ..plugins import Plugin, discover, mark_conflicts
from ..settings import Settings
from .context import Progress
from .ends import ImageProgress
from .feed import Source
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
from .scans import Scans


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
        serve_address: ``HOST[:PORT]`` of this machine, where backends that pull get the layers of local images.

    Raises:
        SettingsError: *serve_address* is none; (on entering) The configuration of an enabled scanner is wrong.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        registry: Registry | None = None,
        plugins: Iterable[Plugin] | None = None,
        grace: float = 5.0,
        serve_address: str = LOOPBACK,
    ) -> None:
        self._settings = settings
        self._plugins = None if plugins is None else mark_conflicts(plugins)
        self._serve_address = ServeAddress.parse(serve_address)
        self._given_registry = registry
        self._images: Images | None = None  # as long as the engine is not open
        self._watchdog = Watchdog(grace)
        self._ready: tuple[ReadyScanner, ...] = ()
        self._scans: set[Scan | Scans] = set()
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
        if self._images is not None:
            msg = "the engine is open already"
            raise RuntimeError(msg)
        configured = await configure(self._settings.enabled, discover() if self._plugins is None else self._plugins)
        async with AsyncExitStack() as closing:
            registry = self._given_registry
            if registry is None:
                registry = await closing.enter_async_context(Registry(self._settings.registries))
            images = Images(registry, self._serve_address)
            closing.push_async_callback(images.aclose)
            self._ready = await self._start(configured, images, closing)
            self._images, self._closing = images, closing.pop_all()
        return self

    async def _start(
        self, configured: Collection[ConfiguredScanner], images: Images, closing: AsyncExitStack
    ) -> tuple[ReadyScanner, ...]:
        slots = make_slots(configured)
        for slot in slots.values():
            closing.push_async_callback(slot.aclose, self._watchdog)
        pacers = Pacers()
        contexts = [open_context(one, images, pacers, closing) for one in configured]
        starts = (
            start(one, context, slots[slot_key(one)], self._watchdog, closing)
            for one, context in zip(configured, contexts, strict=True)
        )
        return tuple(await asyncio.gather(*starts))

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End all scans, close the scanners, their sessions and the engine's own registry client."""
        self._ready, self._images = (), None
        await asyncio.gather(*(scan.aclose() for scan in tuple(self._scans)))
        await self._closing.aclose()

    async def resolve(self, reference: str | ImageReference, platform: Platform | None = None) -> Image:
        """Ask the registry what a reference stands for; of a local one, the folder or the archive.

        Args:
            reference: ``registry.example:5000/team/app:1.0``, ``oci:DIR:TAG``.
            platform: Which image of an index; the machine's own when left out.

        Raises:
            InvalidReferenceError: The text is no reference.
            RegistryError: The registry does not give the image; or it is a local one that can't be read.
        """
        return await self._open_images().resolve(_parsed(reference), platform)

    async def resolve_all(self, reference: str | ImageReference) -> tuple[Image, ...]:
        """Ask for the images of all platforms, to scan each of them.

        What is no image (an attestation, say), or is named and not there, has `Image.unsupported`: its runs end
        `unsupported`, and nothing is left out.

        Args:
            reference: ``registry.example:5000/team/app:1.0``, ``oci:DIR:TAG``.

        Returns:
            The images in the order of the index, each once; one where there is no index. 200 at most.

        Raises:
            InvalidReferenceError: The text is no reference.
            RegistryError: The registry does not give them; or it is a local one that can't be read.
        """
        return await self._open_images().resolve_all(_parsed(reference))

    async def open_image(
        self, target: ImageReference | Image, platform: Platform | None, closing: AsyncExitStack
    ) -> Image:
        """Return an image that can be scanned until *closing* is closed (for `Scan`)."""
        return await self._open_images().open(target, platform, closing)

    def scan(
        self,
        reference: str | ImageReference | Image,
        *,
        platform: Platform | None = None,
        timeout: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Scan:
        """Scan one image with every enabled scanner at once.

        Args:
            reference: What to scan: ``registry.example:5000/team/app:1.0``, ``docker-archive:FILE``, or an image that
                is already resolved.
            platform: Which image of an index; the machine's own when left out.
            timeout: Seconds for the whole scan, the registry included; none but the scanners' own when left out.
            on_progress: Called in the event loop, soon after each change.

        Raises:
            InvalidReferenceError: The text is no reference.
        """
        self._open_images()
        target = reference if isinstance(reference, Image) else _parsed(reference)
        return Scan(self, target, platform=platform, timeout=timeout, on_progress=on_progress)

    def scan_many(
        self,
        references: Source,
        *,
        concurrency: int = 8,
        platform: Platform | None = None,
        all_platforms: bool = False,
        timeout: float | None = None,
        total_timeout: float | None = None,
        on_progress: Callable[[ImageProgress], None] | None = None,
    ) -> Scans:
        """Scan many images, *concurrency* of them at once, in memory that does not grow with their number.

        What several references stand for at one moment is scanned once, and reported for each. A reference that is
        malformed, or whose image can't be resolved, is a `ScanEnd` like the others.

        Args:
            references: What to scan, as for `scan`; from an async iterable, or from one that may block, which is read
                in a thread of its own (a list or a tuple is not).
            concurrency: How many images at once. A scanner's own ``concurrency`` setting limits besides how many of
                them its server is given.
            platform: Which image of an index; the machine's own when left out.
            all_platforms: Scan every image of an index; each has its own `ScanEnd`.
            timeout: Seconds for each image, the registry included; none but the scanners' own when left out.
            total_timeout: Seconds for all of it: then no more references are taken, and what is under way ends.
            on_progress: Called in the event loop, soon after each change.

        Raises:
            ValueError: *concurrency* is less than 1.
        """
        self._open_images()
        return Scans(
            self,
            references,
            concurrency=concurrency,
            platform=platform,
            all_platforms=all_platforms,
            timeout=timeout,
            total_timeout=total_timeout,
            on_progress=on_progress,
        )

    async def check_health(self, timeout: float = 10.0) -> tuple[ScannerHealth, ...]:
        """Ask every enabled scanner whether its backend can be used now, all at once.

        Args:
            timeout: Seconds for each.
        """
        return tuple(await asyncio.gather(*(one.check_health(self._watchdog, timeout) for one in self._ready)))

    def _make_runs(
        self,
        image: Image,
        deadline: float | None,
        notify: Callable[[Progress], None] | None,
        on_end: Callable[[int, ScannerRun], None],
    ) -> tuple[Run, ...]:
        """Make the run of each scanner on an image, whose end is told with its place (for `ImageScan`)."""
        return tuple(
            Run(one, image, deadline=deadline, watchdog=self._watchdog, notify=notify, on_end=partial(on_end, place))
            for place, one in enumerate(self._ready)
        )

    def _adopt(self, scan: Scan | Scans) -> None:
        """Remember a scan that begins, for `aclose` (for `Scan`)."""
        self._open_images()
        self._scans.add(scan)

    def _release(self, scan: Scan | Scans) -> None:
        """Forget a scan that has ended (for `Scan`)."""
        self._scans.discard(scan)

    def _open_images(self) -> Images:
        if self._images is None:
            msg = "the engine is not open: use it in `async with Engine(settings) as engine:`"
            raise RuntimeError(msg)
        return self._images


def _parsed(reference: str | ImageReference) -> ImageReference:
    return parse_reference(reference) if isinstance(reference, str) else reference
