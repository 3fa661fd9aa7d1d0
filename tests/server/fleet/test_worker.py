"""Workers that are killed, stopped, and started where they can't work."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from portus_images import SettingsError
from portus_scan_server.requests import claim
from portus_scan_server.store import SchemaError, Store, sqlite_url, tables
from portus_scan_server.worker import WorkerOptions, run_worker
from portus_scanners_testing import StandInRegistry
from sqlalchemy import func, select, text

from ..test_runner import configuration, running
from .workers import check_each_has_one_run, configure, push_images, states, until, working

pytestmark = pytest.mark.timeout(180)


async def test_what_a_killed_worker_ran_is_run_by_others(
    store: Store, database: str, tmp_path: Path, registry: StandInRegistry
) -> None:
    """Of two workers one is killed with all that it runs: nothing is lost, and each result is accepted once."""
    slow, quick = (tmp_path / name for name in ("slow", "quick"))
    slow.mkdir()
    quick.mkdir()
    images = await push_images(store, registry, 16)
    hung = "concurrency: 16, script: [{delay: 170}]"
    async with working(slow, database, configure(slow, registry, hung)) as killed:
        await until(store, lambda are: are["running"] >= 4)
        async with working(quick, database, configure(quick, registry, "concurrency: 16"), quick=True):
            await until(store, lambda are: not are["queued"])
            killed.kill()
            await until(store, lambda are: are["done"] == 16)
    await check_each_has_one_run(store, images)


async def test_sigterm_lets_scans_end_and_a_second_one_gives_them_back(
    store: Store, database: str, tmp_path: Path, registry: StandInRegistry
) -> None:
    """After SIGTERM nothing is claimed and what runs may end; with the second what still runs is queued as it was."""
    await push_images(store, registry, 3)
    config = configure(tmp_path, registry, "script: [{image: '*app:0*', delay: 5}, {delay: 170}]")
    async with working(tmp_path, database, config, concurrency=2) as worker:
        await until(store, lambda are: are["running"] >= 2)
        worker.send_signal(signal.SIGTERM)
        await until(store, lambda are: are["done"] == 1)
        worker.send_signal(signal.SIGTERM)
        assert 0 == await worker.wait()
    assert {"queued": 2, "done": 1} == await states(store)
    async with store.reading() as db:
        assert 0 == await db.scalar(select(func.max(tables.requests.c.deaths)))
        assert 0 == await db.scalar(select(func.count()).select_from(tables.workers))
        jobs = "select count(*) from portus_jobs.procrastinate_jobs where status <> 'todo'"
        assert 0 == await db.scalar(text(jobs))
        assert 0 == await db.scalar(text("select count(*) from portus_jobs.procrastinate_workers"))


async def test_who_waits_is_woken(store: Store, database: str, registry: StandInRegistry) -> None:
    """What is asked for in another process is begun though the next look at the table is days away."""
    settings = configuration(registry.reference("x", "y").partition("/")[0])
    async with Store.open(database) as elsewhere, running(store, settings, poll=1e6):
        await push_images(elsewhere, registry, 1)
        await until(elsewhere, lambda are: are["done"] == 1)
        await push_images(elsewhere, registry, 2)  # by now it has looked, and found nothing more
        await until(elsewhere, lambda are: are["done"] == 3)


async def test_two_versions_work_side_by_side(
    store: Store, database: str, tmp_path: Path, registry: StandInRegistry
) -> None:
    """After a migration that adds, old and new workers share the work; after one that removes, the old ones end."""
    old, new = (tmp_path / name for name in ("old", "new"))
    old.mkdir()
    new.mkdir()
    rows = tables.requests.c
    await push_images(store, registry, 4)
    async with store.writing() as db:
        await db.execute(text("alter table requests add column colour text not null default 'red'"))
        await db.execute(text("insert into programs values ('later')"))
        await db.execute(text("update alembic_version set version_num = 'later'"))
    later = "from portus_scan_server.store import schema; schema.SCHEMA = 'later'"
    config = configure(old, registry, "script: [{delay: 170}]")
    async with working(old, database, config, quick=True, concurrency=2) as worker:
        await until(store, lambda are: are["running"] == 2)
        async with working(new, database, config, more=later, concurrency=2):
            await until(store, lambda are: are["running"] == 4)
            async with store.writing() as db:
                assert 2 == await db.scalar(select(func.count(rows.owner.distinct())))
                await db.execute(text("delete from programs where schema <> 'later'"))
            while "install the newer version" not in (old / "log").read_text():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            worker.send_signal(signal.SIGTERM)  # what runs is given back
            assert 0 == await worker.wait()
            assert {"running": 2, "queued": 2} == await states(store)
        async with store.writing() as db:
            assert await claim(db, "me", idle=True) is None
        with pytest.raises(SchemaError, match="later than this program"):
            await run_worker(WorkerOptions(database=database, config=str(config)))


async def test_sqlite_is_refused(tmp_path: Path) -> None:
    """An SQLite file belongs to one service: a worker says so, and what to name instead."""
    with pytest.raises(SettingsError, match="PostgreSQL"):
        await run_worker(WorkerOptions(database=sqlite_url(tmp_path / "a.db")))
