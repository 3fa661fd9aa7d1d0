"""The table of work."""

from __future__ import annotations

import asyncio

from portus_scan_server.requests import (
    ClaimedRequest,
    Reason,
    ask,
    ask_again,
    claim,
    died,
    finish,
    give_back,
    note_source,
    put_off,
)
from portus_scan_server.store import Store, database_now, put_image, put_in_repository, put_repository, tables
from sqlalchemy import select, update


async def asked(store: Store, name: str, reason: Reason = Reason.RESCAN, **more: object) -> int:
    """Ask for an image with this name in its digest and return the request."""
    async with store.writing() as db:
        image_id = await put_image(db, f"sha256:{name}")
        return await ask(db, image_id, reason, **more)  # type: ignore[arg-type]


async def taken(store: Store, owner: str = "me", *, idle: bool = True) -> ClaimedRequest | None:
    """ClaimedRequest a request."""
    async with store.writing() as db:
        return await claim(db, owner, idle=idle)


async def state(store: Store, request_id: int) -> tuple[object, ...]:
    """Return state, attempts, deaths, and whether it is to run alone."""
    columns = tables.requests.c
    async with store.reading() as db:
        query = select(columns.state, columns.attempt, columns.deaths, columns.alone).where(columns.id == request_id)
        return tuple((await db.execute(query)).one())


async def test_the_most_urgent_goes_first_and_nobody_waits_twice(store: Store) -> None:
    """Claims come by priority, then by age; who asks for what is open joins it, and makes it more urgent."""
    first, second = await asked(store, "a"), await asked(store, "b")
    person = await asked(store, "c", Reason.PERSON)
    push = await asked(store, "b", Reason.PUSH, by="alice")
    later = await asked(store, "d", Reason.PUSH, delay=3600)
    some = await asked(store, "a", scanners=["y", "x", "y"])
    assert push == second
    assert len({first, second, person, later, some}) == 5
    claims = [one for _ in range(5) if (one := await taken(store, idle=False))]
    assert [second, person, first, some] == [one.request_id for one in claims]
    assert [("sha256:b", Reason.PUSH, 1, ()), ("sha256:a", Reason.RESCAN, 1, ("x", "y"))] == [
        (one.digest, one.reason, one.attempt, one.scanners) for one in (claims[0], claims[3])
    ]


async def test_a_late_end_of_an_old_owner_changes_nothing(store: Store) -> None:
    """Once a request was taken back, its old owner can neither end nor return it, and what is new is not touched."""
    request_id = await asked(store, "a")
    old = await taken(store, "old")
    assert old is not None
    async with store.writing() as db:
        assert 0 == await died(db, ["somebody else"])
        assert 1 == await died(db, ["old"])
    new = await taken(store, "new")
    assert new is not None
    async with store.writing() as db:
        for late in (finish, give_back):
            assert not await late(db, old)
        assert not await put_off(db, old, "resolve", "why")
    assert ("running", 2, 0, True) == await state(store, request_id)
    async with store.writing() as db:
        assert await finish(db, new)
        assert not await finish(db, new)
    assert "done" == (await state(store, request_id))[0]
    assert request_id != await asked(store, "a")


async def test_three_deaths_alone_make_it_dead(store: Store) -> None:
    """The first death makes it run alone, uncounted; three while alone make it dead; a person can ask again."""
    request_id = await asked(store, "a")
    seen = []
    for _ in range(4):
        assert await taken(store)
        async with store.writing() as db:
            await died(db)
        seen.append(await state(store, request_id))
    assert [("queued", 1, 0, True), ("queued", 2, 1, True), ("queued", 3, 2, True), ("dead", 4, 3, True)] == seen
    assert request_id == await asked(store, "a", Reason.PUSH)
    assert await taken(store) is None
    assert request_id == await asked(store, "a", Reason.PERSON)
    assert ("queued", 4, 0, True) == await state(store, request_id)
    async with store.writing() as db:
        assert not await ask_again(db, request_id)


async def test_what_runs_alone_waits_until_nothing_else_runs(store: Store) -> None:
    """A request that has to run alone is for an idle owner; SIGTERM makes none so, and counts nothing."""
    request_id = await asked(store, "a", Reason.PUSH)
    given = await taken(store)
    assert given is not None
    async with store.writing() as db:
        assert await give_back(db, given)
    assert ("queued", 1, 0, False) == await state(store, request_id)
    assert await taken(store, idle=False)
    async with store.writing() as db:
        await died(db)
    await asked(store, "b")
    assert await taken(store, idle=False) is None
    alone = await taken(store, idle=True)
    assert alone is not None
    assert (request_id, True) == (alone.request_id, alone.alone)


async def test_an_image_is_looked_for_where_it_is_known_to_be(store: Store) -> None:
    """The repository of the request is first, then others that have the digest; a failure puts it off, ever longer."""
    async with store.writing() as db:
        image_id = await put_image(db, "sha256:a")
        ids = [await put_repository(db, "r.example:5000", name) for name in ("team/app", "team/other", "else")]
        for repository_id in ids[:2]:
            await put_in_repository(db, image_id, repository_id)
        await ask(db, image_id, Reason.PUSH, source=(ids[1], "1.0"))
    found = await taken(store)
    assert found is not None
    assert [("r.example:5000", "team/other", "1.0"), ("r.example:5000", "team/app", "")] == [
        (one.host, one.repository, one.tag) for one in found.sources
    ]
    waits = []
    for _ in range(5):
        async with store.writing() as db:
            await note_source(db, found, found.sources[1], "401")
            assert await put_off(db, found, "auth", "no\nway")
            row = (await db.execute(select(tables.requests, database_now().label("now")))).one()
            waits.append(round((row.due_at - row.now).total_seconds() / 60))
            await db.execute(update(tables.requests).values(due_at=row.claimed_at))
        found = await taken(store)
        assert found is not None
    assert [15, 60, 360, 1440, 1440] == waits


async def test_many_claim_at_once(store: Store) -> None:
    """Twelve claimers get each of forty requests once."""
    wanted = [await asked(store, f"{number}") for number in range(40)]

    async def work(owner: str) -> list[int]:
        return [one.request_id for _ in range(20) if (one := await taken(store, owner, idle=False))]

    found = await asyncio.gather(*(work(f"{number}") for number in range(12)))
    assert wanted == sorted(one for some in found for one in some)
