"""The database goes away and comes back: it is said, nothing is lost, and the service recovers by itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from portus_scan_server.store import Store, sqlite_url, tables, upgrade
from portus_scanners_testing import Hang, StandInRegistry
from portus_scanners_testing.images import debian_image
from sqlalchemy import func, select
from standins.postgresql import PostgreSql

from .processes import Serving, serving
from .test_runner import pushed

pytestmark = pytest.mark.timeout(180)
IMAGES = 12
SCRIPT = "[{delay: 0.2, count: 300}]"


def configure(folder: Path, registry: StandInRegistry) -> Path:
    """Write a configuration with a dummy that takes a moment for each image."""
    host = registry.reference("x", "y").partition("/")[0]
    path = folder / "config.yml"
    path.write_text(
        f"security: {{dummy: {{server: any, concurrency: 2, script: {SCRIPT}}}}}\n"
        f"registries: {{'{host}': {{insecure: true}}}}\n"
    )
    return path


async def push_images(store: Store, registry: StandInRegistry) -> None:
    """Push images and ask for each."""
    for number in range(IMAGES):
        digest = registry.push("team/app", f"{number}", debian_image({"bash": f"{number}"}))
        await pushed(store, registry, f"team/app:{number}", digest)


async def ended(store: Store) -> int:
    """Return how many requests have ended."""
    async with store.reading() as db:
        query = select(func.count()).where(tables.requests.c.state == "done")
        return int((await db.execute(query)).scalar_one())


async def until_ended(store: Store, number: int) -> None:
    """Wait until that many requests have ended."""
    while await ended(store) < number:  # noqa: ASYNC110 (nobody tells it)
        await asyncio.sleep(0.05)


async def check_whole(store: Store) -> None:
    """Check that every image has one run with all its findings, and a summary."""
    runs, summaries, sets = tables.runs, tables.summaries, tables.finding_sets
    query = (
        select(runs.c.image_id, sets.c.total, summaries.c.total.label("merged"))
        .join(sets, sets.c.id == runs.c.set_id)
        .join(summaries, summaries.c.image_id == runs.c.image_id)
    )
    async with store.reading() as db:
        found = sorted(tuple(row) for row in await db.execute(query))
    assert [(number, 300, 300) for number in range(1, IMAGES + 1)] == found


async def until_told(service: Serving, words: str) -> None:
    """Wait until the service says that it is not ready, for a reason with these words."""
    while words not in " ".join(await service.reasons()):  # noqa: ASYNC110 (nobody tells it)
        await asyncio.sleep(0.05)


async def test_postgresql_goes_away_and_comes_back(
    own_postgresql: PostgreSql, tmp_path: Path, registry: StandInRegistry
) -> None:
    """While it is away the service lives, and says why it is not ready; then every request ends, each once."""
    address = own_postgresql.make_database()
    upgrade(address)
    async with Store.open(address) as store:
        await push_images(store, registry)
        async with serving(tmp_path, address, configure(tmp_path, registry)) as service:
            await until_ended(store, 2)
            runner = service.runner
            await asyncio.to_thread(own_postgresql.stop)
            await until_told(service, "the database can't be used")
            assert 200 == (await service.get("/healthz"))[0]
            assert 'portus_scan_up{part="database"} 0.0' in await service.text("/metrics")
            await asyncio.to_thread(own_postgresql.start)
            await service.until_ready()
            await until_ended(store, IMAGES)
            assert runner == service.runner
    async with Store.open(address) as store:
        await check_whole(store)
    log = (tmp_path / "log").read_text()
    assert "can't be used" in log
    assert "portus-tests" not in log


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A folder on a disk of 3 MB of its own; where nothing can be mounted, the test is skipped."""
    folder = Path(tempfile.mkdtemp(prefix="portus-small-"))
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0
    try:
        if not mounted:
            pytest.skip("nothing can be mounted here")
        yield folder
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        with suppress(OSError):
            folder.rmdir()


async def test_a_disk_that_is_full(small_disk: Path, tmp_path: Path, registry: StandInRegistry) -> None:
    """What can't be written is said and tried again; when there is room, every request ends, each once."""
    address, hang = sqlite_url(small_disk / "portus-scan.db"), Hang()
    upgrade(address)
    async with Store.open(address) as store:
        await push_images(store, registry)
        registry.faults.add("/v2/team/app/manifests/*", hang)
        filler = small_disk / "filler"
        async with serving(small_disk, address, configure(tmp_path, registry), log=tmp_path / "log") as service:
            await service.until_ready()
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while file.write(b"x" * 4096):
                    pass
            hang.release.set()
            while "full" not in (tmp_path / "log").read_text():  # noqa: ASYNC110 (nobody tells it)
                await asyncio.sleep(0.05)
            assert 200 == (await service.get("/healthz"))[0]
            assert await ended(store) < IMAGES
            filler.unlink()
            await until_ended(store, IMAGES)
        await check_whole(store)
