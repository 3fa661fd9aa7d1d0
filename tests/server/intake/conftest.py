"""A registry that is watched, a database, and what turns one's words into the other's rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from attrs import frozen
from portus_images import Registry, RegistrySettings, Secret
from portus_scan_server.intake import Intake, PushHint
from portus_scan_server.settings import Registries, ScheduleSettings, ServerSettings, WatchedRegistry
from portus_scan_server.store import Store, tables
from portus_scanners import Settings
from portus_scanners_testing import StandInRegistry
from sqlalchemy import select

TOKEN = "a-token-of-the-registry"


@frozen
class Watching:
    """An intake whose chores the tests do themselves."""

    store: Store
    registry: StandInRegistry
    client: Registry
    settings: ServerSettings
    intake: Intake
    woken: list[int]

    @property
    def watched(self) -> WatchedRegistry:
        """The registry."""
        found: WatchedRegistry = self.settings.registries[0]
        return found

    async def tell(self, *hints: PushHint) -> None:
        """Put hints into the inbox and work it off."""
        await self.intake.store_hints(self.watched, hints)
        await self.intake.work_off(self.watched)

    async def tags(self) -> dict[str, str]:
        """Return the digests of the tags that are there, by ``team/app:1.0``."""
        joined = tables.tags.join(tables.images, tables.images.c.id == tables.tags.c.image_id)
        joined = joined.join(tables.repositories, tables.repositories.c.id == tables.tags.c.repository_id)
        columns = tables.repositories.c.name, tables.tags.c.name.label("tag"), tables.images.c.digest
        async with self.store.reading() as db:
            query = select(*columns).select_from(joined).where(tables.tags.c.gone_at.is_(None))
            return {f"{row.name}:{row.tag}": row.digest for row in await db.execute(query)}

    async def requests(self) -> dict[str, tuple[str, int, str]]:
        """Return reason, priority and asker of the open requests, by the image's digest."""
        asked = tables.requests
        columns = tables.images.c.digest, asked.c.reason, asked.c.priority, asked.c.asked_by
        joined = asked.join(tables.images, tables.images.c.id == asked.c.image_id)
        async with self.store.reading() as db:
            rows: Sequence[Any] = (await db.execute(select(*columns).select_from(joined))).all()
        return {row.digest: (row.reason, row.priority, row.asked_by) for row in rows}

    async def registry_row(self) -> Any:
        """Return what is stored of the registry."""
        async with self.store.reading() as db:
            return (await db.execute(select(tables.registries))).one()


@pytest.fixture
async def watching(store: Store, registry: StandInRegistry) -> AsyncIterator[Watching]:
    """The intake of a registry with the name ``main`` and the alias ``old.example``."""
    section = RegistrySettings(insecure=True, name="main", aliases=("old.example",))
    watched = WatchedRegistry(
        host=registry.host, name="main", pull="pull.example", aliases=section.aliases, token=Secret(TOKEN)
    )
    settings = ServerSettings(
        scanning=Settings(registries={registry.host: section}),
        registries=Registries([watched]),
        schedule=ScheduleSettings(),
    )
    woken: list[int] = []
    async with Registry(settings.scanning.registries) as client:
        intake = Intake(store, settings, lambda: woken.append(1), client)
        yield Watching(store, registry, client, settings, intake, woken)
