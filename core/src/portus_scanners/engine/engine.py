"""The engine: what lives longer than one scan."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import AsyncExitStack

from portus_images import LOOPBACK, Image, ImageReference, Images, Platform, Registry, ServeAddress, parse_reference

from ..models import ReportDocument, ScannerRun
from ..plugins import Plugin, discover, mark_conflicts
from ..settings import Settings
from .context import Progress
from .crew import NOT_OPEN, Crew, ScannerHealth, configure, isolate_within
from .feed import ImageProgress, Source, make_document, read_all
from .image_scan import ImageScan, parse_target
from .isolation import Watchdog
from .scans import Driver, Scan, Scans
from .slots import LocalSlots, Slots


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
        slots: Where the slots are taken from that bound how many images at once a backend is given. When left out they
            are this engine's own; engines that are given one object, or objects of several processes that stand for
            one, share the limits. See `Slots`.

    Raises:
        SettingsError: *serve_address* is not a valid one; (on entering) The configuration of an enabled scanner is
            wrong.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        registry: Registry | None = None,
        plugins: Iterable[Plugin] | None = None,
        grace: float = 5.0,
        serve_address: str = LOOPBACK,
        slots: Slots | None = None,
    ) -> None:
        self._settings = settings
        self._plugins = None if plugins is None else mark_conflicts(plugins)
        self._serve_address = ServeAddress.parse(serve_address)
        self._given_registry = registry
        self._slots = LocalSlots() if slots is None else slots
        self._watchdog = Watchdog(grace)
        self._crew: Crew | None = None  # as long as the engine was not open
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
        if self._crew is not None and self._crew.is_open:
            raise RuntimeError("the engine is open already")
        async with AsyncExitStack() as closing:
            plugins = discover() if self._plugins is None else self._plugins
            configured = await configure(self._settings.enabled, plugins, isolate_within(closing, self._watchdog.grace))
            registry = self._given_registry
            if registry is None:
                registry = await closing.enter_async_context(Registry(self._settings.registries))
            images = Images(registry, self._serve_address)
            closing.push_async_callback(images.aclose)
            crew = Crew(images, self._slots, self._watchdog)
            closing.push_async_callback(crew.aclose)
            await crew.start(configured)
            self._crew, self._closing = crew, closing.pop_all()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End all scans, close the scanners, their sessions and the engine's own registry client."""
        if self._crew is not None:
            await self._crew.end_scans()
        await self._closing.aclose()

    async def resolve(self, reference: str | ImageReference, platform: Platform | None = None) -> Image:
        """Ask the registry what a reference stands for; of a local one, the folder or the archive.

        Args:
            reference: ``registry.example:5000/team/app:1.0``, ``oci:DIR:TAG``.
            platform: Which image of an index; the machine's own when left out.

        Raises:
            InvalidReferenceError: *reference* is not a valid image reference.
            RegistryError: The registry does not give the image; or it is a local one that can't be read.
        """
        return await self._open_crew().images.resolve(_parsed(reference), platform)

    async def resolve_all(self, reference: str | ImageReference) -> tuple[Image, ...]:
        """Ask for the images of all platforms, to scan each of them.

        A manifest that is not an image (an attestation, say), or that is missing, has `Image.unsupported`: its runs end
        `unsupported`, and nothing is left out.

        Returns:
            The images in the order of the index, each once; one where there is no index. 200 at most.

        Raises:
            InvalidReferenceError: *reference* is not a valid image reference.
            RegistryError: The registry does not give them; or it is a local one that can't be read.
        """
        return await self._open_crew().images.resolve_all(_parsed(reference))

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
            timeout: Seconds for the whole scan, the registry included; when left out, the scanners' own limits hold.
            on_progress: Called in the event loop, soon after each change.

        Raises:
            InvalidReferenceError: *reference* is not a valid image reference.
        """
        crew, target = self._open_crew(), parse_target(reference)
        return Scan(crew, target, platform=platform, timeout=timeout, on_progress=on_progress)

    async def ask(self, image: Image, *, scanners: Collection[str] | None = None) -> tuple[ScannerRun, ...]:
        """Scan one image, and return what each scanner said, in the order of the configuration: nothing is merged.

        Only those of *scanners* are asked where names are given. For who keeps the runs: `merge.make_image_report`
        makes a report of them, then or later. Cancelling the task that awaits this ends everything that was started.
        """
        crew = self._open_crew()
        driver: Driver[None, tuple[ScannerRun, ...]] = Driver(crew)
        driver.begin(ImageScan(crew, image, platform=None, notify=None, scanners=scanners).ask(image))
        return await driver.wait()

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
            concurrency: How many images at once. A scanner's own ``concurrency`` setting also limits how many of
                them its server is given.
            platform: Which image of an index; the machine's own when left out.
            all_platforms: Scan every image of an index; each has its own `ScanEnd`.
            timeout: Seconds for each image, the registry included; when left out, the scanners' own limits hold.
            total_timeout: Seconds for all of it: then what is under way ends, and no more references are taken; those
                of a list or a tuple that were not begun have an end that says so.
            on_progress: Called in the event loop, soon after each change.

        Raises:
            ValueError: *concurrency* is less than 1.
        """
        return Scans(
            self._open_crew(),
            references,
            concurrency=concurrency,
            platform=platform,
            all_platforms=all_platforms,
            timeout=timeout,
            total_timeout=total_timeout,
            on_progress=on_progress,
        )

    async def document(
        self,
        references: Source,
        *,
        concurrency: int = 8,
        platform: Platform | None = None,
        all_platforms: bool = False,
        timeout: float | None = None,
        total_timeout: float | None = None,
        on_progress: Callable[[ImageProgress], None] | None = None,
    ) -> ReportDocument:
        """Scan images and return the whole answer: the document that the command writes as JSON.

        Every reference is in it, by its report or, in `ReportDocument.errors`, by the reason why there is none: it is
        malformed, its image could not be resolved, or the time was up before its turn came. Cancelling the task that
        awaits this ends all scans first.

        Args:
            references: What to scan, as for `scan_many`; all of them are read first, and what their iterable raises
                passes.
            concurrency: See `scan_many`, as for the other arguments.
            platform: Which image of an index.
            all_platforms: Scan every image of an index; each has its own report.
            timeout: Seconds for each image.
            total_timeout: Seconds for all of them.
            on_progress: Called in the event loop, soon after each change.

        Raises:
            ValueError: *concurrency* is less than 1.
        """
        scans = self.scan_many(
            await read_all(references),
            concurrency=concurrency,
            platform=platform,
            all_platforms=all_platforms,
            timeout=timeout,
            total_timeout=total_timeout,
            on_progress=on_progress,
        )
        async with scans:
            return make_document([end async for end in scans])

    async def check_health(self, timeout: float = 10.0) -> tuple[ScannerHealth, ...]:
        """Ask every enabled scanner whether its backend can be used now, all at once; *timeout* seconds for each."""
        crew = self._crew
        return await crew.check_health(timeout) if crew is not None and crew.is_open else ()

    def _open_crew(self) -> Crew:
        if self._crew is None or not self._crew.is_open:
            raise RuntimeError(NOT_OPEN)
        return self._crew


def _parsed(reference: str | ImageReference) -> ImageReference:
    return parse_reference(reference) if isinstance(reference, str) else reference
