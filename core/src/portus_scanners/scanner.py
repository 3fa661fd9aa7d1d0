"""The contract with a plugin: what a scanner gets, what it returns, what it raises.

::

    @frozen(kw_only=True)
    class AcmeSettings(ScannerSettings):
        flavour: str = "vanilla"

    class AcmeScanner(Scanner[AcmeSettings], contract=1):

        async def scan(self, image: Image) -> ScannerReport:
            ...

A scanner **gets** its settings, a context (what the engine does for it) and, for each scan, an image. It **returns** a
`ScannerReport`, and never judges itself: it **raises**, the engine judges.

====================================  ===============================================================================
returned or raised                    the run's outcome
====================================  ===============================================================================
a complete `ScannerReport`            ``ok``
one with ``complete=False``           ``incomplete``
`UnsupportedImageError`               ``unsupported``: the backend can't read such an image
`ScannerUnavailableError`             tried again, at most twice, inside the deadline; then ``failed``
`InvalidReportError`, anything else   ``failed``
nothing before the deadline           ``pending`` after a `ScannerContext.wait`, else ``timed_out``
====================================  ===============================================================================
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, get_args, get_origin

from attrs import field, frozen
from attrs.validators import optional
from portus_images import BOOLEAN, STRING, BlobAccess, BlobHead, Image, Layer, Referrer

from .models import Database, ScannerReport
from .scanner_settings import ScannerSettings

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp
    from portus_images import Pacers


SettingsT = TypeVar("SettingsT", bound=ScannerSettings)
ResultT = TypeVar("ResultT")


@frozen(kw_only=True)
class Health:
    """Whether a backend can be used now.

    Attributes:
        healthy: None: the scanner has no way to tell.
        message: What was seen, in one sentence.
    """

    healthy: bool | None = field(validator=optional(BOOLEAN))
    message: str = field(default="", validator=STRING)


class Scanner(ABC, Generic[SettingsT]):
    """A backend that looks for vulnerabilities. A plugin's entry point names a subclass.

    The class statement says which version of the contract it is written for: ``contract=1``. The engine makes one
    object of it for each instance in the configuration and calls `scan` for several images at once.

    Args:
        settings: The instance's section of the configuration.
        context: What the engine does for this scanner; in a test, a stand-in of `portus_scanners_testing`.
    """

    contract: ClassVar[int]
    """The number that the class statement gives. It is not inherited: each class states its own."""
    settings_class: ClassVar[type[ScannerSettings]] = ScannerSettings
    """What the configuration's section is converted to; the type argument of ``Scanner[...]`` when left out."""

    def __init_subclass__(cls, *, contract: int, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.contract = contract
        if "settings_class" not in vars(cls):
            cls.settings_class = _settings_argument(cls) or cls.settings_class

    def __init__(self, settings: SettingsT, context: ScannerContext) -> None:
        self.settings = settings
        """This instance's section of the configuration."""
        self.context = context
        """What the engine does for this scanner."""

    async def start(self) -> None:
        """Make ready, once, before the first scan. An error raised here makes every run of this scanner fail."""
        return

    @abstractmethod
    async def scan(self, image: Image) -> ScannerReport:
        """Return what the backend knows of one image.

        An error raised here ends this run alone; of a task that the scanner starts, a ``sys.exit`` ends the program.
        The engine never calls this for a manifest that is not an image (`Image.unsupported`).

        Raises:
            UnsupportedImageError: The backend can't read such an image.
            ScannerUnavailableError: It can't be reached or is out of order; the engine tries the scan again.
            InvalidReportError: Its answer is not valid.
            ScannerError: It failed in another way.
        """

    async def check_health(self) -> Health:
        """Return whether the backend can be used now; an error raised here counts as unhealthy."""
        return Health(healthy=None, message="this scanner has no health check")

    async def database(self) -> Database | None:
        """Return which data a scan is answered from now, or None. An error raised here counts as unhealthy."""
        return None

    async def aclose(self) -> None:
        """Let go of everything that `start` took."""
        return


class ScannerContext(ABC):
    """What the engine does for a scanner. One object serves all scans of one scanner.

    Every member is abstract: no service silently does nothing. `portus_scanners_testing` has stand-ins for tests.
    """

    @property
    @abstractmethod
    def http(self) -> aiohttp.ClientSession:
        """The scanner's own HTTP session: no cookies, no total timeout, 5 s to connect. The engine closes it."""

    @property
    @abstractmethod
    def pacers(self) -> Pacers:
        """Paces the requests to each server, over all scanners of an engine. Used by `HttpBackend`."""

    @property
    @abstractmethod
    def logger(self) -> logging.Logger:
        """Where the scanner logs; never credentials."""

    @abstractmethod
    async def blob(self, image: Image, layer: Layer, *, renew: bool = False, from_here: bool = False) -> BlobAccess:
        """Return the URL and the headers with which a backend can pull a layer from the registry.

        The URL has the address that backends use (``backend_url`` of the registry in the configuration). The layers of
        a local image are served by the engine, without headers, for as long as the image is scanned. The credentials
        are good for 60 seconds at least, or newly issued: ask again before each pull.

        Args:
            image: The image.
            layer: One of its layers.
            renew: Get new credentials even if the present ones seem to be good.
            from_here: The backend is a program on this machine: give the address that the engine itself uses, not
                ``backend_url``.

        Raises:
            UnsupportedImageError: The registry does not have this layer (it is a foreign one).
            RegistryError: The registry gives no credentials; or the layer of a local image can't be served.
        """

    @abstractmethod
    async def copy_blob(self, image: Image, layer: Layer, path: Path) -> None:
        """Copy a layer's blob to a new file, for a backend that reads files: verified, and no longer than the layer.

        A layer whose size is not known may have 16 GiB. When this raises, or is cancelled, there is no file.

        Args:
            image: The image; a local one must be scanned now.
            layer: One of its layers.
            path: Where to write; there must be no such file, and the folder must exist.

        Raises:
            UnsupportedImageError: The registry does not have this layer (it is a foreign one).
            RegistryError: It can't be had or written, or is not what its digest and size say.
        """

    @abstractmethod
    async def head_blob(self, image: Image, layer: Layer) -> BlobHead:
        """Ask the registry for a layer's size and status ourselves: to learn why a backend could not get it.

        Never fails: rejected credentials are a status of 401, no answer a status of 0.
        """

    @abstractmethod
    async def referrers(self, image: Image, artifact_type: str = "") -> tuple[Referrer, ...]:
        """Return what was pushed with an image as its subject: SBOMs, signatures, attestations; or those of one type.

        The image's own manifest is asked for, not the index that it came from. A local image has none.

        Raises:
            RegistryError: The registry is not available, gives no credentials, or its answer is not valid.
        """

    @abstractmethod
    async def fetch(self, image: Image, digest: str, *, max_size: int) -> bytes:
        """Return a blob or a manifest from where an image is, verified: of a `Referrer`, or of what it names.

        Raises:
            RegistryError: It does not exist, has more than *max_size* bytes, is not what its digest says, or the
                registry does not give it.
        """

    @abstractmethod
    async def wait(self, seconds: float) -> None:
        """Wait, 0.5 s at least, to ask a backend again that is still working: a deadline then means `pending`."""

    @abstractmethod
    def progress(self, done: int, total: int, what: str = "") -> None:
        """Say how far the scan is: *done* of *total* (0 when unknown) *what* ("layer")."""

    @abstractmethod
    def keep(self, report: ScannerReport) -> None:
        """Hand over what has been found so far, for the case that the deadline strikes."""

    @abstractmethod
    async def finish(self, request: Awaitable[ResultT]) -> ResultT:
        """Await a request that must not be abandoned half way.

        When the run ends first, the request goes on, for `timeout` at most, and the scanner's slot stays taken.
        """


def _settings_argument(cls: type) -> type[ScannerSettings] | None:
    """Return the type argument of ``Scanner[...]`` in a class statement, if it is a class."""
    for base in vars(cls).get("__orig_bases__", ()):
        origin = get_origin(base)
        if isinstance(origin, type) and issubclass(origin, Scanner):
            arguments = [argument for argument in get_args(base) if isinstance(argument, type)]
            return arguments[0] if arguments else None
    return None
