"""Programs in an engine: deadlines and cancellations end them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from attrs import frozen
from portus_scanners import Image, Outcome, ProgramScannerSettings, Scanner, ScannerReport
from portus_scanners.backends import ProgramBackend

from ..engine.conftest import make_engine
from .conftest import is_running

__all__ = ["make_engine"]


class Heard:
    """The numbers of the processes that run."""

    def __init__(self) -> None:
        self.processes: list[int] = []
        self.ready = asyncio.Event()

    def hear(self, line: str) -> None:
        """Take one."""
        self.processes.append(int(line))
        self.ready.set()


@pytest.fixture
def heard() -> Heard:
    """What the programs of `scanner` have said."""
    return Heard()


@pytest.fixture
def scanner(program: Callable[[str], str], heard: Heard) -> type[Scanner[Any]]:
    """A scanner whose program ignores TERM, and so does its child."""
    path = program("""
        import os, signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.fork()
        os.write(2, b"%d\\n" % os.getpid())
        while True: signal.pause()
    """)

    @frozen(kw_only=True)
    class Settings(ProgramScannerSettings):
        program: str = path

    class Hanging(Scanner[Settings], contract=1):
        settings_class = Settings

        async def scan(self, image: Image) -> ScannerReport:
            await ProgramBackend(self.context, self.settings.program, grace=0.1).run(on_line=heard.hear)
            raise AssertionError

    return Hanging


async def test_a_deadline_ends_the_program(
    make_engine: Callable[..., Any], scanner: type[Scanner[Any]], heard: Heard, strike: Callable[[], None]
) -> None:
    """A run whose deadline strikes is timed out, nothing of it is left, and nothing was abandoned."""
    async with make_engine(one=scanner) as engine:
        scanning = asyncio.ensure_future(engine.scan("registry.example/app:1"))
        await heard.ready.wait()
        strike()
        report = await scanning
        assert ((), []) == (engine.abandoned, [one for one in heard.processes if is_running(one)])
    assert Outcome.TIMED_OUT is report.results[0].outcome


async def test_cancelling_a_scan_ends_the_program(
    make_engine: Callable[..., Any], scanner: type[Scanner[Any]], heard: Heard
) -> None:
    """Cancelling whoever awaits the scan ends the program before CancelledError comes through."""
    async with make_engine(one=scanner) as engine:

        async def call() -> None:
            await engine.scan("registry.example/app:1")

        task = asyncio.create_task(call())
        await heard.ready.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ((), []) == (engine.abandoned, [one for one in heard.processes if is_running(one)])
