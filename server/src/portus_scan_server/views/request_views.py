"""The queue: what is asked for, what runs, what has failed, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import frozen
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..access import Viewer, visible
from ..requests import Reason
from ..store import tables
from .paging import Page, behind, from_row, page_of, read_cursor
from .visibility import ImageName, load_hidden, load_names, mask_names, seen_repositories, sees_image

registries, repositories, images = tables.registries, tables.repositories, tables.images
requests, request_sources = tables.requests, tables.request_sources


class RequestState(Enum):
    """How far a request has come."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """No repository has the image any longer."""
    DEAD = "dead"
    """It killed the process that ran it, three times while nothing else ran: a person may ask for it again."""


@frozen(kw_only=True)
class SourceRow:
    """A repository in which a request looks for its image.

    Attributes:
        host: The configured registry.
        repository: The repository's name there.
        tag: The tag that was seen; empty for none.
        error: Why it did not give the image; empty where it was not asked, or did.
    """

    host: str
    repository: str
    tag: str
    error: str


@frozen(kw_only=True)
class RequestRow:
    """A request.

    Attributes:
        id: Its number.
        digest: The image or index.
        is_index: Whether it is an index.
        names: The image's names that the viewer may know.
        scanners: Only these are asked; all that are enabled where empty.
        reason: Why it is asked for.
        state: How far it has come.
        priority: Higher ones go first.
        asked_at: When it was asked for.
        asked_by: Who asked; empty where nobody says.
        due_at: Not before.
        claimed_at: When it was begun; None where it was not.
        ended_at: When it ended; None where it has not.
        attempt: How often it was begun.
        failures: How often it was put off since no repository gave the image.
        deaths: How often its process died while it ran alone.
        alone: Whether nothing else may run beside it.
        step: Where the last attempt has failed.
        error: Why.
        sources: The repositories of it that the viewer may know.
    """

    id: int
    digest: str
    is_index: bool
    names: tuple[ImageName, ...]
    scanners: tuple[str, ...]
    reason: Reason
    state: RequestState
    priority: int
    asked_at: datetime
    asked_by: str
    due_at: datetime
    claimed_at: datetime | None
    ended_at: datetime | None
    attempt: int
    failures: int
    deaths: int
    alone: bool
    step: str
    error: str
    sources: tuple[SourceRow, ...]


async def list_requests(
    db: AsyncConnection, viewer: Viewer, state: RequestState, *, after: str | None = None, limit: int = 50
) -> Page[RequestRow]:
    """Return the requests in one state: queued ones in the order that they are run in, others the newest first.

    Raises:
        CursorError: *after* is not a cursor of this list.
    """
    query = _query(viewer).where(requests.c.state == state.value)
    if state is RequestState.QUEUED:
        columns = -requests.c.priority, requests.c.id
        if after:
            query = query.where(behind(columns, read_cursor(after, int, int)))
        query = query.order_by(requests.c.priority.desc(), requests.c.id)
    else:
        if after:
            query = query.where(behind([requests.c.id], read_cursor(after, int), falling=True))
        query = query.order_by(requests.c.id.desc())
    rows = (await db.execute(query.limit(limit + 1))).all()
    is_queued = state is RequestState.QUEUED
    page = page_of(rows, limit, lambda row: (-row.priority, row.id) if is_queued else (row.id,))
    made = await _rows(db, viewer, page.rows)
    return Page(tuple(made), page.next_cursor)


async def load_request(db: AsyncConnection, viewer: Viewer, request_id: int) -> RequestRow | None:
    """Return one request; None where there is none that this viewer may see."""
    found = (await db.execute(_query(viewer).where(requests.c.id == request_id))).all()
    return next(iter(await _rows(db, viewer, found)), None)


async def count_requests(db: AsyncConnection, viewer: Viewer) -> dict[RequestState, int]:
    """Return how many requests the viewer may see in each state."""
    query = select(requests.c.state, func.count().label("number")).where(sees_image(viewer, requests.c.image_id))
    found = {row.state: row.number for row in await db.execute(query.group_by(requests.c.state))}
    return {state: found.get(state.value, 0) for state in RequestState}


def _query(viewer: Viewer) -> Any:
    joined = requests.join(images, images.c.id == requests.c.image_id)
    columns = images.c.digest, images.c.is_index
    return select(requests, *columns).select_from(joined).where(sees_image(viewer, requests.c.image_id))


async def _rows(db: AsyncConnection, viewer: Viewer, rows: Sequence[Any]) -> list[RequestRow]:
    ids = {row.image_id for row in rows}
    names, hidden = await load_names(db, viewer, ids), await load_hidden(db, viewer, ids)
    sources: dict[int, list[SourceRow]] = {row.id: [] for row in rows}
    query = (
        select(request_sources, registries.c.host, repositories.c.name)
        .select_from(seen_repositories().join(request_sources, request_sources.c.repository_id == repositories.c.id))
        .where(request_sources.c.request_id.in_(list(sources)), visible(viewer))
    )
    for row in await db.execute(query.order_by(repositories.c.id)):
        one = SourceRow(host=row.host, repository=row.name, tag=row.tag, error=row.error)
        sources[row.request_id].append(one)
    return [
        from_row(
            RequestRow,
            row,
            names=names[row.image_id],
            scanners=tuple(row.scanner_set.split(",")) if row.scanner_set else (),
            reason=Reason(row.reason),
            state=RequestState(row.state),
            error=mask_names(row.error, hidden[row.image_id]),
            sources=tuple(sources[row.id]),
        )
        for row in rows
    ]
