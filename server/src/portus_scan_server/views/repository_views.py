"""Repositories, and what is in one: a row a digest."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from attrs import frozen
from portus_scanners import Severity, Verdict
from sqlalchemy import ColumnElement, and_, case, func, literal, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..access import Viewer, visible
from ..store import tables
from ..summaries import Rules, is_current
from .paging import Page, behind, from_row, page_of, read_cursor
from .security import Security
from .visibility import load_security, seen_repositories

registries, repositories, tags, images = tables.registries, tables.repositories, tables.tags, tables.images
summaries = tables.summaries
_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


@frozen(kw_only=True)
class RepositoryRow:
    """A repository in a list.

    Attributes:
        host: The configured registry.
        name: The repository's name there.
        tags: How many tags it has.
        images: How many digests these name.
        pushed_at: When a tag was last pushed; None without tags.
        vulnerable: In how many of the images something was found, or had been found when it was last known.
        passed: How many of them have passed, as far as is known now; of all others that is not known.
        highest: The highest severity that was found in one of them.
    """

    host: str
    name: str
    tags: int = 0
    images: int = 0
    pushed_at: datetime | None = None
    vulnerable: int = 0
    passed: int = 0
    highest: Severity | None = None

    @property
    def unknown(self) -> int:
        """Of how many images is not known whether something is in them."""
        return self.images - self.vulnerable - self.passed


@frozen(kw_only=True)
class TagName:
    """A tag of a digest.

    Attributes:
        name: The tag.
        pushed_at: When it was pushed, or first seen.
        pushed_by: Who pushed it; empty where nobody says.
    """

    name: str
    pushed_at: datetime
    pushed_by: str


@frozen(kw_only=True)
class RepositoryImageRow:
    """A digest of a repository that has tags.

    Attributes:
        digest: The digest.
        is_index: Whether it is an index: its security is the worst of its images.
        media_type: As the registry says.
        tags: Its tags, the newest first.
        pushed_at: When the newest of them was pushed.
        security: What is known of it.
    """

    digest: str
    is_index: bool
    media_type: str
    tags: tuple[TagName, ...]
    pushed_at: datetime
    security: Security


async def find_repository(db: AsyncConnection, viewer: Viewer, host: str, name: str) -> int | None:
    """Return the row of a repository; None where there is none that this viewer may see."""
    here = registries.c.host == host, repositories.c.name == name, visible(viewer)
    return await db.scalar(select(repositories.c.id).select_from(seen_repositories()).where(*here))


async def list_repositories(
    db: AsyncConnection, viewer: Viewer, rules: Rules, *, search: str = "", after: str | None = None, limit: int = 50
) -> Page[RepositoryRow]:
    """Return repositories by registry and name, those with *search* in their name.

    Raises:
        CursorError: *after* is not a cursor of this list.
    """
    columns = registries.c.host, repositories.c.name
    query = select(repositories.c.id, *columns).select_from(seen_repositories()).where(visible(viewer))
    if search:
        query = query.where(repositories.c.name.contains(search.lower(), autoescape=True))
    if after:
        query = query.where(behind(columns, read_cursor(after, str, str)))
    found = (await db.execute(query.order_by(*columns).limit(limit + 1))).all()
    page = page_of(found, limit, lambda row: (row.host, row.name))
    counted = await _count(db, [row.id for row in page.rows], rules)
    return page.map(lambda row: _repository(row.host, row.name, counted.get(row.id)))


async def _count(db: AsyncConnection, ids: Collection[int], rules: Rules) -> Mapping[int, Any]:
    """Return by repository what its tags and images come to."""
    tagged = (
        select(
            tags.c.repository_id,
            tags.c.image_id,
            func.count().label("tags"),
            func.max(tags.c.pushed_at).label("pushed_at"),
        )
        .where(tags.c.repository_id.in_(ids), tags.c.gone_at.is_(None))
        .group_by(tags.c.repository_id, tags.c.image_id)
        .subquery()
    )
    is_vulnerable = or_(summaries.c.total > 0, summaries.c.verdict == Verdict.VULNERABLE.value)
    is_clean = and_(summaries.c.verdict == Verdict.CLEAN.value, summaries.c.gate != "fail", not_(is_vulnerable))
    rank = case(*((summaries.c[one.value] > 0, literal(_RANKS[one])) for one in sorted(Severity, reverse=True)))
    query = (
        select(
            tagged.c.repository_id,
            func.sum(tagged.c.tags).label("tags"),
            func.count().label("images"),
            func.max(tagged.c.pushed_at, type_=tags.c.pushed_at.type).label("pushed_at"),
            _how_many(is_vulnerable).label("vulnerable"),
            _how_many(and_(is_clean, is_current(rules))).label("passed"),
            func.max(rank).label("highest"),
        )
        .select_from(tagged.outerjoin(summaries, summaries.c.image_id == tagged.c.image_id))
        .group_by(tagged.c.repository_id)
    )
    return {row.repository_id: row for row in await db.execute(query)}


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _repository(host: str, name: str, counted: Any | None) -> RepositoryRow:
    if counted is None:
        return RepositoryRow(host=host, name=name)
    numbers = {one: int(getattr(counted, one)) for one in ("tags", "vulnerable", "passed")}
    highest = None if counted.highest is None else list(Severity)[counted.highest]
    return from_row(RepositoryRow, counted, host=host, name=name, highest=highest, **numbers)


async def load_repository(
    db: AsyncConnection, viewer: Viewer, rules: Rules, host: str, name: str
) -> RepositoryRow | None:
    """Return one repository; None where there is none that this viewer may see."""
    repository_id = await find_repository(db, viewer, host, name)
    if repository_id is None:
        return None
    return _repository(host, name, (await _count(db, [repository_id], rules)).get(repository_id))


async def list_repository_images(
    db: AsyncConnection,
    viewer: Viewer,
    rules: Rules,
    host: str,
    name: str,
    *,
    after: str | None = None,
    limit: int = 50,
) -> Page[RepositoryImageRow] | None:
    """Return the digests of a repository that have tags, those first that were pushed last.

    None where there is no such repository that this viewer may see.

    Raises:
        CursorError: *after* is not a cursor of this list.
    """
    repository_id = await find_repository(db, viewer, host, name)
    if repository_id is None:
        return None
    here = and_(tags.c.repository_id == repository_id, tags.c.gone_at.is_(None))
    newest = func.max(tags.c.pushed_at, type_=tags.c.pushed_at.type).label("pushed_at")
    grouped = select(tags.c.image_id, newest).where(here).group_by(tags.c.image_id).subquery()
    columns = grouped.c.pushed_at, grouped.c.image_id
    query = select(grouped, images.c.digest, images.c.is_index, images.c.media_type).join(
        images, images.c.id == grouped.c.image_id
    )
    if after:
        query = query.where(behind(columns, read_cursor(after, datetime, int), falling=True))
    query = query.order_by(*(one.desc() for one in columns)).limit(limit + 1)
    page = page_of((await db.execute(query)).all(), limit, lambda row: (row.pushed_at, row.image_id))
    ids = [row.image_id for row in page.rows]
    named = await _tag_names(db, here, ids)
    known = await load_security(db, ids, rules)
    return page.map(
        lambda row: from_row(RepositoryImageRow, row, tags=tuple(named[row.image_id]), security=known[row.image_id])
    )


async def _tag_names(db: AsyncConnection, here: ColumnElement[bool], ids: Collection[int]) -> dict[int, list[TagName]]:
    """Return the tags of images in a repository, the newest first."""
    named: dict[int, list[TagName]] = {one: [] for one in ids}
    query = select(tags.c.image_id, tags.c.name, tags.c.pushed_at, tags.c.pushed_by).where(
        here, tags.c.image_id.in_(ids)
    )
    for row in await db.execute(query.order_by(tags.c.pushed_at.desc(), tags.c.name)):
        named[row.image_id].append(from_row(TagName, row))
    return named
