"""What a viewer may know of images: that they exist, by which names, and what is known of them now.

A digest may be in several repositories. Who sees one of these sees the image, but neither the names of the others nor
a message with such a name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, FromClause, Row, Select, Text, and_, bindparam, func, not_, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from ..access import Viewer, visible
from ..store import one_of, tables
from ..summaries import Rules, is_current
from .security import Activity, Security, security_of

registries, repositories, tags, images = tables.registries, tables.repositories, tables.tags, tables.images
summaries, requests, index_images, held = (
    tables.summaries,
    tables.requests,
    tables.index_images,
    tables.image_repositories,
)
_HIDDEN = "[another repository]"


@frozen(kw_only=True, order=True)
class ImageName:
    """A name of an image.

    Attributes:
        host: The configured registry.
        repository: The repository's name there.
        tag: The tag; empty where the repository has it without one.
    """

    host: str
    repository: str
    tag: str


@frozen(kw_only=True)
class SeenImage:
    """An image or an index that a viewer may see.

    Attributes:
        id: Its row.
        digest: The digest.
        is_index: Whether it is an index.
        names: Its names that the viewer may know.
    """

    id: int
    digest: str
    is_index: bool
    names: tuple[ImageName, ...]


def seen_repositories() -> FromClause:
    """Return repositories joined to registries, over which `visible` is a condition."""
    return repositories.join(registries, registries.c.id == repositories.c.registry_id)


def sees_image(viewer: Viewer, image_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that a viewer may see an image: one of the repositories that have it is visible."""
    if viewer.is_admin:
        return true()
    joined = held.join(seen_repositories(), repositories.c.id == held.c.repository_id)
    return select(held.c.image_id).select_from(joined).where(held.c.image_id == image_id, visible(viewer)).exists()


async def find_image(db: AsyncConnection, viewer: Viewer, digest: str) -> Any | None:
    """Return the row of `images` of a digest; None where there is none that this viewer may see."""
    query = _with_digest().where(sees_image(viewer, images.c.id))
    return (await db.execute(query, {"digest": digest})).one_or_none()


@cache
def _with_digest() -> Select[Any]:
    return select(images).where(images.c.digest == bindparam("digest", type_=Text))


async def see_image(db: AsyncConnection, viewer: Viewer, digest: str) -> SeenImage | None:
    """Return what is behind a digest; None where there is nothing that this viewer may see."""
    row = await find_image(db, viewer, digest)
    if row is None:
        return None
    names = await load_names(db, viewer, [row.id])
    return SeenImage(id=row.id, digest=row.digest, is_index=row.is_index, names=names[row.id])


async def has_image(db: AsyncConnection, viewer: Viewer, image_id: int, host: str, repository: str) -> bool:
    """Return whether a repository that the viewer may see has an image, by itself or in an index."""
    containing = select(index_images.c.index_id).where(index_images.c.image_id == image_id)
    joined = held.join(seen_repositories(), repositories.c.id == held.c.repository_id)
    here = (registries.c.host == host) & (repositories.c.name == repository) & visible(viewer)
    inside = or_(held.c.image_id == image_id, held.c.image_id.in_(containing))
    return await db.scalar(select(held.c.image_id).select_from(joined).where(here, inside).limit(1)) is not None


async def load_names(db: AsyncConnection, viewer: Viewer, ids: Collection[int]) -> dict[int, tuple[ImageName, ...]]:
    """Return the names of images that a viewer may know: their tags, those of an index with them, else repositories."""
    found: dict[int, dict[ImageName, None]] = {one: {} for one in ids}
    for row in await _execute_for(db, ids, _tagged().where(visible(viewer))):
        found[row.shown][ImageName(host=row.host, repository=row.name, tag=row.tag)] = None
    untagged = [one for one, names in found.items() if not names]
    for row in await _execute_for(db, untagged, _held().where(visible(viewer)).order_by(repositories.c.id)):
        found[row.image_id][ImageName(host=row.host, repository=row.name, tag="")] = None
    return {one: tuple(names) for one, names in found.items()}


