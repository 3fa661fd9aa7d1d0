"""A scanner's context in which waiting takes no time, and which records what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

from portus_images import LOOPBACK, BlobAccess, BlobHead, Image, Images, Layer, Referrer, ServeAddress
from portus_scanners import ScannerContext
from portus_scanners.engine.context import EngineContext
from portus_scanners.models import ScannerReport

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp
    from portus_images import Registry

ResultT = TypeVar("ResultT")


class StillWorkingError(Exception):
    """The scanner has waited as often as the test allows: its backend is still working."""


class RecordingContext(ScannerContext):
    """A context for tests. Use it as an async context manager.

    Args:
        registry: Gives access to layers; without one, URLs without credentials.
        http: A session of the caller's, which closes it.
        patience: How often `wait` may be called; after that it raises `StillWorkingError`.
    """

    def __init__(
        self, *, registry: Registry | None = None, http: aiohttp.ClientSession | None = None, patience: int = 1000
    ) -> None:
        super().__init__(http=http)
        self._registry = registry
        self._patience = patience
        self.calls: list[tuple[Any, ...]] = []
        """What was called, in order, with its arguments: ``("wait", 1.0)``, ``("progress", 3, 30, "layer")``,
        ``("keep", report)``, ``("blob", digest, renew)``, ``("finish",)``."""

    @property
    def waits(self) -> list[float]:
        """The seconds of each `wait`, which took none."""
        return [seconds for (seconds,) in self.calls_of("wait")]

    def calls_of(self, name: str) -> list[tuple[Any, ...]]:
        """Return the arguments of each call of one method."""
        return [call[1:] for call in self.calls if call[0] == name]

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False, from_here: bool = False) -> BlobAccess:
        """See `ScannerContext.blob`."""
        self.calls.append(("blob", layer.digest, renew))
        return await self._access.blob(image, layer, renew=renew, from_here=from_here)

    async def copy_blob(self, image: Image, layer: Layer, path: Path) -> None:
        """See `ScannerContext.copy_blob`."""
        await self._access.copy_blob(image, layer, path)

    async def head_blob(self, image: Image, layer: Layer) -> BlobHead:
        """See `ScannerContext.head_blob`."""
        return await self._access.head_blob(image, layer)

    async def referrers(self, image: Image, artifact_type: str = "") -> tuple[Referrer, ...]:
        """See `ScannerContext.referrers`."""
        return await self._access.referrers(image, artifact_type)

    async def fetch(self, image: Image, digest: str, *, max_size: int) -> bytes:
        """See `ScannerContext.fetch`."""
        return await self._access.fetch(image, digest, max_size=max_size)

    async def wait(self, seconds: float) -> None:
        """Record the seconds, and let others run."""
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
        """Await the request."""
        self.calls.append(("finish",))
        return await request

    @property
    def _access(self) -> ScannerContext:
        """Who knows the registry."""
        if self._registry is None:
            return ScannerContext()
        images = Images(self._registry, ServeAddress.parse(LOOPBACK))
        return EngineContext("recording", http=self.http, images=images, pacers=self._pacers)
