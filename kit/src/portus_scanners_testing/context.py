"""Contexts for a scanner in a test, without an engine: one stands in, the other records what the scanner calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Self, TypeVar

from portus_images import (
    LOOPBACK,
    BlobAccess,
    BlobHead,
    Image,
    Images,
    Layer,
    Pacers,
    Reference,
    Referrer,
    RegistryError,
    ServeAddress,
    open_session,
)
from portus_scanners import ScannerContext
from portus_scanners.engine import SHORTEST_WAIT, EngineContext
from portus_scanners.models import ScannerReport

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp
    from portus_images import Registry

ResultT = TypeVar("ResultT")


class StillWorkingError(Exception):
    """The scanner has waited as often as the test allows: its backend is still working."""


class StandInContext(ScannerContext):
    """The context of a scanner that is made in a test, without an engine.

    Without a registry, `blob` returns URLs without credentials, and nothing else of an image can be fetched. `wait`
    really waits, `progress` and `keep` do nothing: see `RecordingContext`. Use it as an async context manager, or call
    `aclose`, when `http` was used.

    Args:
        registry: Gives access to layers.
        http: A session of the caller's, which closes it; a new one when left out.
    """

    def __init__(self, *, registry: Registry | None = None, http: aiohttp.ClientSession | None = None) -> None:
        self._registry = registry
        self._http = http
        self._own_http: aiohttp.ClientSession | None = None
        self._pacers = Pacers()

    @property
    def http(self) -> aiohttp.ClientSession:
        """The session: the caller's, or one that is opened when it is first used."""
        if self._http is None:
            self._http = self._own_http = open_session()
        return self._http

    @property
    def pacers(self) -> Pacers:
        """The pacers of this context alone."""
        return self._pacers

    @property
    def logger(self) -> logging.Logger:
        """``portus_scanners.scanner``."""
        return logging.getLogger("portus_scanners.scanner")

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False, from_here: bool = False) -> BlobAccess:
        """Ask the registry; without one, return where the layer would be."""
        if self._registry is not None:
            return await self._ask(self._registry).blob(image, layer, renew=renew, from_here=from_here)
        reference = image.reference
        if image.local is not None or not isinstance(reference, Reference):
            return BlobAccess(url=f"http://127.0.0.1/{layer.digest}")
        return BlobAccess(url=f"https://{reference.api_host}/v2/{reference.repository}/blobs/{layer.digest}")

    async def copy_blob(self, image: Image, layer: Layer, path: Path) -> None:
        """Copy from the registry; without one, raise a `RegistryError`."""
        await self._ask(self._needed("copy", layer.digest)).copy_blob(image, layer, path)

    async def head_blob(self, image: Image, layer: Layer) -> BlobHead:
        """Ask the registry; without one, return a status of 0."""
        if self._registry is None:
            return BlobHead(status=0, reason="no registry")
        return await self._ask(self._registry).head_blob(image, layer)

    async def referrers(self, image: Image, artifact_type: str = "") -> tuple[Referrer, ...]:
        """Ask the registry; without one, return nothing."""
        return () if self._registry is None else await self._ask(self._registry).referrers(image, artifact_type)

    async def fetch(self, image: Image, digest: str, *, max_size: int) -> bytes:
        """Fetch from the registry; without one, raise a `RegistryError`."""
        return await self._ask(self._needed("fetch", digest)).fetch(image, digest, max_size=max_size)

    async def wait(self, seconds: float) -> None:
        """Wait, as an engine does."""
        await asyncio.sleep(max(SHORTEST_WAIT, seconds))

    def progress(self, done: int, total: int, what: str = "") -> None:
        """Do nothing."""

    def keep(self, report: ScannerReport) -> None:
        """Do nothing."""

    async def finish(self, request: Awaitable[ResultT]) -> ResultT:
        """Await the request."""
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

    def _needed(self, verb: str, digest: str) -> Registry:
        if self._registry is None:
            msg = f"no registry to {verb} {digest} from"
            raise RegistryError(msg, registry="", step="blob")
        return self._registry

    def _ask(self, registry: Registry) -> ScannerContext:
        """Return the engine's own context: it says a registry's errors in a scanner's words."""
        images = Images(registry, ServeAddress.parse(LOOPBACK))
        return EngineContext("stand-in", http=self.http, images=images, pacers=self._pacers)


class RecordingContext(StandInContext):
    """A context in which waiting takes no time, and which records what the scanner calls.

    Args:
        registry: Gives access to layers; without one, URLs without credentials.
        http: A session of the caller's, which closes it.
        patience: How often `wait` may be called; after that it raises `StillWorkingError`.
    """

    def __init__(
        self, *, registry: Registry | None = None, http: aiohttp.ClientSession | None = None, patience: int = 1000
    ) -> None:
        super().__init__(registry=registry, http=http)
        self._patience = patience
        self.calls: list[tuple[Any, ...]] = []
        """What was called, in order, with its arguments: ``("wait", 1.0)``, ``("progress", 3, 30, "layer")``,
        ``("keep", report)``, ``("blob", digest, renew)``, ``("finish",)``."""

    @property
    def waits(self) -> list[float]:
        """The seconds that each `wait` asked for."""
        return [seconds for (seconds,) in self.calls_of("wait")]

    def calls_of(self, name: str) -> list[tuple[Any, ...]]:
        """Return the arguments of each call of one method."""
        return [call[1:] for call in self.calls if call[0] == name]

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False, from_here: bool = False) -> BlobAccess:
        """Record the layer and *renew*."""
        self.calls.append(("blob", layer.digest, renew))
        return await super().blob(image, layer, renew=renew, from_here=from_here)

    async def wait(self, seconds: float) -> None:
        """Record the seconds, and let other tasks run."""
        self.calls.append(("wait", seconds))
        if len(self.calls_of("wait")) > self._patience:
            msg = f"waited {self._patience} times"
            raise StillWorkingError(msg)
        await asyncio.sleep(0)

    def progress(self, done: int, total: int, what: str = "") -> None:
        """Record the step."""
        self.calls.append(("progress", done, total, what))

    def keep(self, report: ScannerReport) -> None:
        """Record the report."""
        self.calls.append(("keep", report))

    async def finish(self, request: Awaitable[ResultT]) -> ResultT:
        """Record the call, and await the request."""
        self.calls.append(("finish",))
        return await super().finish(request)
