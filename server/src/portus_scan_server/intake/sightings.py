"""What our own HEAD has found, noted: an image in a repository, perhaps under a tag, and a request if it needs a scan.

Whatever an event, a list or a person says, this is the only way into the catalogue, and `see` is what it is fed with.
"""

from __future__ import annotations

from attrs import frozen
from portus_images import ImageNotFoundError, Reference, Registry
from sqlalchemy import exists, not_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ..requests import Reason, ask
from ..store import POSTGRESQL, lock_key, put_image, put_in_repository, put_repository, put_tag, tables

images, index_images, latest, has = tables.images, tables.index_images, tables.latest, tables.image_repositories
registries, repositories = tables.registries, tables.repositories


@frozen(kw_only=True)
class ImagePlace:
    """A tag, or a digest without one, in a repository of a watched registry.

    Attributes:
        host: The configured registry.
        repository: Its name there.
        tag: The tag; empty for none.
        digest: Asked for where it is given, in place of the tag.
    """

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def reference(self) -> Reference:
        """What the registry is asked for.

        Raises:
            InvalidReferenceError: A part is not valid.
        """
        return Reference(str(self), self.host, self.repository, self.tag or None, self.digest or None)

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}{f':{self.tag}' if self.tag else ''}"


@frozen(kw_only=True)
class Sighting:
    """What came of a look: the rows of the image and its repository, and the request that is open or dead, if any."""

    image_id: int
    repository_id: int
    request_id: int | None


async def see(client: Registry, place: ImagePlace) -> str | None:
    """Return the digest that the registry has at a place now, by one HEAD; None where it says that it has none.

    Raises:
        RegistryError: It says neither.
        InvalidReferenceError: It is not a valid place.
    """
    try:
        return await client.locate(place.reference)
    except ImageNotFoundError:
        return None


async def known_digest(db: AsyncConnection, place: ImagePlace) -> str | None:
    """Return what a tag is known to name; None where nothing is known, or the place is no tag."""
    joined = tables.tags.join(images, images.c.id == tables.tags.c.image_id)
    joined = joined.join(repositories, repositories.c.id == tables.tags.c.repository_id)
    joined = joined.join(registries, registries.c.id == repositories.c.registry_id)
    here = (registries.c.host == place.host) & (repositories.c.name == place.repository)
    here &= (tables.tags.c.name == place.tag) & tables.tags.c.gone_at.is_(None)
    found: str | None = await db.scalar(select(images.c.digest).select_from(joined).where(here))
    return found


async def lock_place(db: AsyncConnection, place: ImagePlace) -> None:
    """Keep other processes from noting what is at a place until the transaction ends."""
    if db.dialect.name == POSTGRESQL:
        await db.execute(text("select pg_advisory_xact_lock(:key)"), {"key": lock_key("place", str(place))})


async def note_sighting(
    db: AsyncConnection,
    place: ImagePlace,
    digest: str,
    reason: Reason,
    *,
    by: str = "",
    pushed_by: str = "",
    scanners: tuple[str, ...] = (),
) -> Sighting:
    """Store where a digest was seen, and ask for its scan: always for a person, else where it has no answer yet."""
    image_id = await put_image(db, digest)
    repository_id = await put_repository(db, place.host, place.repository)
    here = (has.c.image_id == image_id) & (has.c.repository_id == repository_id)
    was_here = await db.scalar(select(exists().where(here)))
    if place.tag:
        await put_tag(db, repository_id, place.tag, image_id, pushed_by)
    else:
        await put_in_repository(db, image_id, repository_id)
    request_id = None
    if reason is Reason.PERSON or await _needs_scan(db, image_id, is_new_here=not was_here):
        source = repository_id, place.tag
        request_id = await ask(db, image_id, reason, source=source, scanners=scanners, by=by)
    return Sighting(image_id=image_id, repository_id=repository_id, request_id=request_id)


async def _needs_scan(db: AsyncConnection, image_id: int, *, is_new_here: bool) -> bool:
    """Tell whether an image has no answer yet; an index, whether it is new here, or a part of it was never scanned.

    What has an answer is kept up to date by the planner, whoever pushes it again. That a repository with an index has
    its images as well is for the runner to see, who resolves them there.
    """
    of_index = (index_images.c.index_id == image_id) & index_images.c.runnable
    scanned = select(latest.c.image_id).where(latest.c.image_id == index_images.c.image_id)
    if await db.scalar(select(images.c.is_index).where(images.c.id == image_id)):
        return is_new_here or bool(await db.scalar(select(exists().where(of_index, not_(scanned.exists())))))
    answered = (latest.c.image_id == image_id) & latest.c.answer_id.is_not(None)
    return not await db.scalar(select(exists().where(answered)))
