"""How Trivy comes to know an image's layers: what it may keep of them, and what it may take from what it has kept.

Trivy's cache belongs to all images: nothing may get there that is not what an image's configuration says, and nothing
may come from there that was read only in part. So each scan is one of these:

- All layers are settled: one process, which reads nothing and keeps nothing new.
- Some are new: they are unpacked and verified, this scan opens them, and Trivy keeps them.
- Some are open, since another scan reads them just now, broke off, or Trivy had complaints: it reads all layers anew,
  and keeps nothing. If it has none this time, what it has kept is compared with what it has read.

`layer_memory.py` says what settled and open mean.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Set
from contextlib import asynccontextmanager

from portus_scanners import ScannerContext, ScannerError
from portus_scanners.backends import ProgramWorkspace

from .contents import LayerContent
from .layer_memory import LayerMemory
from .layout import TrivyLayout
from .program import Trivy, TrivyRun
from .refusals import LayerNotKeptError
from .settings import TrivySettings
from .wire import same_results

_NAMESPACE = "--skip-files=portus-scanners-{}"
"""Trivy's cache has what it keeps under a hash of the layer and of such options: nobody else's runs share it with ours.
No image is likely to have a file of that name."""


class LayerReader:
    """Lets Trivy read images.

    Args:
        context: The scanner's context.
        trivy: The program.
        settings: The scanner's settings.
    """

    def __init__(self, context: ScannerContext, trivy: Trivy, settings: TrivySettings) -> None:
        self._logger = context.logger
        self._trivy = trivy
        self._settings = settings
        self._memory = LayerMemory(settings.cache_folder, context.logger)
        self._reading: dict[LayerContent, asyncio.Future[None]] = {}
        """The new layers that a scan reads, each with what says that it has ended."""

    async def read(self, workspace: ProgramWorkspace, layout: TrivyLayout) -> TrivyRun:
        """Return a scan of an image whose log has all that Trivy has to say of its layers.

        Args:
            workspace: Where Trivy runs.
            layout: The image; gets the layers that are needed.

        Raises:
            UnsupportedImageError: See `TrivyLayout.place`.
            ScannerError: A layer is not what is claimed of it, so that Trivy got none; or Trivy failed.
            InvalidReportError: Trivy wrote no report, or one that is too long.
        """
        shared = bool(await self._kept())
        async with self._new_ones(layout.contents, shared=shared) as new:
            return await self._read(workspace, layout, new)

    async def _read(self, workspace: ProgramWorkspace, layout: TrivyLayout, new: Set[LayerContent]) -> TrivyRun:
        await layout.place(new, verified=False)
        own = await self._memory.open(new)
        known = await self._memory.look_up(layout.contents)
        kept = await self._kept()
        if kept and all(known.get(content) or content in own for content in layout.contents):
            run = await self._read_kept(workspace, layout, own, kept)
            if run is not None:
                return run
        await layout.place(layout.contents, verified=True)
        run = await self._trivy.scan(workspace, *self._settings.keep_nothing, *layout.arguments)
        if kept and not run.log.complaints:
            await self._settle(workspace, layout, run, kept)
        return run

    @asynccontextmanager
    async def _new_ones(self, contents: Iterable[LayerContent], *, shared: bool) -> AsyncIterator[Set[LayerContent]]:
        """Yield those layers that are new, which no other scan of this process reads meanwhile.

        Who shares such a layer with a scan under way waits for that, and then reads less; unless nothing is *shared*.
        """
        while True:
            known = await self._memory.look_up(contents)
            open_ones = {content for content in contents if not known.get(content)}
            others = {self._reading[content] for content in open_ones & self._reading.keys()}
            if not others:
                break
            await asyncio.wait(others)
        new = {content for content in open_ones if content not in known}
        done = asyncio.get_running_loop().create_future()
        self._reading.update(dict.fromkeys(new if shared else (), done))
        try:
            yield new
        finally:
            self._reading = {content: one for content, one in self._reading.items() if one is not done}
            done.set_result(None)

    async def _kept(self) -> tuple[str, ...]:
        """Return the options with which Trivy finds what it has kept for this memory; empty where it keeps nothing."""
        name = await self._memory.find_name() if self._settings.keeps_layers else ""
        if name and self._settings.shares_cache:  # the memory's file may have been copied to another machine
            name += f"-{socket.gethostname()}"
        return (_NAMESPACE.format(name),) if name else ()

    async def _read_kept(
        self, workspace: ProgramWorkspace, layout: TrivyLayout, own: Set[LayerContent], kept: tuple[str, ...]
    ) -> TrivyRun | None:
        """Return a scan with what Trivy has kept of settled layers; None if another scan has opened one of them."""
        try:
            run = await self._trivy.scan(workspace, *kept, *layout.arguments)
        except LayerNotKeptError:  # the cache was cleared, or this is another version of Trivy
            own = own | await self._memory.open(layout.contents, again=True)
            if not own >= set(layout.contents):
                return None
            await layout.place(layout.contents, verified=True)
            run = await self._trivy.scan(workspace, *kept, *layout.arguments)
        if run.log.complaints:
            await self._memory.open(own, again=True)  # another scan may have settled them meanwhile
            return run
        return run if await self._memory.settle(layout.contents, own) else None

    async def _settle(
        self, workspace: ProgramWorkspace, layout: TrivyLayout, run: TrivyRun, kept: tuple[str, ...]
    ) -> None:
        """Settle an image's layers, if Trivy says the same with what it has kept as it said without."""
        try:
            other = await self._trivy.scan(workspace, *kept, *layout.arguments)
        except ScannerError as error:
            self._logger.info("what Trivy has kept can't be compared: %s", error)
            return
        if not other.log.complaints and same_results(run.report, other.report):
            await self._memory.settle(layout.contents, set(layout.contents))
