"""What a viewer may know of images: that they exist, by which names, and what is known of them now.

A digest may be in several repositories. Who sees one of these sees the image, but neither the names of the others nor
a message with such a name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, FromClause, Select, and_, func, not_, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from ..access import Viewer, visible
from ..store import tables
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
    query = select(images).where(images.c.digest == digest, sees_image(viewer, images.c.id))
    return (await db.execute(query)).one_or_none()


async def has_image(db: AsyncConnection, viewer: Viewer, image_id: int, host: str, repository: str) -> bool:
    """Return whether a repository that the viewer may see has an image, by itself or in an index."""
    containing = select(index_images.c.index_id).where(index_images.c.image_id == image_id)
    joined = held.join(seen_repositories(), repositories.c.id == held.c.repository_id)
    here = (registries.c.host == host) & (repositories.c.name == repository) & visible(viewer)
    inside = or_(held.c.image_id == image_id, held.c.image_id.in_(containing))
    return (
        await db.execute(select(held.c.image_id).select_from(joined).where(here, inside).limit(1))
    ).first() is not None


async def load_names(db: AsyncConnection, viewer: Viewer, ids: Collection[int]) -> dict[int, tuple[ImageName, ...]]:
    """Return the names of images that a viewer may know: their tags, those of an index with them, else repositories."""
    about = _about(ids, upwards=True).subquery("about")
    tagged = (
        select(about.c.shown, registries.c.host, repositories.c.name, tags.c.name.label("tag"))
        .select_from(
            about.join(tags, tags.c.image_id == about.c.known).join(
                seen_repositories(), repositories.c.id == tags.c.repository_id
            )
        )
        .where(tags.c.gone_at.is_(None), visible(viewer))
        .order_by(tags.c.id)
    )
    found: dict[int, dict[ImageName, None]] = {one: {} for one in ids}
    for row in await db.execute(tagged):
        found[row.shown][ImageName(host=row.host, repository=row.name, tag=row.tag)] = None
    if untagged := [one for one, names in found.items() if not names]:
        joined = held.join(seen_repositories(), repositories.c.id == held.c.repository_id)
        by_digest = select(held.c.image_id, registries.c.host, repositories.c.name).select_from(joined)
        by_digest = by_digest.where(held.c.image_id.in_(untagged), visible(viewer)).order_by(repositories.c.id)
        for image_id, host, name in await db.execute(by_digest):
            found[image_id][ImageName(host=host, repository=name, tag="")] = None
    return {one: tuple(names) for one, names in found.items()}


class HiddenNames:
    """The repositories of some images that a viewer may not see, which messages may name.

    Args:
        names: By image.
    """

    def __init__(self, names: Mapping[int, Sequence[str]]) -> None:
        self._names = names

    @classmethod
    async def load(cls, db: AsyncConnection, viewer: Viewer, ids: Collection[int]) -> HiddenNames:
        """Return those of these images."""
        if viewer.is_admin:
            return cls({})
        joined = held.join(seen_repositories(), repositories.c.id == held.c.repository_id)
        query = select(held.c.image_id, repositories.c.name).select_from(joined)
        found: dict[int, list[str]] = {}
        for row in await db.execute(query.where(held.c.image_id.in_(ids), not_(visible(viewer)))):
            found.setdefault(row.image_id, []).append(row.name)
        return cls({one: sorted(names, key=len, reverse=True) for one, names in found.items()})

    def of(self, image_id: int) -> Sequence[str]:
        """Return those of one image, the longest first."""
        return self._names.get(image_id, ())

    def mask(self, image_id: int, message: str) -> str:
        """Return a message about an image without these names."""
        return mask_names(message, self.of(image_id))


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
    query = select(summaries, is_current(rules).label("is_current")).where(summaries.c.image_id.in_(ids))
    rows = {row.image_id: row for row in await db.execute(query)}
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


async def _load_activities(db: AsyncConnection, ids: Collection[int]) -> tuple[dict[int, Activity], set[int]]:
    """Return what is done about images, for an index about its own as well, and whose newest request has failed."""
    about = _about(ids, upwards=False).subquery("about")
    newer = requests.alias()
    newest = select(func.max(newer.c.id)).where(newer.c.image_id == requests.c.image_id).scalar_subquery()
    is_open = requests.c.state.in_(("queued", "running"))
    has_failed = and_(requests.c.state.in_(("failed", "dead")), requests.c.id == newest)
    query = select(about.c.shown, requests.c.image_id, requests.c.state).join(
        requests, requests.c.image_id == about.c.known
    )
    activities: dict[int, Activity] = {}
    failed: set[int] = set()
    for row in await db.execute(query.where(or_(is_open, has_failed)).order_by(requests.c.id)):
        if row.state == Activity.RUNNING.value:
            activities[row.shown] = Activity.RUNNING
        elif row.state == Activity.QUEUED.value:
            activities.setdefault(row.shown, Activity.QUEUED)
        elif row.image_id == row.shown:
            failed.add(row.shown)
    return activities, failed


def _about(ids: Collection[int], *, upwards: bool) -> Select[Any]:
    """Return images, each with itself, and with the indexes that it is in, or the images in it."""
    shown, known = index_images.c.index_id, index_images.c.image_id
    if upwards:
        shown, known = known, shown
    own = select(images.c.id.label("shown"), images.c.id.label("known")).where(images.c.id.in_(ids))
    others = select(shown.label("shown"), known.label("known")).where(shown.in_(ids))
    return select(own.union(others).subquery("both"))
