"""Who lives: the lock, its loss, the sweep."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from portus_images import SettingsError
from portus_scan_server.fleet import alive, check_sessions, sweep
from portus_scan_server.store import Store, StoreUnavailableError, database_now, tables
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import debian_image
from sqlalchemy import select, text, update
from standins.pgbouncer import pooled
from standins.postgresql import PostgreSql

from ..test_requests import asked, state, taken
from ..test_runner import configuration, pushed, running

_LOCKS = """from pg_locks where locktype = 'advisory' and objsubid = 2 and granted
    and database = (select oid from pg_database where datname = current_database())"""
END_THE_LOCKS = text(f"select pg_terminate_backend(pid) {_LOCKS}")
"""Ends the connections whose locks say who lives: those of this database, for others' may be about to go."""
HOLDERS = text(f"select pid {_LOCKS}")
"""Those connections."""


async def test_an_owner_lives_as_long_as_its_lock(store: Store) -> None:
    """What a living owner runs is left to it; when its lock is gone it is taken back, but not from a young server."""
    request_id = await asked(store, "a")
    async with alive(store, "me") as life:
        assert await taken(store, "me")
        async with store.writing() as db:
            assert 0 == await sweep(db, young=0)
        for name, seconds in (("idle", "10"), ("interval", "5"), ("count", "3")):
            assert seconds == (await life.execute(f"show tcp_keepalives_{name}")).scalar_one()
    async with store.writing() as db:
        assert 0 == await sweep(db, young=1_000_000)
        assert 1 == await sweep(db, young=0)
    assert ("queued", 1, 0, True) == await state(store, request_id)


@pytest.mark.usefixtures("quick")
async def test_a_lock_that_is_lost_is_said_and_taken_again(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """When the server ends the connection that holds it, the log says so, and the owner lives on."""
    request_id = await asked(store, "a")
    async with alive(store, "me"):
        assert await taken(store, "me")
        async with store.writing() as db:
            before = list((await db.execute(HOLDERS)).scalars())
            assert [True] == list((await db.execute(END_THE_LOCKS)).scalars())
        async with store.reading() as db:
            while await db.scalar(HOLDERS) in {None, *before}:  # noqa: ASYNC110 (who was ended has it a little longer)
                await asyncio.sleep(0.01)
        assert "is lost, and taken again" in caplog.text
        async with store.writing() as db:
            assert 0 == await sweep(db, young=0)
            await db.execute(update(tables.workers).values(began_at=database_now(-90_000)))
            assert 0 == await sweep(db, young=0)
            assert 1 == await db.scalar(text("select count(*) from workers"))
            await db.execute(text("insert into workers values ('gone', 1, now() - interval '2 days')"))
            assert 0 == await sweep(db, young=0)
            assert ["me"] == list((await db.execute(text("select owner from workers"))).scalars())
    assert ("running", 1, 0, False) == await state(store, request_id)


@pytest.mark.usefixtures("quick")
async def test_who_was_forgotten_is_known_again_with_its_lock(store: Store) -> None:
    """A worker that was forgotten while it had lost its lock is there again, and keeps its work."""
    async with alive(store, "me"):
        async with store.writing() as db:
            await db.execute(text("delete from workers"))  # first: it must not be there again before
            await db.execute(END_THE_LOCKS)
        await _until(store, text("select 1 from workers"))
        await asked(store, "a")
        assert await taken(store, "me")
        async with store.writing() as db:
            assert 0 == await sweep(db, young=0)


@pytest.mark.usefixtures("quick")
async def test_what_runs_when_the_lock_is_lost_is_cancelled_and_run_again(
    store: Store, registry: StandInRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """A scan that would never end is ended with the lock, and its request claimed anew once the lock is held again."""
    digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    await pushed(store, registry, "team/app:1.0", digest)
    settings = configuration(registry.reference("x", "y").partition("/")[0], [{"behaviour": "hang"}])
    columns = tables.requests.c
    async with alive(store, "me") as life, running(store, settings) as runner:
        life.follow(runner)
        for attempt in (1, 2):
            await _until(store, select(columns.id).where(columns.state == "running", columns.attempt == attempt))
            if attempt == 1:
                async with store.writing() as db:
                    await db.execute(END_THE_LOCKS)
        assert "1 requests that ran, as far as anybody knows, are queued again" in caplog.text
        assert 0 == runner.ended
        runner.pause()
        runner.stop()
    assert [("queued", 2)] == await _states(store)


async def _until(store: Store, query: object) -> None:
    while True:
        with suppress(StoreUnavailableError):  # it has just ended connections
            async with store.reading() as db:
                if (await db.execute(query)).first():  # type: ignore[call-overload]
                    return
        await asyncio.sleep(0.02)


async def _states(store: Store) -> list[tuple[str, int]]:
    async with store.reading() as db:
        rows = await db.execute(select(tables.requests.c.state, tables.requests.c.attempt))
        return [(row.state, row.attempt) for row in rows]


async def test_a_pooler_has_to_keep_sessions(postgresql: PostgreSql) -> None:
    """PgBouncer in transaction mode is found out and refused; in session mode, and without one, all is well."""
    address = postgresql.make_database()
    async with Store.open(address) as direct:
        await check_sessions(direct)
    with pooled(postgresql, address, "session") as there:
        async with Store.open(there) as store:
            await check_sessions(store)
    with pooled(postgresql, address, "transaction") as there:
        async with Store.open(there) as store:
            with pytest.raises(SettingsError, match="pool_mode = session"):
                await check_sessions(store)
