"""What a fleet goes through: a killed server, a crashed database, an image that kills, clocks that jump."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from portus_images import Registry, RegistrySettings
from portus_scan_server.fleet import sweep
from portus_scan_server.fleet.slots import slot_key
from portus_scan_server.intake import Intake
from portus_scan_server.requests import Reason, ask
from portus_scan_server.settings import Registries, ServerSettings, WatchedRegistry
from portus_scan_server.store import Store, tables, upgrade
from portus_scanners import BackendLimit, Settings
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import debian_image
from sqlalchemy import func, select, text
from standins.postgresql import PostgreSql

from ..processes import kill, serving
from ..test_requests import asked, taken
from ..test_runner import configuration, running
from .workers import DEADLY, check_each_has_one_run, configure, push_images, states, until, working

pytestmark = pytest.mark.timeout(180)
HUNG = "[{delay: 170}]"


async def test_what_a_killed_service_ran_is_run_by_a_worker(
    store: Store, database: str, tmp_path: Path, registry: StandInRegistry
) -> None:
    """A service is killed with its runner and all that it runs: a worker ends each once, and a new service answers."""
    slow, quick = (tmp_path / name for name in ("slow", "quick"))
    slow.mkdir()
    quick.mkdir()
    images = await push_images(store, registry, 6)
    async with serving(slow, database, configure(slow, registry, f"script: {HUNG}")) as service:
        await until(store, lambda are: are["running"] == 4)
        assert service.runner is not None
        kill(service.runner)
        kill(service.process.pid)
    config = configure(quick, registry, "concurrency: 4")
    async with working(quick, database, config, quick=True):
        await until(store, lambda are: are["done"] == 6)
    await check_each_has_one_run(store, images)
    async with serving(slow, database, config, more=("--concurrency", "0")) as service:
        assert 200 == (await service.get("/healthz"))[0]


async def test_an_image_that_kills_takes_no_innocent_with_it(
    store: Store, database: str, tmp_path: Path, registry: StandInRegistry
) -> None:
    """Of ten images one kills each process that scans it: three deaths alone and it is dead, the others are scanned."""
    images = await push_images(store, registry, 10)
    config = configure(tmp_path, registry, "script: [{image: '*app:3@*', behaviour: exit, delay: 0.2}]")
    deaths = 0
    while (await states(store)).keys() != {"done", "dead"}:
        async with working(tmp_path, database, config, quick=True, more=DEADLY) as worker:
            ending = asyncio.create_task(worker.wait())
            watching = asyncio.create_task(until(store, lambda are: are.keys() == {"done", "dead"}))
            await asyncio.wait({ending, watching}, return_when=asyncio.FIRST_COMPLETED)
            deaths += ending.done() and ending.result() == -signal.SIGKILL
            watching.cancel()
            await asyncio.wait({watching})
    assert {"done": 9, "dead": 1} == await states(store)
    await check_each_has_one_run(store, [one for one in images if one != images[3]])
    rows = tables.requests.c
    async with store.reading() as db:
        assert 0 == await db.scalar(select(func.sum(rows.deaths)).where(rows.image_id != images[3]))
        assert 3 == await db.scalar(select(rows.deaths).where(rows.image_id == images[3]))
    assert 3 <= deaths <= 4  # the first may have been alone already


async def test_three_workers_live_through_a_crash_of_their_database(
    own_postgresql: PostgreSql, tmp_path: Path, registry: StandInRegistry
) -> None:
    """Three workers share three slots; after a crash each claims again what it ran, and nobody has died."""
    address = own_postgresql.make_database()
    upgrade(address)
    config = configure(tmp_path, registry, f"concurrency: 3, script: {HUNG}")
    limit = BackendLimit(plugin="dummy", server="any", concurrency=3)
    keys = {slot_key(limit, number) for number in range(3)}
    rows = tables.requests.c
    async with AsyncExitStack() as stack:
        async with Store.open(address) as store:
            await push_images(store, registry, 24)  # twice as many as there are places: what waits for a slot has none
            workers = [await stack.enter_async_context(working(tmp_path, address, config)) for _ in range(3)]
            await until(store, lambda are: are["running"] == 24)
            await _until_taken(store, keys)
            async with store.reading() as db:
                owners = set((await db.execute(select(rows.owner).distinct())).scalars())
            assert 3 == len(owners)
        await asyncio.to_thread(own_postgresql.stop)
        await asyncio.to_thread(own_postgresql.start)
        async with Store.open(address) as store:
            await _until_scalar(store, select(func.count()).where(rows.state == "running", rows.attempt >= 2), 24)
            await _until_taken(store, keys)
            assert 0 == await _scalar(store, select(func.sum(rows.deaths)))
            assert [None] * 3 == [worker.returncode for worker in workers]
            async with store.reading() as db:
                assert owners == set((await db.execute(select(rows.owner).distinct())).scalars())


async def _until_taken(store: Store, keys: set[int]) -> None:
    """Wait until each of these locks is held, which no more than one session does."""
    query = text(
        "select (classid::bigint << 32) | objid::bigint from pg_locks where locktype = 'advisory' and granted and "
        "objsubid = 1 and database = (select oid from pg_database where datname = current_database())"
    )
    while True:
        async with store.reading() as db:
            held = [one for one in (await db.execute(query)).scalars() if one in keys]
        assert len(held) == len(set(held))
        if keys == set(held):
            return
        await asyncio.sleep(0.05)


async def _sweep(store: Store) -> int:
    async with store.writing() as db:
        return await sweep(db, young=0)


async def _until_scalar(store: Store, query: object, expected: int) -> None:
    """Wait until a query has this answer."""
    while await _scalar(store, query) != expected:  # noqa: ASYNC110 (nobody tells it)
        await asyncio.sleep(0.05)


async def _scalar(store: Store, query: object) -> int:
    async with store.reading() as db:
        return int(await db.scalar(query) or 0)  # type: ignore[call-overload]


async def test_two_services_asked_for_one_digest_ask_once(
    store: Store, database: str, registry: StandInRegistry
) -> None:
    """Two services that are asked for one image by several people at once have one request for it."""
    digest = registry.push("team/app", "1.0", debian_image({"bash": "1"}))
    section = RegistrySettings(insecure=True, name="main")
    watched = WatchedRegistry(host=registry.host, name="main", pull=registry.host)
    settings = ServerSettings(scanning=Settings(registries={registry.host: section}), registries=Registries([watched]))
    async with Registry(settings.scanning.registries) as client, Store.open(database) as other:
        intakes = [Intake(one, settings, lambda: None, client) for one in (store, other)] * 4
        place = intakes[0].find(f"{registry.host}/team/app:1.0")
        told = await asyncio.gather(*(one.ask_for(place, by=f"{n}") for n, one in enumerate(intakes)))
    assert {digest} == {one.digest for one in told}
    assert {"queued": 1} == await states(store)


async def test_a_push_goes_before_a_hundred_thousand(store: Store, registry: StandInRegistry) -> None:
    """While 100,000 re-scans wait and those that run go on for ever, a push has the place that is kept for it."""
    images = await push_images(store, registry, 4)
    rows = tables.requests.c
    async with store.writing() as db:
        await db.execute(tables.requests.update().values(reason="rescan", priority=0))
        await db.execute(tables.requests.update().where(rows.image_id == images[3]).values(state="done"))
        made = "insert into images (digest) select 'sha256:' || n from generate_series(1, 100000) n"
        await db.execute(text(made))
        waiting = (
            "insert into requests (image_id, reason, priority) select id, 'rescan', 0 from images where id > :last"
        )
        await db.execute(text(waiting), {"last": images[3]})
    settings = configuration(registry.reference("x", "y").partition("/")[0], [{"delay": 170}])
    async with running(store, settings) as runner:
        await until(store, lambda are: are["running"] == 3)
        async with store.writing() as db:
            await ask(db, images[3], Reason.PUSH)
        runner.wake()
        await until(store, lambda are: are["running"] == 4)
        query = select(rows.image_id).where(rows.state == "running").order_by(rows.image_id)
        async with store.reading() as db:
            assert images == list((await db.execute(query)).scalars())
        assert {"queued": 100_000, "running": 4, "done": 1} == await states(store)
        runner.stop()
        runner.pause()


async def test_clocks_that_jump(store: Store, database: str, tmp_path: Path, registry: StandInRegistry) -> None:
    """A day to and fro on the database's clock: who lives keeps what it runs; what waits is due by that clock."""
    async with store.writing() as db:
        name = await db.scalar(text("select current_database()"))
        await db.execute(text("create schema clock create table jump (days int not null)"))
        await db.execute(text("insert into clock.jump values (0)"))
        jumped = "select pg_catalog.now() + (select days from clock.jump) * interval '1 day'"
        await db.execute(text(f"create function clock.now() returns timestamptz stable language sql as $${jumped}$$"))
        await db.execute(text(f"alter database {name} set search_path = clock, public, pg_catalog"))
    await push_images(store, registry, 2)
    config = configure(tmp_path, registry, f"script: {HUNG}")
    async with (
        Store.open(database) as jumping,
        working(tmp_path, database, config, concurrency=2, quick=True),  # what is asked for later is left to this test
    ):
        await until(jumping, lambda are: are["running"] == 2)
        for days in (1, -1):
            async with jumping.writing() as db:
                await db.execute(text("update clock.jump set days = :days"), {"days": days})
            assert 0 == await _sweep(jumping)
            assert {"running": 2} == await states(jumping)
        waiting = await asked(jumping, "later")
        async with jumping.writing() as db:
            await db.execute(text("update clock.jump set days = -2"))
        assert await taken(jumping, "other") is None
        assert waiting == await asked(jumping, "later", Reason.PERSON)
        assert await taken(jumping, "other") is not None
    rows = tables.requests.c
    assert 1 == await _scalar(store, select(func.max(rows.attempt)))
