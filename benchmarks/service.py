"""Row 10: the service's runner on images that it knows, and the loop that it runs on while large reports end.

The images lie in a registry in a process of its own; two dummies find 100 vulnerabilities each in every one. A re-scan
is measured from the claim to the commit, with the question to the registry, on SQLite in a temporary folder. It is the
row of an absolute time, since its limit is one: 30 images a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from portus_images import Reference, Registry
from portus_scan_server.answers import MadeWith
from portus_scan_server.requests import Reason, ask
from portus_scan_server.runner import Runner
from portus_scan_server.store import Store, put_image, put_repository, put_tag, sqlite_url, tables, upgrade
from portus_scan_server.summaries import Rules
from portus_scanners import Engine, Settings
from sqlalchemy import func, select, update

from .house import open_servers
from .rows import BenchmarkRow, RunSize, repeat

SCANNERS = ("one", "two")
FINDINGS = 100
_PLANS: dict[RunSize, tuple[int, int]] = {"small": (10, 2_000), "full": (100, 20_000)}
"""By size: how many images; the findings of a large report."""


def measure(size: RunSize) -> list[BenchmarkRow]:
    """Return the rows of the service."""
    return asyncio.run(_measure(*_PLANS[size]))


async def _measure(images: int, large: int) -> list[BenchmarkRow]:
    async with open_servers(images, 2, 1) as (_process, ready):
        references = [Reference.parse(text) for text in ready["references"]]
        async with _service(references, FINDINGS) as (store, runner):
            await _scan_all(store, runner, references)
            runs = [await _scan_all(store, runner, references) for _ in repeat("10", 3)]
            changed = await _change_one(store, runner, references)
        async with _service(references[:4], large) as (store, runner):
            held = await _longest_hold(_scan_all(store, runner, references[:4]))
    return [
        BenchmarkRow(name="10 unchanged: ms an image", runs=[one / images * 1000 for one in runs], limit=1000 / 30),
        BenchmarkRow(name="10 unchanged: runs of one changed", runs=[changed], limit=1),
        BenchmarkRow(name="10 large: runner's loop held, ms", runs=[held], limit=2000),
    ]


async def _longest_hold(work: Awaitable[object]) -> float:
    """Return the longest time in ms for which a loop that does some work did not go round."""
    task, longest, last = asyncio.ensure_future(work), 0.0, time.perf_counter()
    while not task.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    await task
    return longest * 1000


@asynccontextmanager
async def _service(references: list[Reference], findings: int) -> AsyncIterator[tuple[Store, Runner]]:
    """Yield a database that knows these images, and a runner that is not running."""
    script = [{"count": findings}]
    settings = Settings.from_mapping(
        {
            "security": {name: {"scanner": "dummy", "server": "any", "script": script} for name in SCANNERS},
            "registries": {references[0].registry: {"insecure": True}},
        }
    )
    with TemporaryDirectory() as folder:
        address = sqlite_url(Path(folder) / "portus-scan.db")
        upgrade(address)
        async with (
            Store.open(address) as store,
            Registry(settings.registries) as registry,
            Engine(settings, registry=registry) as engine,
        ):
            for reference in references:
                image = await registry.resolve(reference)
                async with store.writing() as db:
                    repository_id = await put_repository(db, reference.registry, reference.repository)
                    await put_tag(db, repository_id, reference.manifest, await put_image(db, image.digest))
            rules = Rules(enabled=SCANNERS)
            yield store, Runner(store, engine, registry, rules, owner="me", made_with=lambda: MADE_WITH)


MADE_WITH = {name: MadeWith(plugin_version="1", settings="s", database="d") for name in SCANNERS}


async def _scan_all(store: Store, runner: Runner, references: list[Reference]) -> float:
    """Ask for every image and return the seconds until all have ended."""
    async with store.writing() as db:
        for image_id in (await db.execute(select(tables.images.c.id))).scalars().all():
            await ask(db, image_id, Reason.RESCAN)
    before, ended = time.perf_counter(), runner.ended
    task = asyncio.create_task(runner.run())
    while runner.ended < ended + len(references):  # noqa: ASYNC110 (the runner tells nobody)
        await asyncio.sleep(0.01)
    taken = time.perf_counter() - before
    task.cancel()
    await asyncio.wait({task})
    return taken


async def _change_one(store: Store, runner: Runner, references: list[Reference]) -> float:
    """Let one image have another answer than is told now, scan all, and return how many runs are new."""
    runs = tables.runs
    async with store.writing() as db:
        await db.execute(update(runs).where(runs.c.id == 1).values(set_id=None))
        before = (await db.execute(select(func.count()).select_from(runs))).scalar_one()
    await _scan_all(store, runner, references)
    async with store.reading() as db:
        return float((await db.execute(select(func.count()).select_from(runs))).scalar_one() - before)
