"""What the engine does for a scanner while it scans: the real `ScannerContext`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, field, frozen
from portus_images import BlobAccess, BlobHead, Image, Layer, NotInRegistryError, Referrer, class_name, one_line

from ..errors import UnsupportedImageError
from ..models import ScannerReport
from ..scanner import ScannerContext
from .boundary import take_report_now

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp
    from portus_images import Images, Pacers

ResultT = TypeVar("ResultT")

SHORTEST_WAIT = 0.5
"""Seconds: a poll is never sooner than this."""


@frozen(kw_only=True)
class Progress:
    """How far one scanner is with one image.

    Attributes:
        scanner: The scanner's name in the configuration.
        state: ``waiting`` for a slot, ``scanning``, ``retrying``; at the end the outcome (``ok``, ``failed``...), with
            the last *done* and *total*.
        done: How much of *total* has been done.
        total: How much there is to do; 0 when unknown.
        what: What is counted: ``layer``.
    """

    scanner: str
    state: str
    done: int = 0
    total: int = 0
    what: str = ""


class Heard(Enum):
    """What was last heard of a backend: it decides what a deadline means."""

    NOTHING = "nothing"
    WORKING = "working"
    UNAVAILABLE = "unavailable"


@define
class RunState:
    """What one run has told the engine so far."""

    scanner: str
    notify: Callable[[Progress], None] | None = None
    heard: Heard = Heard.NOTHING
    kept: ScannerReport | None = None
    finishing: set[asyncio.Future[Any]] = field(factory=set)
    """Requests that go on when the run has ended."""
    done: int = 0
    total: int = 0
    what: str = ""

    def tell(self, state: str) -> None:
        """Tell the caller which state the run is in now."""
        if self.notify is not None:
            told = Progress(scanner=self.scanner, state=state, done=self.done, total=self.total, what=self.what)
            # not called from here: an error in the caller's function must not become the scanner's
            asyncio.get_running_loop().call_soon(self.notify, told)

    def work(self) -> None:
        """Record that the backend is still working."""
        self.heard = Heard.WORKING

    def keep(self, report: ScannerReport) -> None:
        """Record what has been found so far."""
        self.kept = report

    def hold(self, request: asyncio.Future[Any]) -> None:
        """Record a request that goes on when the run has ended."""
        self.finishing.add(request)
        request.add_done_callback(self.finishing.discard)

    def advance(self, done: int, total: int, what: str) -> None:
        """Record how far the run is; a backend that makes progress is no longer unavailable."""
        if self.heard is Heard.UNAVAILABLE:
            self.heard = Heard.NOTHING
        self.done, self.total, self.what = done, total, what
        self.tell("scanning")


CURRENT_RUN: ContextVar[RunState | None] = ContextVar("portus_scanners_run", default=None)
"""The run that the current task belongs to: one scanner object scans several images at once."""


@define(eq=False)
class EngineContext(ScannerContext):
    """The context of one scanner in an engine. What it is told goes to the run that the calling task belongs to."""

    _name: str
    http: aiohttp.ClientSession = field(kw_only=True)
    pacers: Pacers = field(kw_only=True)
    logger: logging.Logger = field(init=False)
    _images: Images = field(kw_only=True)

    @logger.default
    def _find_logger(self) -> logging.Logger:
        return logging.getLogger(f"portus_scanners.scanner.{self._name}")

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False, from_here: bool = False) -> BlobAccess:
        with _foreign_layers():
            return await self._images.blob(image, layer, renew=renew, from_here=from_here)

    async def copy_blob(self, image: Image, layer: Layer, path: Path) -> None:
        with _foreign_layers():
            await self._images.copy_blob(image, layer, path)

    async def head_blob(self, image: Image, layer: Layer) -> BlobHead:
        return await self._images.head_blob(image, layer)

    async def referrers(self, image: Image, artifact_type: str = "") -> tuple[Referrer, ...]:
        return await self._images.referrers(image, artifact_type)

    async def fetch(self, image: Image, digest: str, *, max_size: int) -> bytes:
        return await self._images.fetch(image, digest, max_size=max_size)

    async def wait(self, seconds: float) -> None:
        run = CURRENT_RUN.get()
        if run is not None:
            run.work()
        await asyncio.sleep(max(SHORTEST_WAIT, float(seconds)))  # NaN, which would spoil all timers, is the shortest

    def progress(self, done: int, total: int, what: str = "") -> None:
        if type(done) is not int or type(total) is not int or type(what) is not str:
            raise TypeError("progress() takes two integers and a string")
        run = CURRENT_RUN.get()
        if run is not None:
            run.advance(max(done, 0), max(total, 0), one_line(what))

    def keep(self, report: ScannerReport) -> None:
        run, kept = CURRENT_RUN.get(), take_report_now(report)
        if run is not None:
            run.keep(kept)

    async def finish(self, request: Awaitable[ResultT]) -> ResultT:
        task = asyncio.ensure_future(_without_exits(request))
        run = CURRENT_RUN.get()
        if run is not None:
            run.hold(task)
        task.add_done_callback(see_error)
        return await asyncio.shield(task)


@contextmanager
def _foreign_layers() -> Iterator[None]:
    """Raise the error of the scanner's contract where no registry has a layer."""
    try:
        yield
    except NotInRegistryError as error:
        raise UnsupportedImageError(str(error)) from error


async def _without_exits(request: Awaitable[ResultT]) -> ResultT:
    """Await; a `SystemExit` in a task would end the whole program."""
    try:
        return await request
    except (SystemExit, KeyboardInterrupt) as error:
        raise RuntimeError(f"{class_name(error)} raised by a scanner") from error


def see_error(task: asyncio.Future[ResultT]) -> None:
    """See a task's error: when nobody waits for it any longer, asyncio must not log it."""
    if not task.cancelled():
        task.exception()
