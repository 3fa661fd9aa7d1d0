"""The process of a scanner: a crew of one, whose images are the engine's, and whose run tells the engine everything."""

from __future__ import annotations

import asyncio
import base64
import logging
import math
import os
import resource
import socket
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, cast

from attrs import define, frozen
from portus_images import BlobAccess, BlobHead, Image, Images, Layer, PortusError, Referrer, SettingsError, copy_image
from portus_scanners import Health, Plugin, ScannerReport
from portus_scanners.engine import (
    CURRENT_RUN,
    ConfiguredScanner,
    Crew,
    LocalSlots,
    Raised,
    ReadyScanner,
    RunState,
    Watchdog,
    configure,
    take_report,
)
from portus_scanners.settings import ScannerSection

from .messages import Channel, error_of_refusal, plain, read, send_report

_MEBIBYTE = 1024 * 1024


@frozen(kw_only=True)
class ProcessJob:
    """A piece of work for a process: the first message that it gets.

    Attributes:
        work: ``configure``, ``scan`` or ``health``.
        name: The scanner's name.
        values: What the configuration says, by key.
        sources: For each key where it says so.
        plugin: Members of the `Plugin`.
        variables: Environment variables that the configuration names.
        memory: MiB that a process may have; 0 for no limit.
        log_level: Below it, nothing is logged.
        grace: Seconds that cancelled code has to end.
        image: The image of a scan.
    """

    work: str
    name: str
    values: Mapping[str, Any]
    sources: Mapping[str, str]
    plugin: Mapping[str, Any]
    variables: Mapping[str, str]
    memory: int
    log_level: int
    grace: float
    image: Image | None = None


def work(channel: int) -> None:
    """Do the work that comes by a socket, and leave; nothing that the plugin has left keeps the process."""
    asyncio.run(_work(socket.socket(fileno=channel)))


async def _work(end: socket.socket) -> None:
    channel = await Channel.open(end, foreign=False)
    (first,) = await channel.receive() or [None]
    job = read(first, ProcessJob)
    if job.memory:
        resource.setrlimit(resource.RLIMIT_DATA, (job.memory * _MEBIBYTE, job.memory * _MEBIBYTE))
    os.environ.update(job.variables)
    logging.basicConfig(level=job.log_level, handlers=[_Logged(channel)])
    worker = _Worker(channel, job)
    listening = asyncio.create_task(worker.listen())
    await asyncio.wait([worker.start()])
    listening.cancel()
    await channel.drain()
    os._exit(0)


class _Logged(logging.Handler):
    """Sends what is logged to the engine."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))
        self._channel = channel
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        self._loop.call_soon_threadsafe(self._channel.send, "log", record.levelno, self.format(record))


@define(kw_only=True, eq=False)
class _ToldRun(RunState):
    """A run whose state is the engine's."""

    channel: Channel

    def work(self) -> None:
        self.channel.send("working")

    def advance(self, done: int, total: int, what: str) -> None:
        self.channel.send("progress", done, total, what)

    def keep(self, report: ScannerReport) -> None:
        send_report(self.channel, "kept", report)

    def hold(self, request: asyncio.Future[Any]) -> None:
        super().hold(request)
        self._tell_held(request)
        request.add_done_callback(self._tell_held)

    def _tell_held(self, _request: asyncio.Future[Any]) -> None:
        self.channel.send("holds", len(self.finishing))