@cache
def _tagged() -> Select[Any]:
    """Return the query for the tags of images, and of the indexes that these are in."""
    about = _about(upwards=True).subquery("about")
    joined = about.join(tags, tags.c.image_id == about.c.known)
    return (
        select(about.c.shown, registries.c.host, repositories.c.name, tags.c.name.label("tag"))
        .select_from(joined.join(seen_repositories(), repositories.c.id == tags.c.repository_id))
        .where(tags.c.gone_at.is_(None))
        .order_by(tags.c.id)
    )


@cache
def _held() -> Select[Any]:
    """Return the query for the repositories that have images, with a tag or without."""
    joined = held.join(seen_repositories(), repositories.c.id == held.c.repository_id)
    query = select(held.c.image_id, registries.c.host, repositories.c.name).select_from(joined)
    return query.where(one_of(held.c.image_id, "ids"))


async def _execute_for(
    db: AsyncConnection, ids: Collection[int], query: Select[Any], **values: object
) -> Iterable[Row[Any]]:
    """Return the rows of a query about the images `ids`; without one nothing is asked."""
    return (await db.execute(query, {"ids": ids, **values})).all() if ids else ()


async def load_hidden(db: AsyncConnection, viewer: Viewer, ids: Collection[int]) -> Mapping[int, Sequence[str]]:
    """Return the repositories of images that a viewer may not see, which messages may name, the longest first."""
    found: dict[int, list[str]] = {one: [] for one in ids}
    if not viewer.is_admin:
        for row in await _execute_for(db, ids, _held().where(not_(visible(viewer)))):
            found[row.image_id].append(row.name)
    return {one: sorted(names, key=len, reverse=True) for one, names in found.items()}


def mask_names(message: str, names: Iterable[str]) -> str:
    """Return a message without these names of repositories."""
    for name in names:
        message = message.replace(name, _HIDDEN)
    return message


async def load_security(db: AsyncConnection, ids: Collection[int], rules: Rules) -> dict[int, Security]:
    """Return what is known of images, whoever may see them.

    Args:
        db: A transaction that reads.
        ids: The images' rows.
        rules: The rules of now.
    """
    made = await _execute_for(db, ids, _summaries(), configuration=rules.fingerprint)
    rows = {row.image_id: row for row in made}
    activities, failed = await _load_activities(db, ids)
    return {
        one: security_of(
            rows.get(one),
            is_current=one in rows and bool(rows[one].is_current),
            activity=activities.get(one),
            failed=one in failed,
        )
        for one in ids
    }


@cache
def _summaries() -> Select[Any]:
    query = select(summaries, is_current().label("is_current"))
    return query.where(one_of(summaries.c.image_id, "ids"))


async def _load_activities(db: AsyncConnection, ids: Collection[int]) -> tuple[dict[int, Activity], set[int]]:
    """Return what is done about images, for an index about its own as well, and whose newest request has failed."""
    activities: dict[int, Activity] = {}
    failed: set[int] = set()
    for row in await _execute_for(db, ids, _asked()):
        if row.state == Activity.RUNNING.value:
            activities[row.shown] = Activity.RUNNING
        elif row.state == Activity.QUEUED.value:
            activities.setdefault(row.shown, Activity.QUEUED)
        elif row.image_id == row.shown:
            failed.add(row.shown)
    return activities, failed


@cache
def _asked() -> Select[Any]:
    """Return the query for the open requests of images, and for the newest one where that has failed."""
    about = _about(upwards=False).subquery("about")
    newer = requests.alias()
    newest = select(func.max(newer.c.id)).where(newer.c.image_id == requests.c.image_id).scalar_subquery()
    is_open = requests.c.state.in_(("queued", "running"))
    has_failed = and_(requests.c.state.in_(("failed", "dead")), requests.c.id == newest)
    joined = about.join(requests, requests.c.image_id == about.c.known)
    query = select(about.c.shown, requests.c.image_id, requests.c.state).select_from(joined)
    return query.where(or_(is_open, has_failed)).order_by(requests.c.id)


def _about(*, upwards: bool) -> Select[Any]:
    """Return the images `ids`, each with itself, and with the indexes that it is in, or the images in it."""
    shown, known = index_images.c.index_id, index_images.c.image_id
    if upwards:
        shown, known = known, shown
    own = select(images.c.id.label("shown"), images.c.id.label("known")).where(one_of(images.c.id, "ids"))
    others = select(shown.label("shown"), known.label("known")).where(one_of(shown, "ids"))
    return select(own.union(others).subquery("both"))
