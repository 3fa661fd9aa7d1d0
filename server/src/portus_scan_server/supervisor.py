"""The runner's parent: starts it, tells it that there is work, and takes back what it was running when it has died."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen
from portus_scanners import Settings

from .harbor import HarborSeat
from .news import NewsWriter
from .pipes import framed
from .requests import died, new_owner
from .store import Store, StoreUnavailableError
from .summaries import Rules

if TYPE_CHECKING:
    from .configuration import Configuration

logger = logging.getLogger("portus_scan_server.supervisor")

LOOK, STOP = b"look\n", b"stop\n"
"""What a runner is told after its orders: that somebody has asked for something; to end what runs, and no more."""
_CONCURRENCY = 4
_PAUSES = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
"""Seconds before a runner that has died is replaced, by how many have died one after the other."""
_LONG = 60.0
"""Seconds after which a runner's death is the first one again."""
_GRACE = 15.0
"""Seconds that a runner has to give everything back, after its time for ending scans."""


@frozen(kw_only=True)
class Orders:
    """What a runner is told.

    Attributes:
        database: The database's address, with its password.
        owner: This life of a runner.
        settings: What scanners and registries are told.
        rules: What summaries are made under.
        concurrency: How many images at once; 0 for no runner: workers elsewhere do the scans.
        age: Seconds after which a scanner is asked again whose data has no identity.
        drain: Seconds that running scans have once the runner is to stop.
        keep: Seconds for which what no verdict needs is kept.
        untagged: Seconds for which an image is still scanned again that no tag names any longer.
        log: How its log is written: ``text`` or ``json``.
        news: Writes what a scan has brought that is new; None where nobody is told.
        harbor: Which Harbors ask for scans; None for none.
    """

    database: str = field(repr=False)
    owner: str
    settings: Settings = field(factory=Settings, repr=False)
    rules: Rules = field(factory=lambda: Rules(enabled=()), repr=False)
    concurrency: int = _CONCURRENCY
    age: float = 86_400
    drain: float = 120.0
    keep: float = 90 * 86_400
    untagged: float = 30 * 86_400
    log: str = "text"
    news: NewsWriter | None = None
    harbor: HarborSeat | None = None

    @classmethod
    def of(cls, configuration: Configuration, database: str, *, concurrency: int | None, **more: Any) -> Orders:
        """Return orders for an owner that is yet to be named.

        Args:
            configuration: What the file says.
            database: See the attribute.
            concurrency: See the attribute; None for what the configuration says, or four.
            more: Further attributes.
        """
        if concurrency is None:
            concurrency = configuration.settings.scans.concurrency or _CONCURRENCY
        answers = configuration.settings.answers
        return cls(
            database=database,
            owner="",
            settings=configuration.settings.scanning,
            rules=configuration.rules,
            news=NewsWriter.of(configuration.notifications.settings),
            harbor=configuration.harbor,
            concurrency=concurrency,
            age=answers.freshness,
            keep=answers.keep,
            untagged=answers.untagged,
            **more,
        )


class Supervisor:
    """Keeps one runner alive until `stop`.

    Args:
        store: The database.
        orders: What each runner is told; its owner is made anew each time.
        keep: Descriptors that live as long as the runner: the lock of the data folder.
    """

    def __init__(self, store: Store, orders: Orders, *, keep: Sequence[int] = ()) -> None:
        self._store = store
        self._orders = orders
        self._keep = tuple(keep)
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self.deaths = 0
        """How many runners have died."""

    @property
    def wanted(self) -> bool:
        """Whether there is to be a runner."""
        return self._orders.concurrency > 0

    @property
    def running(self) -> bool:
        """Whether there is a runner now."""
        return self._process is not None and self._process.returncode is None

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    @property
    def pid(self) -> int | None:
        """The runner's process; None where there is none."""
        return self._process.pid if self._process is not None and self.running else None

    def wake(self) -> None:
        """Tell the runner that somebody has asked for something; it would look by itself within a second."""
        self._tell(LOOK)

    def stop(self) -> None:
        """Let the runner end what it runs, and start no other."""
        self._stopping.set()
        self._tell(STOP)

    async def run(self) -> None:
        """Keep a runner alive until `stop`, then until it has ended; cancelling this ends it at once."""
        if not self.wanted:
            await self._stopping.wait()
        loop, one_after_the_other = asyncio.get_running_loop(), 0
        while not self._stopping.is_set():
            begun = loop.time()
            owner = new_owner()
            await self._live(evolve(self._orders, owner=owner))
            await self._take_back(owner)
            if self._stopping.is_set():
                return
            self.deaths += 1
            one_after_the_other = 0 if loop.time() - begun > _LONG else one_after_the_other + 1
            pause = _PAUSES[min(one_after_the_other, len(_PAUSES)) - 1] if one_after_the_other else _PAUSES[0]
            logger.warning("the runner has died; another one begins in %g s", pause)
            await self._wait(pause)

    async def _live(self, orders: Orders) -> None:
        """Start a runner and wait for its end."""
        command = (sys.executable, "-m", f"{__package__}.runner_process")
        pipe = asyncio.subprocess.PIPE
        self._process = process = await asyncio.create_subprocess_exec(*command, stdin=pipe, pass_fds=self._keep)
        try:
            self._tell(framed(orders))
            if self._stopping.is_set():
                self._tell(STOP)
            await self._end_in_time(process, orders.drain)
        finally:
            if process.returncode is None:  # its stdin ends: it gives everything back
                self._close_stdin(process)
                try:
                    async with asyncio.timeout(_GRACE):
                        await process.wait()
                finally:
                    if process.returncode is None:
                        process.kill()
                        await process.wait()

    async def _end_in_time(self, process: asyncio.subprocess.Process, drain: float) -> None:
        """Wait for the end; once it is to stop, no longer than it has for its scans."""
        ending, stopping = asyncio.create_task(process.wait()), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({ending}, timeout=drain + _GRACE)
        finally:
            ending.cancel()
            stopping.cancel()

    async def _take_back(self, owner: str) -> None:
        """Take back what a runner had when it ended: nothing, if it ended as it should."""
        while True:
            try:
                async with self._store.writing() as db:
                    if lost := await died(db, [owner]):
                        logger.warning("%d requests of the runner that died are run again, each alone", lost)
            except StoreUnavailableError as error:
                logger.warning("it is tried again: %s", error)
                if not await self._wait(_PAUSES[2]) and self._stopping.is_set():
                    return
            else:
                return

    async def _wait(self, seconds: float) -> bool:
        """Wait, or return False at once when it is to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return True
        return False

    def _tell(self, line: bytes) -> None:
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(line)

    @staticmethod
    def _close_stdin(process: asyncio.subprocess.Process) -> None:
        if process.stdin is not None:
            process.stdin.close()
