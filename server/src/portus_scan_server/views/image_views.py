"""One image or one tag: what is known of it, who said it and when, a last try that failed, what a tag was before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from attrs import field, frozen
from portus_scanners import Outcome
from sqlalchemy import Row, Select, Text, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..access import Viewer, visible
from ..answers import AnswerDoubt
from ..store import named_runs, tables
from ..summaries import Rules
from .paging import Page, behind, from_row, page_of, read_cursor
from .repository_views import TagName, find_repository
from .security import Security
from .visibility import SeenImage, find_image, load_hidden, load_names, load_security, mask_names, seen_repositories

registries, repositories = tables.registries, tables.repositories
images, index_images, tags, tag_history = tables.images, tables.index_images, tables.tags, tables.tag_history
runs, latest, finding_sets = tables.runs, tables.latest, tables.finding_sets
_HISTORY = 100
"""How many earlier digests of a tag are shown."""


@frozen(kw_only=True)
class RunRow:
    """A run of a scanner, without its findings.

    Attributes:
        outcome: How it ended.
        error: Why it did not end ok; empty where it did.
        first_at: When it ended so for the first time with this result.
        checked_at: When it did for the last time.
        times: How often it did.
        plugin_version: Of the plugin's distribution.
        scanner_version: Of the backend; empty where it does not say.
        database_updated: When the vulnerability data was updated; None where that is not known.
        total: How many findings it has; None without a report.
    """

    outcome: Outcome
    error: str
    first_at: datetime
    checked_at: datetime
    times: int
    plugin_version: str
    scanner_version: str
    database_updated: datetime | None
    total: int | None


@frozen(kw_only=True)
class ScannerRow:
    """What one scanner has said of an image.

    Attributes:
        scanner: Its name in the configuration.
        is_enabled: Whether it counts now.
        answer: The newest run that ended ok; None without one.
        said: The newest that says something about the content; None without one. It may be the answer.
        last: The newest try; it may be the answer.
        doubts: What a reader has to know of its answer.
    """

    scanner: str
    is_enabled: bool
    answer: RunRow | None = None
    said: RunRow | None = None
    last: RunRow | None = None
    doubts: tuple[AnswerDoubt, ...] = ()


@frozen(kw_only=True)
class PlatformRow:
    """An image of an index.

    Attributes:
        digest: The image.
        platform: What the index says: ``linux/arm64/v8``; empty where it does not say.
        runnable: Whether something can run it; what can't (an attestation) is not scanned.
        security: What is known of it.
    """

    digest: str
    platform: str
    runnable: bool
    security: Security


@frozen(kw_only=True)
class ImageView(SeenImage):
    """What is known of one digest.

    Attributes:
        media_type: As the registry says.
        first_seen_at: When the service has seen it first.
        last_seen_at: When it has seen it last.
        security: What is known of it; of an index, the worst of its images.
        scanners: What each scanner has said: the enabled ones in their order, then others that were asked once.
        platforms: The images of an index, in its order.
    """

    media_type: str
    first_seen_at: datetime
    last_seen_at: datetime
    security: Security
    scanners: tuple[ScannerRow, ...]
    platforms: tuple[PlatformRow, ...]


@frozen(kw_only=True)
class HistoryRow:
    """A digest that a tag had.

    Attributes:
        digest: The digest.
        from_at: Since when.
        to_at: Until when.
        security: What is known of it now.
    """

    digest: str
    from_at: datetime
    to_at: datetime
    security: Security


@frozen(kw_only=True)
class TagRow(TagName):
    """A tag in a list.

    Attributes:
        digest: What it names.
        security: What is known of it.
    """

    digest: str
    security: Security


@frozen(kw_only=True)
class TagView(TagName):
    """A tag, and what it names.

    Attributes:
        host: The configured registry.
        repository: The repository's name there.
        gone_at: Since when it is gone; None while the registry has it.
        image: What it names.
        history: What it named before, the newest first, at most 100.
    """

    host: str
    repository: str
    gone_at: datetime | None
    image: ImageView
    history: tuple[HistoryRow, ...] = field(factory=tuple)


async def load_image_view(db: AsyncConnection, viewer: Viewer, rules: Rules, digest: str) -> ImageView | None:
    """Return what is known of a digest; None where there is none that this viewer may see."""
    row = await find_image(db, viewer, digest)
    return None if row is None else await _image(db, viewer, rules, row)


async def load_tag(
    db: AsyncConnection, viewer: Viewer, rules: Rules, host: str, repository: str, name: str
) -> TagView | None:
    """Return a tag and what it names; None where there is none that this viewer may see."""
    named = {"host": host, "repository": repository, "tag": name}
    row = (await db.execute(_named().where(visible(viewer)), named)).one_or_none()
    if row is None:
        return None
    image, history = await _image(db, viewer, rules, row), await _history(db, rules, row.tag_id)
    return from_row(TagView, row, host=host, repository=repository, name=name, image=image, history=history)


@cache
def _named() -> Select[Any]:
    """Return the query for what a tag names."""
    joined = tags.join(seen_repositories(), repositories.c.id == tags.c.repository_id)
    columns = tags.c.id.label("tag_id"), tags.c.pushed_at, tags.c.pushed_by, tags.c.gone_at
    return (
        select(images, *columns)
        .select_from(joined.join(images, images.c.id == tags.c.image_id))
        .where(registries.c.host == bindparam("host", type_=Text))
        .where(repositories.c.name == bindparam("repository", type_=Text), tags.c.name == bindparam("tag", type_=Text))
    )


async def list_tags(
    db: AsyncConnection,
    viewer: Viewer,
    rules: Rules,
    host: str,
    repository: str,
    *,
    after: str | None = None,
    limit: int = 50,
) -> Page[TagRow] | None:
    """Return the tags of a repository by their names; None where there is none that this viewer may see.

    Raises:
        CursorError: *after* is not a cursor of this list.
    """
    repository_id = await find_repository(db, viewer, host, repository)
    if repository_id is None:
        return None
    query = (
        select(tags, images.c.digest)
        .join(images, images.c.id == tags.c.image_id)
        .where(tags.c.repository_id == repository_id, tags.c.gone_at.is_(None))
    )
    if after:
        query = query.where(behind([tags.c.name], read_cursor(after, str)))
    rows = (await db.execute(query.order_by(tags.c.name).limit(limit + 1))).all()
    page = page_of(rows, limit, lambda row: (row.name,))
    known = await load_security(db, {row.image_id for row in page.rows}, rules)
    return page.map(lambda row: from_row(TagRow, row, security=known[row.image_id]))


async def _image(db: AsyncConnection, viewer: Viewer, rules: Rules, row: Any) -> ImageView:
    inside = await _inside(db, row.id) if row.is_index else ()
    known = await load_security(db, {row.id, *(one.image_id for one in inside)}, rules)
    names = await load_names(db, viewer, [row.id])
    hidden = (await load_hidden(db, viewer, [row.id]))[row.id]
    return from_row(
        ImageView,
        row,
        names=names[row.id],
        security=known[row.id],
        scanners=() if row.is_index else await _scanners(db, rules, row.id, known[row.id].doubts, hidden),
        platforms=tuple(from_row(PlatformRow, one, security=known[one.image_id]) for one in inside),
    )


async def _inside(db: AsyncConnection, index_id: int) -> Sequence[Row[Any]]:
    """Return the images of an index."""
    members = index_images.join(images, images.c.id == index_images.c.image_id)
    query = select(index_images, images.c.digest).select_from(members).where(index_images.c.index_id == index_id)
    return (await db.execute(query.order_by(index_images.c.position))).all()


async def _scanners(
    db: AsyncConnection,
    rules: Rules,
    image_id: int,
    doubts: Mapping[str, tuple[AnswerDoubt, ...]],
    hidden: Sequence[str],
) -> tuple[ScannerRow, ...]:
    rows = (await db.execute(_runs(), {"of_image": image_id})).all()
    found = {row.id: _run(row, hidden) for row in rows}
    named = {"answer": "answer_id", "said": "said_id", "last": "try_id"}
    told = {row.scanner: {one: found.get(getattr(row, pointer)) for one, pointer in named.items()} for row in rows}
    return tuple(
        ScannerRow(scanner=name, is_enabled=name in rules.enabled, doubts=doubts.get(name, ()), **told.get(name, {}))
        for name in (*rules.enabled, *sorted(set(told) - set(rules.enabled)))
    )


@cache
def _runs() -> Select[Any]:
    """Return the query for the runs of an image that count, without what is large."""
    columns = [one for one in runs.c if one.name not in ("image_id", "scanner", "places")]
    return (
        select(latest, *columns, finding_sets.c.total)
        .select_from(named_runs())
        .where(latest.c.image_id == bindparam("of_image"))
    )


def _run(row: Any, hidden: Sequence[str]) -> RunRow:
    error = mask_names(json.loads(row.body).get("error") or "", hidden)
    return from_row(RunRow, row, outcome=Outcome(row.outcome), error=error)


async def _history(db: AsyncConnection, rules: Rules, tag_id: int) -> tuple[HistoryRow, ...]:
    rows = (await db.execute(_named_before(), {"of_tag": tag_id})).all()
    known = await load_security(db, {row.image_id for row in rows}, rules)
    return tuple(from_row(HistoryRow, row, security=known[row.image_id]) for row in rows)


@cache
def _named_before() -> Select[Any]:
    query = select(tag_history, images.c.digest).join(images, images.c.id == tag_history.c.image_id)
    return query.where(tag_history.c.tag_id == bindparam("of_tag")).order_by(tag_history.c.id.desc()).limit(_HISTORY)
