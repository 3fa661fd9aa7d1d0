"""Chores that all processes have and one does at a time; two services that look at one place."""

from __future__ import annotations

import asyncio

import pytest
from portus_images import Registry, RegistrySettings
from portus_scan_server.fleet import Turns
from portus_scan_server.intake import Intake
from portus_scan_server.settings import Registries, ServerSettings, WatchedRegistry
from portus_scan_server.store import Store, StoreUnavailableError, tables
from portus_scanners import Settings
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import debian_image
from sqlalchemy import select, text


async def test_one_process_at_a_time(store: Store) -> None:
    """While one is at a chore, the same of another is left out, and another one is not; afterwards it is done."""
    done: list[str] = []
    begun, end = asyncio.Event(), asyncio.Event()

    async def long() -> None:
        begun.set()
        await end.wait()
        done.append("long")

    async def short() -> None:
        done.append("short")

    async with Turns.open(store) as one, Turns.open(store) as other:
        running = asyncio.create_task(one.take("sync", long)())
        await begun.wait()
        await other.take("sync", short)()
        assert [] == done
        await other.take("plan", short)()
        assert ["short"] == done
        end.set()
        await running
        await other.take("sync", short)()
    assert ["short", "long", "short"] == done


@pytest.mark.usefixtures("quick")
async def test_a_connection_that_is_lost_is_made_again(store: Store) -> None:
    """Without its connection a process leaves its chores out; with a new one it does them."""
    done = asyncio.Event()

    async def chore() -> None:
        done.set()

    async with Turns.open(store) as turns:
        async with store.session() as db:
            others = "select pg_terminate_backend(pid) from pg_stat_activity where query = 'select 1' and pid <> "
            await db.execute(text(f"{others} pg_backend_pid() and datname = current_database()"))
        while not done.is_set():
            try:
                await turns.take("sync", chore)()
            except StoreUnavailableError:
                await asyncio.sleep(0.01)


async def test_of_two_services_the_older_look_never_writes_over_the_newer(
    store: Store, registry: StandInRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service whose HEAD was answered before a push, and that would note it after the push was noted, looks again."""
    old = registry.push("team/app", "1.0", debian_image({"bash": "1"}))
    section = RegistrySettings(insecure=True, name="main")
    watched = WatchedRegistry(host=registry.host, name="main", pull=registry.host)
    settings = ServerSettings(scanning=Settings(registries={registry.host: section}), registries=Registries([watched]))
    async with Registry(settings.scanning.registries) as client:
        one, other = (Intake(store, settings, lambda: None, client) for _ in range(2))
        place = one.find(f"{registry.host}/team/app:1.0")
        await one.ask_for(place, by="me")
        locate, answered, go_on = client.locate, asyncio.Event(), asyncio.Event()
        looks: list[str] = []

        async def slow(reference: object) -> str:
            looks.append(found := await locate(reference))  # type: ignore[arg-type]
            if len(looks) == 1:
                answered.set()
                await go_on.wait()
            return found

        monkeypatch.setattr(client, "locate", slow)
        late = asyncio.create_task(one.ask_for(place, by="me"))
        await answered.wait()
        new = registry.push("team/app", "1.0", debian_image({"bash": "2"}))
        await other.ask_for(place, by="you")
        go_on.set()
        assert new == (await late).digest
    assert [old, new, new] == looks
    tags, images = tables.tags, tables.images
    async with store.reading() as db:
        query = select(images.c.digest).join(tags, tags.c.image_id == images.c.id)
        assert [new] == list((await db.execute(query)).scalars())
