"""The contract with a plugin.

::

    [project.entry-points."portus.scanners"]
    acme = "acme_scanner:AcmeScanner"

    @frozen(kw_only=True)
    class AcmeSettings(ScannerSettings):
        flavour: str = "vanilla"

    class AcmeScanner(Scanner[AcmeSettings], contract=1):

        async def scan(self, image: Image) -> ScannerReport:
            ...

A scanner raises, the engine judges: see ``errors.py`` for what to raise.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, get_args, get_origin
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen
from attrs.validators import ge, gt, instance_of, optional
from portus_images import BlobAccess, BlobHead, Image, Layer, Reference, Referrer, RegistryError

from .models import ScannerReport

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp
    from portus_images import Pacers

__all__ = [
    "BlobAccess",
    "BlobHead",
    "Health",
    "HttpScannerSettings",
    "ProgramScannerSettings",
    "Referrer",
    "Scanner",
    "ScannerContext",
    "ScannerSettings",
]

SUPPORTED_CONTRACTS = frozenset({1})
"""The contract numbers that this core can run."""

SHORTEST_WAIT = 0.5
"""Seconds: a poll is never sooner than this."""


def _base_url(text: str) -> str:
    return text.strip().rstrip("/")


@frozen(kw_only=True)
class ScannerSettings:
    """What every scanner can be told. A plugin's own settings class derives from this one.

    Values come from the configuration and the environment, where all are texts; they are converted to the annotated
    types, and unknown keys are refused.

    Attributes:
        server: Where the backend is. A scanner is enabled when this is not empty.
        enabled: Enables a scanner that needs no server; false disables one that has a server.
        timeout: Seconds for one image, from the moment that the scanner has its slot.
        concurrency: How many images at once; counted over all instances of one plugin with one server.
    """

    server: str = field(default="", converter=_base_url)
    enabled: bool | None = None
    timeout: float = field(default=900.0, validator=gt(0))
    concurrency: int = field(default=4, validator=ge(1))


def _http_url(_instance: object, attribute: Attribute[str], value: str) -> None:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that is not closed
        usable = False
    if not usable:
        msg = f"{attribute.name} must be a URL such as http://backend.example:6060"
        raise ValueError(msg)
    if "@" in parts.netloc:
        msg = f"{attribute.name} must not contain credentials"
        raise ValueError(msg)
    if parts.query or parts.fragment:
        msg = f"{attribute.name} must be a plain base URL, without ? and #"
        raise ValueError(msg)


@frozen(kw_only=True)
class HttpScannerSettings(ScannerSettings):
    """Settings of a scanner whose backend is an HTTP server.

    Attributes:
        server: Base URL of the backend: ``http://clair.example:6060``.
        ca_file: PEM file of the authority that signed the server's certificate; the system's authorities where empty.
        insecure: Do not verify the server's certificate.
    """

    server: str = field(converter=_base_url, validator=_http_url)
    ca_file: str = ""
    insecure: bool = False


@frozen(kw_only=True)
class ProgramScannerSettings(ScannerSettings):
    """Settings of a scanner whose backend is a program on this machine.

    It needs no server: ``enabled: true`` enables it. A plugin gives the program's name as the default:
    ``program: str = "trivy"``.

    Attributes:
        program: A name that is looked up on ``PATH``, or a path.
    """

    program: str


SettingsT = TypeVar("SettingsT", bound=ScannerSettings)
ResultT = TypeVar("ResultT")


@frozen(kw_only=True)
class Health:
    """Whether a backend can be used now.

    Attributes:
        healthy: None: the scanner has no way to tell.
        message: What was seen, in one sentence.
    """

    healthy: bool | None = field(validator=optional(instance_of(bool)))
    message: str = field(default="", validator=instance_of(str))


class ScannerContext:
    """What the engine does for a scanner while it scans.

    This class is also the stand-in that a scanner has outside an engine, in its author's tests: nothing is recorded,
    no credentials are added. Use it as an async context manager, or call `aclose`, when `http` was used.
    """

    def __init__(self, *, http: aiohttp.ClientSession | None = None) -> None:
        self._http = http
        self._own_http: aiohttp.ClientSession | None = None
        self._own_pacers: Pacers | None = None

    @property
    def _pacers(self) -> Pacers:
        """What paces the requests to servers (for `HttpBackend`)."""
        if self._own_pacers is None:
            from portus_images import Pacers

            self._own_pacers = Pacers()
        return self._own_pacers

    @property
    def http(self) -> aiohttp.ClientSession:
        """The scanner's own HTTP session: no cookies, no total timeout, 5 s to connect. The engine closes it."""
        if self._http is None:
            from portus_images import open_session

            self._http = self._own_http = open_session()
        return self._http

    @property
    def logger(self) -> logging.Logger:
        """Where a scanner logs; never credentials."""
        return logging.getLogger("portus_scanners.scanner")

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False, from_here: bool = False) -> BlobAccess:
        """Return the URL and the headers with which a backend can pull a layer from the registry.

        The URL has the address that backends use (``backend_url`` of the registry in the configuration). The layers of
        a local image are served by the engine, without headers, for as long as the image is scanned.

        The credentials are good for 60 seconds at least, or newly issued. Only the core caches them: ask again before
        each pull.

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
        reference = image.reference
        if image.local is not None or not isinstance(reference, Reference):
            return BlobAccess(url=f"http://127.0.0.1/{layer.digest}")
        return BlobAccess(url=f"https://{reference.api_host}/v2/{reference.repository}/blobs/{layer.digest}")

    async def copy_blob(self, image: Image, layer: Layer, path: Path) -> None:
        """Copy a layer's blob to a new file, for a backend that reads files: verified, and no longer than the layer.

        It comes as everything else that the engine asks of the registry: with its TLS, proxy and credentials. A layer
        whose size is not known may have 16 GiB. When this raises, or is cancelled, there is no file.

        Args:
            image: The image; a local one must be scanned now.
            layer: One of its layers.
            path: Where to write; there must be no such file, and the folder must be there.

        Raises:
            UnsupportedImageError: The registry does not have this layer (it is a foreign one).
            RegistryError: The registry does not give it; it is not what its digest and size say; or the file can't be
                written.
        """
        msg = f"no registry to copy {layer.digest} from"
        raise RegistryError(msg, registry="", step="blob")

    async def head_blob(self, image: Image, layer: Layer) -> BlobHead:
        """Ask the registry for a layer's size and status ourselves: to learn why a backend could not get it.

        Never fails: refused credentials are a status of 401, a registry that does not answer is a status of 0.
        """
        return BlobHead(status=0, reason="no registry")

    async def referrers(self, image: Image, artifact_type: str = "") -> tuple[Referrer, ...]:
        """Return what was pushed with an image as its subject: SBOMs, signatures, attestations.

        The image's own manifest is asked for, not the index that it came from. A local image has none.

        Args:
            image: The image.
            artifact_type: Only those of this type; all where empty.

        Raises:
            RegistryError: The registry is not available, gives no credentials, or answers nonsense.
        """
        return ()

    async def fetch(self, image: Image, digest: str, *, max_size: int) -> bytes:
        """Return a blob or a manifest from where an image is, verified: of a `Referrer`, or of what it names.

        Args:
            image: The image.
            digest: What to fetch.
            max_size: Bytes that it may have.

        Raises:
            RegistryError: It is not there, longer, not what its digest says, or the registry does not give it.
        """
        msg = f"no registry to fetch {digest} from"
        raise RegistryError(msg, registry="", step="blob")

    async def wait(self, seconds: float) -> None:
        """Wait before asking a backend again that said it is still working; never shorter than 0.5 s.

        A run whose deadline strikes after this ends as `pending`.
        """
        await asyncio.sleep(max(seconds, SHORTEST_WAIT))

    def progress(self, done: int, total: int, what: str = "") -> None:
        """Say how far the scan is: *done* of *total* (0 when unknown) *what* ("layer")."""

    def keep(self, report: ScannerReport) -> None:
        """Hand over what has been found so far, for the case that the deadline strikes."""

    async def finish(self, request: Awaitable[ResultT]) -> ResultT:
        """Await a request that must not be abandoned half way.

        When the run ends first, the request goes on and the scanner's slot stays taken until it has ended (for the
        scanner's `timeout` at most).
        """
        return await request

    async def aclose(self) -> None:
        """Close the session, if this object has opened one."""
        if self._own_http is not None:
            await self._own_http.close()
            self._http = self._own_http = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()


class Scanner(ABC, Generic[SettingsT]):
    """A backend that looks for vulnerabilities. A plugin's entry point names a subclass.

    The class statement says which version of the contract it is written for: ``contract=1``. The engine makes one
    object of it for each instance in the configuration and calls `scan` for several images at once.

    Args:
        settings: The instance's section of the configuration.
        context: The engine's services; without one (in a test) those that do nothing.
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

    def __init__(self, settings: SettingsT, context: ScannerContext | None = None) -> None:
        self.settings = settings
        """This instance's section of the configuration."""
        self.context: ScannerContext = context or ScannerContext()
        """What the engine does for this scanner."""

    async def start(self) -> None:
        """Make ready, once, before the first scan. What it raises makes every run of this scanner fail."""
        return

    @abstractmethod
    async def scan(self, image: Image) -> ScannerReport:
        """Return what the backend knows of one image.

        What this raises ends its own run. What a task that it starts raises is another matter: asyncio lets a
        ``sys.exit`` there end the program. The engine does not call this for what is no image
        (`Image.unsupported`): that ends `unsupported` by itself.

        Raises:
            UnsupportedImageError: The backend can't read such an image.
            ScannerUnavailableError: It can't be reached or is out of order; the engine tries the scan again.
            InvalidReportError: It answered nonsense.
            ScannerError: It failed in another way.
        """

    async def check_health(self) -> Health:
        """Return whether the backend can be used now; an error raised here counts as unhealthy."""
        return Health(healthy=None, message="this scanner has no health check")

    async def aclose(self) -> None:
        """Let go of everything that `start` took."""
        return


def _settings_argument(cls: type) -> type[ScannerSettings] | None:
    """Return the type argument of ``Scanner[...]`` in a class statement, if it is a class."""
    for base in vars(cls).get("__orig_bases__", ()):
        origin = get_origin(base)
        if isinstance(origin, type) and issubclass(origin, Scanner):
            arguments = [argument for argument in get_args(base) if isinstance(argument, type)]
            return arguments[0] if arguments else None
    return None
