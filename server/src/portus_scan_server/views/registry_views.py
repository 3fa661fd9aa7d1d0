"""The registries: when each was looked at last, what could not be read there, and whether tags are held back.

What a sync could not read may name repositories of others, and so may the number of tags that it holds back: only an
admin is told. Everybody else is told that a list is not whole.
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen
from sqlalchemy import case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..access import Viewer, visible
from ..store import tables
from .paging import from_row

registries, repositories = tables.registries, tables.repositories
_NOT_WHOLE = "the last sync could not read everything: tags may be missing here, or be there no longer"


@frozen(kw_only=True)
class RegistryRow:
    """A registry in which the viewer may see a repository.

    Attributes:
        host: The configured registry.
        last_event_at: When it told of a push last; None for never.
        last_sync_at: When a sync was whole last; None for never.
        error: What the last sync could not read; empty where it was whole.
        held: How many tags are no longer there, and stay until an admin confirms that they may go.
        confirmed: How many of these may go, with the next sync.
    """

    host: str
    last_event_at: datetime | None
    last_sync_at: datetime | None
    error: str
    held: int
    confirmed: int

    @property
    def is_well(self) -> bool:
        """Whether nobody has to look."""
        return not self.error and self.held <= self.confirmed


async def list_registries(db: AsyncConnection, viewer: Viewer) -> list[RegistryRow]:
    """Return the registries with a repository that the viewer may see, by their hosts; to an admin all of them."""
    query = select(registries).order_by(registries.c.host)
    if not viewer.is_admin:
        inside = select(repositories.c.id).where(repositories.c.registry_id == registries.c.id, visible(viewer))
        query = query.where(inside.correlate(registries).exists())
    return [
        from_row(RegistryRow, row, error=row.sync_error)
        if viewer.is_admin
        else from_row(RegistryRow, row, error=_NOT_WHOLE if row.sync_error or row.held else "", held=0, confirmed=0)
        for row in await db.execute(query)
    ]


async def count_unwell(db: AsyncConnection) -> tuple[int, int]:
    """Return of how many registries the last sync was not whole, and how many hold tags back that nobody confirmed."""
    failed, held = registries.c.sync_error != "", registries.c.held > registries.c.confirmed
    numbers = [func.count(case((one, 1))) for one in (failed, held)]
    row = (await db.execute(select(*numbers).where(or_(failed, held)))).one()
    return row[0], row[1]