class _Worker:
    """The work of one process."""

    def __init__(self, channel: Channel, job: ProcessJob) -> None:
        self._channel = channel
        self._job = job
        self._images = _AskedImages(channel)
        self._run = _ToldRun(scanner=job.name, channel=channel)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Begin, in a task that the engine can cancel."""
        self._task = asyncio.create_task(self._do())
        return self._task

    async def listen(self) -> None:
        """Take what the engine says, to its end."""
        while (message := await self._channel.receive()) is not None:
            if message[0] == "cancel" and self._task is not None:
                self._task.cancel()
            else:
                self._images.take(*message)
        os._exit(1)  # the engine is gone

    async def _do(self) -> None:
        job = self._job
        section = ScannerSection(
            name=job.name, plugin=job.plugin["name"], enabled=True, values=job.values, sources=job.sources
        )
        try:
            (one,) = configured = await configure([section], [Plugin(**job.plugin)], _isolate)
        except SettingsError as error:
            self._channel.send("settings", list(error.faults))
            return
        if job.work == "configure":
            limits = one.limits
            self._channel.send("configured", one.fault, limits.server, limits.timeout, limits.concurrency)
            return
        crew = Crew(cast(Images, self._images), LocalSlots(), Watchdog(job.grace))
        try:
            await crew.start(configured)
            await (self._check(crew) if job.work == "health" else self._scan(crew, crew.scanners[0]))
        except SettingsError as error:
            self._channel.send("raised", plain(Raised.by(one.name, error)))
        finally:
            if self._run.finishing:
                await asyncio.wait(self._run.finishing)
            await crew.aclose()

    async def _check(self, crew: Crew) -> None:
        (seen,) = await crew.check_health(math.inf)
        health = Health(healthy=seen.healthy, message=seen.message)
        self._channel.send("health", plain(health), plain(seen.database))

    async def _scan(self, crew: Crew, ready: ReadyScanner) -> None:
        scanner, image = ready.scanner, self._job.image
        if scanner is None or image is None:
            self._channel.send("raised", plain(Raised(ready.fault or "it has no image")))
            return

        async def scan() -> ScannerReport:
            CURRENT_RUN.set(self._run)
            return await take_report(await scanner.scan(copy_image(image)))

        ended = await crew.watchdog.watch(f"{ready.name} on {image.reference.text}", scan, limit=math.inf)
        if ended is not None and ended.error is not None:
            self._channel.send("raised", plain(ended.error))
        elif ended is not None:
            send_report(self._channel, "report", ended.value)
        await self._channel.drain()


class _AskedImages:
    """What `Images` gives of the one image that is scanned, each question put to the engine."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._numbers = count()
        self._asked: dict[int, asyncio.Future[Any]] = {}

    def take(self, kind: str, number: int, value: Any) -> None:
        """Take an answer."""
        asked = self._asked.pop(number)
        if asked.done():  # nobody waits for it any longer
            return
        if kind == "refused":
            asked.set_exception(error_of_refusal(value))
        else:
            asked.set_result(value)

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False, from_here: bool = False) -> BlobAccess:
        return read(await self._ask("blob", _place(image, layer), renew, from_here), BlobAccess)

    async def copy_blob(self, image: Image, layer: Layer, path: Path) -> None:
        """See `Images.copy_blob`."""
        await self._ask("copy_blob", _place(image, layer), _absolute(path))

    async def head_blob(self, image: Image, layer: Layer) -> BlobHead:
        """See `Images.head_blob`."""
        return read(await self._ask("head_blob", _place(image, layer)), BlobHead)

    async def referrers(self, image: Image, artifact_type: str = "") -> tuple[Referrer, ...]:
        return read(await self._ask("referrers", artifact_type), tuple[Referrer, ...])

    async def fetch(self, image: Image, digest: str, *, max_size: int) -> bytes:
        return base64.b64decode(await self._ask("fetch", digest, max_size))

    async def _ask(self, what: str, *arguments: Any) -> Any:
        number = next(self._numbers)
        self._asked[number] = answer = asyncio.get_running_loop().create_future()
        self._channel.send("ask", number, what, *arguments)
        return await answer


async def _isolate(_section: ScannerSection, _plugin: Plugin) -> ConfiguredScanner:
    raise SettingsError("a process has no processes of its own")


def _absolute(path: Path) -> str:
    return str(Path(path).absolute())


def _place(image: Image, layer: Layer) -> int:
    """Return which layer of the image this is."""
    for place, one in enumerate(image.layers):
        if one.digest == layer.digest:
            return place
    raise PortusError(f"{layer.digest} is not a layer of {image.reference.text}")
