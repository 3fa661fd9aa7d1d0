"""Workers as processes."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from portus_scan_server.store import Store, tables
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import debian_image
from sqlalchemy import func, select

from ..test_runner import pushed

PATIENT = """
from portus_scan_server.fleet import life
life._ANSWER = 60
"""
"""A worker that does not take a busy machine for a database that is gone."""
QUICK = """
from portus_scan_server import fleet, runner_process
runner_process._SWEEP = 1
fleet.sweep.__kwdefaults__["young"] = 0
"""
"""A worker that looks for the dead all the time, also on a server that has just been started."""
DEADLY = """
import os, signal, portus_scanner_dummy.scanner as dummy
dummy._ERRORS["exit"] = lambda message: os.kill(os.getpid(), signal.SIGKILL)
"""
"""A worker that is killed by what would raise `SystemExit`."""


@asynccontextmanager
async def working(
    folder: Path, database: str, config: Path, *, concurrency: int = 4, quick: bool = False, more: str = ""
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a worker as long as the block does; it is killed at the end if it still runs. All share one log.

    Args:
        folder: Where the log is.
        database: The database's address.
        config: Its configuration.
        concurrency: How many images at once.
        quick: See `QUICK`.
        more: Python code that changes it further, such as `DEADLY`.
    """
    code = f"{PATIENT}{QUICK if quick else ''}{more}\nfrom portus_scan.__main__ import main\nmain()"
    options = ("worker", "--config", str(config), "--database", database, "--concurrency", str(concurrency))
    with (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, *options, stderr=log)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def configure(folder: Path, registry: StandInRegistry, dummy: str) -> Path:
    """Write a configuration with a dummy of these settings, in YAML's flow style."""
    host = registry.reference("x", "y").partition("/")[0]
    path = folder / "config.yml"
    path.write_text(f"security: {{dummy: {{server: any, {dummy}}}}}\nregistries: {{'{host}': {{insecure: true}}}}\n")
    return path


async def push_images(store: Store, registry: StandInRegistry, number: int) -> list[int]:
    """Push images, ask for each, and return their rows."""
    images = []
    for one in range(number):
        digest = registry.push("team/app", f"{one}", debian_image({"bash": f"{one}"}))
        images.append(await pushed(store, registry, f"team/app:{one}", digest))
    return images


async def states(store: Store) -> Counter[str]:
    """Return how many requests are in each state."""
    query = select(tables.requests.c.state, func.count().label("number")).group_by(tables.requests.c.state)
    async with store.reading() as db:
        return Counter({row.state: row.number for row in await db.execute(query)})


async def until(store: Store, seen: Callable[[Counter[str]], bool]) -> None:
    """Wait for numbers of requests in states that, once there, last: the test may be slower than the workers."""
    while not seen(await states(store)):  # noqa: ASYNC110 (nobody tells it)
        await asyncio.sleep(0.05)


async def check_each_has_one_run(store: Store, images: list[int]) -> None:
    """Check that each of these images, and nothing else, was scanned, and that one result was accepted."""
    async with store.reading() as db:
        runs = (await db.execute(select(tables.runs.c.image_id, tables.runs.c.times))).all()
    assert [(one, 1) for one in sorted(images)] == sorted(tuple(row) for row in runs)
