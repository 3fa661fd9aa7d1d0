"""kill -9 at random moments: no request is lost, none is accepted twice, and there is no half result.

CI kills five times on each database; ``scripts/kills`` fifty times, or as it is told.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from random import Random

import pytest
from portus_scan_server.requests import ask_again
from portus_scan_server.store import Store, StoreUnavailableError, tables, upgrade
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import debian_image
from sqlalchemy import func, select

from .processes import Serving, kill, serving
from .test_runner import pushed

pytestmark = pytest.mark.timeout(1800)

KILLS = int(os.environ.get("PORTUS_KILLS", "5"))
SEED = int(os.environ.get("PORTUS_SEED", "0")) or Random().randrange(1, 2**31)  # noqa: S311 (no secret)
IMAGES = 2 * KILLS + 2


async def test_no_request_is_lost_and_none_accepted_twice(
    empty_database: str, tmp_path: Path, registry: StandInRegistry
) -> None:
    """Whenever the runner or the whole service is killed: each end is whole, and in the end each image has one run."""
    print(f"PORTUS_SEED={SEED}")  # noqa: T201 (shown where the test fails)
    chance = Random(SEED)  # noqa: S311 (no secret)
    host = registry.reference("x", "y").partition("/")[0]
    config = tmp_path / "config.yml"
    script = "[{delay: 0.05, count: 60}]"
    config.write_text(
        f"security: {{dummy: {{server: any, concurrency: 3, script: {script}}}}}\n"
        f"registries: {{'{host}': {{insecure: true}}}}\n"
    )
    upgrade(empty_database)
    async with Store.open(empty_database) as store:
        for number in range(IMAGES):
            digest = registry.push("team/app", f"{number}", debian_image({"bash": f"{number}"}))
            await pushed(store, registry, f"team/app:{number}", digest)
        kills = 0
        while kills < KILLS:
            async with serving(tmp_path, empty_database, config) as service:
                while kills < KILLS:
                    await _until_it_runs(store)
                    await asyncio.sleep(chance.uniform(0, 0.6))
                    kills += 1
                    if not _kill_one(service, chance):
                        break
                    await _check_ends(store)
            await _check_ends(store)
        async with serving(tmp_path, empty_database, config):
            await _until_all_have_ended(store)
        await _check_ends(store)
        async with store.reading() as db:
            runs = (await db.execute(select(tables.runs.c.image_id, tables.runs.c.times))).all()
    assert [(number, 1) for number in range(1, IMAGES + 1)] == sorted(tuple(row) for row in runs)


def _kill_one(service: Serving, chance: Random) -> bool:
    """Kill the runner and return True, or kill the whole service."""
    runner = service.runner
    if runner is not None and chance.random() < 0.6:
        kill(runner)
        return True
    kill(service.process.pid)
    return False


async def _until_it_runs(store: Store) -> None:
    """Wait until a request runs; or until all have ended: then another one is begun."""
    states = await _states(store)
    while not states.get("running") and states.get("queued"):
        await asyncio.sleep(0.02)
        states = await _states(store)


async def _until_all_have_ended(store: Store) -> None:
    """Wait until every request is done; one that died three times alone is asked for again, as a person would."""
    while set(states := await _states(store)) != {"done"}:
        if states.get("dead"):
            async with store.writing() as db:
                dead = select(tables.requests.c.id).where(tables.requests.c.state == "dead")
                for request_id in (await db.execute(dead)).scalars().all():
                    assert await ask_again(db, request_id)
        await asyncio.sleep(0.05)


async def _states(store: Store) -> dict[str, int]:
    query = select(tables.requests.c.state, func.count().label("number")).group_by(tables.requests.c.state)
    while True:
        try:
            async with store.reading() as db:
                return {row.state: row.number for row in await db.execute(query)}
        except StoreUnavailableError:
            await asyncio.sleep(0.05)


async def _check_ends(store: Store) -> None:
    """Check that each image has an ended request, a run with all findings and a summary, or none of the three."""
    requests, runs, summaries, sets = tables.requests, tables.runs, tables.summaries, tables.finding_sets
    query = (
        select(requests.c.state, runs.c.id, sets.c.total, summaries.c.total.label("merged"))
        .outerjoin(runs, runs.c.image_id == requests.c.image_id)
        .outerjoin(sets, sets.c.id == runs.c.set_id)
        .outerjoin(summaries, summaries.c.image_id == requests.c.image_id)
    )
    async with store.reading() as db:
        rows = (await db.execute(query)).all()
    assert IMAGES == len(rows)
    for row in rows:
        expected = (True, 60, 60) if row.state == "done" else (False, None, None)
        assert expected == (row.id is not None, row.total, row.merged), row
