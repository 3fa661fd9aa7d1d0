"""The jobs that bring requests to workers: how many there are, what is in them, and what becomes of them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from portus_images import Registry
from portus_scan_server.fleet import SharedChore, drop_dead_jobs
from portus_scan_server.fleet.feeder import AHEAD, feed
from portus_scan_server.requests import Reason, ask, claim, died
from portus_scan_server.runner import Runner
from portus_scan_server.store import Store, tables
from portus_scanners import Engine
from portus_scanners_testing import StandInRegistry
from sqlalchemy import select, text

from ..test_requests import asked
from ..test_runner import RULES, WITH, Gate, configuration, running
from .workers import check_each_has_one_run, push_images, states, until

pytestmark = pytest.mark.timeout(180)
TODO = "select (args ->> 'request_id')::int from portus_jobs.procrastinate_jobs where status = 'todo' order by 1"


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The dummy's scans in this process begin, and end when the test says."""
    made = Gate()
    monkeypatch.setattr("portus_scanner_dummy.scanner.sleep", made)
    return made


async def _all(store: Store, query: Any) -> list[Any]:
    async with store.reading() as db:
        return list((await db.execute(text(query) if isinstance(query, str) else query)).scalars())


async def _do(store: Store, *statements: str) -> None:
    async with store.writing() as db:
        await db.execute(text("set local search_path = public, portus_jobs"))
        for one in statements:
            await db.execute(text(one))


async def _fill(store: Store, number: int) -> None:
    """Ask for many images that no registry has, each third of them more urgent."""
    await _do(
        store,
        f"insert into images (digest) select 'sha256:' || n from generate_series(1, {number}) n",  # noqa: S608
        "insert into requests (image_id, reason, priority) select id, 'rescan', (id % 3 = 0)::int * 5 from images",
    )


async def test_the_most_urgent_requests_have_a_job(store: Store) -> None:
    """Of 3,000 requests the best thousand have a job; a push gets one at once, in the place of the last of these."""
    await _fill(store, 3_000)
    best = select(tables.requests.c.id).order_by(tables.requests.c.priority.desc(), tables.requests.c.id).limit(AHEAD)
    for _ in range(2):
        await feed(store)
        assert sorted(await _all(store, best)) == await _all(store, TODO)
    await _do(store, "update requests set state = 'done' where id = 1")
    async with store.writing() as db:
        push = await ask(db, 1, Reason.PUSH)
    await feed(store)
    jobs = await _all(store, TODO)
    assert AHEAD == len(jobs)
    assert push in jobs
    assert sorted(await _all(store, best)) == jobs


async def test_a_request_that_becomes_more_urgent_has_one_job_that_is(store: Store) -> None:
    """The job of a re-scan that somebody asks for makes way for one of that priority."""
    request = await asked(store, "a", Reason.RESCAN)
    await feed(store)
    assert request == await asked(store, "a", Reason.PERSON)
    await feed(store)
    query = "select priority || queue_name from portus_jobs.procrastinate_jobs"
    assert ["8portus-now"] == await _all(store, query)


async def test_a_job_that_dies_with_its_worker_is_replaced(store: Store) -> None:
    """A request whose job was fetched, and never led to a claim, has another job; the old one is dropped in time."""
    request = await asked(store, "a")
    await feed(store)
    await _do(store, "update procrastinate_jobs set status = 'doing'")
    await feed(store)
    assert [request] == await _all(store, TODO)
    await drop_dead_jobs(store)
    assert ["todo"] == await _all(store, "select status::text from portus_jobs.procrastinate_jobs")


async def test_a_job_that_waits_to_run_alone_counts_while_its_worker_lives(store: Store) -> None:
    """What killed a process is not brought to a second worker while one ends what it runs for it."""
    request = await asked(store, "a")
    async with store.writing() as db:
        assert await claim(db, "me", idle=True)
        await died(db)
    await feed(store)
    await _do(store, "insert into procrastinate_workers default values")
    held = "update procrastinate_jobs set status = 'doing', worker_id = (select id from procrastinate_workers)"
    await _do(store, held)
    await feed(store)
    assert [] == await _all(store, TODO)
    await _do(store, "update procrastinate_workers set last_heartbeat = now() - interval '2 minutes'")
    await feed(store)
    assert [request] == await _all(store, TODO)


