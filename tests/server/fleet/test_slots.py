"""Slots of backends over several connections, which stand for processes; places of requests that wait for one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from portus_scan_server.fleet import FleetSlots, PlacedSlots, WorkerLife, alive
from portus_scan_server.fleet.slots import slot_key
from portus_scan_server.requests import Reason, ask
from portus_scan_server.store import Store, tables
from portus_scanners import BackendLimit
from portus_scanners.engine import LocalSlots
from portus_scanners_testing import StandInRegistry
from sqlalchemy import select, text

from ..test_runner import configuration, running
from .test_life import END_THE_LOCKS
from .workers import push_images

LIMIT = BackendLimit(plugin="clair", server="http://clair:6060", concurrency=3)
HELD = text(
    "select count(*) from pg_locks where locktype = 'advisory' and objsubid = 1 "
    "and database = (select oid from pg_database where datname = current_database())"
)


@asynccontextmanager
async def process(store: Store, owner: str) -> AsyncIterator[tuple[WorkerLife, FleetSlots]]:
    """Stand for a process with slots."""
    async with alive(store, owner) as life, FleetSlots.open(life) as slots:
        yield life, slots


class Taker:
    """Takes a slot and says when it has it."""

    def __init__(self, slots: FleetSlots) -> None:
        self._slots = slots
        self.has = asyncio.Event()
        assert not slots.acquire(LIMIT, self, self.has.set)

    def leave(self) -> None:
        """Give the slot back."""
        self._slots.release(LIMIT, self)


async def test_three_processes_have_three_slots_together(store: Store) -> None:
    """However many want one, three have a slot, one connection's too; what is given back goes to another process."""
    async with AsyncExitStack() as stack:
        processes = [(await stack.enter_async_context(process(store, f"{n}")))[1] for n in range(3)]
        takers = [Taker(slots) for slots in processes for _ in range(4)]
        for number in range(len(takers)):
            while len(have := [one for one in takers if one.has.is_set()]) < min(3, len(takers)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert len(have) == min(3, 12 - number)
            async with store.reading() as db:
                while (held := await db.scalar(HELD)) != len(have):  # one that nobody waits for goes a little later
                    assert held <= 3
            have[0].leave()
            takers.remove(have[0])


@pytest.mark.usefixtures("quick")
async def test_slots_go_with_the_connection(store: Store) -> None:
    """A process that loses its connection has no slots: others get them at once, and giving them back is harmless."""
    async with process(store, "a") as (_, one), process(store, "b") as (_, other):
        taken = [Taker(one) for _ in range(3)]
        await asyncio.gather(*(taker.has.wait() for taker in taken))
        waiting = Taker(other)
        async with store.writing() as db:
            await db.execute(END_THE_LOCKS)
        await waiting.has.wait()
        again = [Taker(one) for _ in range(2)]
        await asyncio.gather(*(taker.has.wait() for taker in again))
        for taker in (*taken, waiting, *again):
            taker.leave()
        last = Taker(one)
        await last.has.wait()


def test_names_become_signed_numbers() -> None:
    """Each number of each backend has a key of its own, which PostgreSQL's bigint can hold."""
    other = BackendLimit(plugin="clair", server="http://clair:6061", concurrency=3)
    keys = {slot_key(limit, number) for limit in (LIMIT, other) for number in range(500)}
    assert 1000 == len(keys)
    assert min(keys) < 0 < max(keys)
    assert all(-(2**63) <= key < 2**63 for key in keys)


async def until_running(store: Store, number: int) -> list[int]:
    """Wait until exactly that many requests run, and return their images."""
    rows = tables.requests.c
    query = select(rows.image_id).where(rows.state == "running").order_by(rows.image_id)
    while True:
        async with store.reading() as db:
            if len(found := (await db.execute(query)).scalars().all()) == number:
                return list(found)
        await asyncio.sleep(0.02)


async def test_the_last_place_is_for_urgent_requests(store: Store, registry: StandInRegistry) -> None:
    """Of four places three are taken by what a sync has found; a push has the last one while these go on for ever."""
    images = await push_images(store, registry, 5)
    rows = tables.requests.c
    async with store.writing() as db:
        await db.execute(tables.requests.update().where(rows.image_id != images[4]).values(priority=5))
        await db.execute(tables.requests.update().where(rows.image_id == images[4]).values(state="done"))
    settings = configuration(registry.reference("x", "y").partition("/")[0], [{"behaviour": "hang"}])
    async with running(store, settings) as runner:
        assert images[:3] == await until_running(store, 3)
        async with store.writing() as db:
            await ask(db, images[4], Reason.PUSH)
        runner.wake()
        assert [*images[:3], images[4]] == await until_running(store, 4)
        runner.stop()
        runner.pause()


async def test_what_waits_for_a_slot_has_no_place(store: Store, registry: StandInRegistry) -> None:
    """With a backend that takes one image at once, twice as many requests are claimed as there are places, no more."""
    images = await push_images(store, registry, 9)
    settings = configuration(registry.reference("x", "y").partition("/")[0], [{"behaviour": "hang"}], concurrency=1)
    async with running(store, settings, slots=PlacedSlots(LocalSlots())) as runner:
        assert images[:8] == await until_running(store, 8)
        runner.stop()
        runner.pause()


async def test_who_gets_a_slot_at_once_has_never_waited(store: Store, registry: StandInRegistry) -> None:
    """A question to the database is no wait: with slots for all no more requests run than there are places."""
    await push_images(store, registry, 9)
    settings = configuration(registry.reference("x", "y").partition("/")[0], [{"delay": 50}], concurrency=9)
    async with (
        process(store, "me") as (_, slots),
        running(store, settings, slots=PlacedSlots(slots)) as runner,
    ):
        async with store.reading() as db:
            while await db.scalar(HELD) < 4:  # noqa: ASYNC110 (nobody tells it)
                await asyncio.sleep(0.01)
        await until_running(store, 4)
        runner.stop()
        runner.pause()
