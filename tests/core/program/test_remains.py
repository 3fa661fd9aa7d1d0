"""What `kill_programs` clears away: see also the fixture that looks after each test."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

from portus_scanners.backends import ProgramBackend, kill_programs
from portus_scanners.backends.program.remains import live_folders, live_groups

from .conftest import is_running

Backend = Callable[..., ProgramBackend]

CHILDREN = """
    import os, signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.fork()
    os.write(2, b'%d\\n' % os.getpid())
    while True: signal.pause()
"""


async def test_a_group_and_its_folder_are_gone_when_it_returns(backend: Backend) -> None:
    """Without a turn of the event loop, nobody of the group runs any longer and the folder is removed."""
    heard: list[int] = []
    both = asyncio.Event()

    def hear(line: str) -> None:
        heard.append(int(line))
        if len(heard) == 2:
            both.set()

    running = asyncio.create_task(backend(CHILDREN, grace=0.05).run(on_line=hear))
    await both.wait()
    kill_programs()
    left = [process for process in heard if is_running(process)], list(Path(tempfile.gettempdir()).iterdir())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert ([], []) == left


async def test_a_run_that_has_ended_is_forgotten(backend: Backend) -> None:
    """What has ended by itself is not killed or removed later, when its number or name may be somebody else's."""
    await backend("print(1)").run()
    assert (set(), set()) == (live_groups, live_folders)


async def test_a_cancelled_run_is_forgotten(backend: Backend) -> None:
    """A run that was cancelled, more than once, is forgotten too."""
    ready = asyncio.Event()
    text = "import os, signal\nos.write(2, b'ready\\n'); signal.pause()"
    running = asyncio.create_task(backend(text, grace=5).run(on_line=lambda _: ready.set()))
    await ready.wait()
    running.cancel()
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (set(), set()) == (live_groups, live_folders)