async def test_what_must_run_alone_waits_for_newer_data(store: Store, registry: StandInRegistry) -> None:
    """A re-scan that killed a process is brought again and again, and not claimed by a worker with older data."""
    await push_images(store, registry, 1)
    await _do(store, "update requests set alone = true, priority = 0, reason = 'rescan'")
    async with running(store, configuration(registry.host)) as runner:
        runner.takes_rescans = False
        newest = "select coalesce(max(id), 0) from portus_jobs.procrastinate_jobs"
        while await _all(store, newest) < [3]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert {"queued": 1} == await states(store)
        runner.takes_rescans = True
        await until(store, lambda are: are["done"] == 1)


async def test_a_job_that_comes_twice_is_one_scan(store: Store, registry: StandInRegistry, gate: Gate) -> None:
    """Jobs for a request that runs or has ended do nothing, and are gone."""
    images = await push_images(store, registry, 1)
    again = (
        "insert into procrastinate_jobs (queue_name, task_name, args) "
        "select 'portus-now', 'scan', jsonb_build_object('request_id', id) from requests, generate_series(1, 5)"
    )
    await feed(store)
    await _do(store, again)
    async with running(store, configuration(registry.host)):
        await gate.reached.wait()
        await _do(store, again)
        gate.open.set()
        await until(store, lambda are: are["done"] == 1)
        await _do(store, again)
        while await _all(store, "select id from portus_jobs.procrastinate_jobs"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await check_each_has_one_run(store, images)
    assert [1] == await _all(store, select(tables.requests.c.attempt))


async def test_a_job_says_nothing_but_an_id(store: Store, registry: StandInRegistry, gate: Gate) -> None:
    """While an image is scanned that needs credentials, no column of procrastinate's has them, or where it is."""
    images = await push_images(store, registry, 2)
    async with store.reading() as db:
        digests = set((await db.execute(select(tables.images.c.digest))).scalars())
    settings = configuration(registry.host)
    async with running(store, settings):
        await gate.reached.wait()
        names = await _all(store, "select tablename from pg_tables where schemaname = 'portus_jobs'")
        assert {"procrastinate_jobs", "procrastinate_events", "procrastinate_workers"} <= set(names)
        dump = [row for name in names for row in await _all(store, f"select t::text from portus_jobs.{name} t")]  # noqa: S608
        assert any("request_id" in row for row in dump)
        for secret in (*digests, "team/app", registry.host, "portus-tests"):
            assert not [row for row in dump if secret in row]
        gate.open.set()
        await until(store, lambda are: are["done"] == len(images))


async def test_a_lost_connection_is_made_again(
    store: Store, registry: StandInRegistry, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    """Where only the connections are cut that jobs come by, what runs goes on, and what is asked for later is begun."""
    async with running(store, configuration(registry.host)):
        images = await push_images(store, registry, 1)
        await gate.reached.wait()
        cut = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and query ~* '{}'"
        await _do(store, cut.format("procrastinate|listen"))
        await _do(store, "delete from procrastinate_workers")
        images += (await push_images(store, registry, 3))[1:]
        await until(store, lambda are: are["running"] == len(images))
        gate.open.set()
        await until(store, lambda are: are["done"] == len(images))
    assert [1] * 3 == await _all(store, select(tables.requests.c.attempt))
    assert "portus-tests" not in caplog.text


async def test_chores_come_by_jobs_to_who_has_the_newest_data(
    store: Store, registry: StandInRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chore is done again and again by one that may, also after its clock was set back by a day; not by an older."""
    done: dict[str, int] = {"newest": 0, "older": 0}
    offset = 0.0
    clock = SimpleNamespace(time=lambda: asyncio.get_running_loop().time() + 1e9 + offset)
    monkeypatch.setattr("portus_scan_server.fleet.jobs.time", clock)
    monkeypatch.setattr("procrastinate.periodic.time", clock)
    settings = configuration(registry.host)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Registry(settings.registries))
        engine = await stack.enter_async_context(Engine(settings, registry=client))
        tasks = []
        for name in done:

            async def chore(name: str = name) -> None:
                done[name] += 1

            shared = SharedChore("plan", chore, 1, needs_newest=True)
            runner = Runner(
                store, engine, client, RULES, owner=name, made_with=lambda: {"dummy": WITH}, chores=[shared]
            )
            runner.takes_rescans = name == "newest"
            tasks.append(asyncio.create_task(runner.run()))
        while done["newest"] < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        offset = -86_400.0
        before = done["newest"]
        while done["newest"] < before + 3:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert 0 == done["older"]
    assert {} == await states(store)
