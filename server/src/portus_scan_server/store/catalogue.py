"""The catalogue: registries, repositories, tags, and the images behind them, as they were last seen.

Every function works in the caller's transaction. Nothing here removes anything: that a list was short says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from attrs import evolve
from portus_images import Image, ImageReference, Platform
from portus_scanners.serialize import document_converter
from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_in_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_in_sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from .database import POSTGRESQL
from .finding_bodies import column_string
from .schema import image_repositories, images, index_images, registries, repositories, tag_history, tags
from .types import database_now

_OF_THE_REFERENCE = ("reference", "index_digest", "index_platform")
"""Members of an `Image` that say how it was reached, and differ from one reference to the next."""


async def put_registry(db: AsyncConnection, host: str) -> int:
    """Return the id of a registry, which is added where it is not there."""
    return await _put(db, registries, {"host": host})


async def put_repository(db: AsyncConnection, host: str, name: str) -> int:
    """Return the id of a repository; it and its registry are added where they are not there.

    Args:
        db: A transaction that writes.
        host: The configured registry, with its port where it has one.
        name: The repository's name in it: ``team/app``.
    """
    return await _put(db, repositories, {"registry_id": await put_registry(db, host), "name": name})


async def put_image(db: AsyncConnection, digest: str, media_type: str = "") -> int:
    """Return the id of the manifest with this digest, seen now.

    Args:
        db: A transaction that writes.
        digest: Of an image or an index.
        media_type: As the registry says; empty where it is not known.
    """
    said = {"media_type": column_string(media_type)} if media_type else {}
    values = {"digest": digest, **said}
    return await _put(db, images, values, key=("digest",), renew={"last_seen_at": database_now(), **said})


async def put_in_repository(db: AsyncConnection, image_id: int, repository_id: int) -> None:
    """Note that a repository has this digest now, with a tag or without."""
    values = {"image_id": image_id, "repository_id": repository_id}
    await db.execute(_having(db.dialect.name), values)


@cache
def _having(dialect: str) -> Any:
    keys = ["image_id", "repository_id"]
    return insert_into(dialect, image_repositories).on_conflict_do_update(
        index_elements=keys, set_={"seen_at": database_now()}
    )


async def put_tag(db: AsyncConnection, repository_id: int, name: str, image_id: int, by: str = "") -> bool:
    """Let a tag name this digest, and note in its history what it named before.

    Args:
        db: A transaction that writes.
        repository_id: The tag's repository.
        name: The tag.
        image_id: What it names now; the repository has it as well, from now on.
        by: Who pushed it; empty where nobody says.

    Returns:
        Whether it is new or named something else before.
    """
    await put_in_repository(db, image_id, repository_id)
    here = (tags.c.repository_id == repository_id) & (tags.c.name == name)
    before = (await db.execute(select(tags).where(here).with_for_update())).one_or_none()
    if before is None:
        added = insert_into(db.dialect.name, tags).values(
            repository_id=repository_id, name=name, image_id=image_id, pushed_by=by
        )
        made = await db.execute(added.on_conflict_do_nothing().returning(tags.c.id))
        return made.scalar() is not None or await put_tag(db, repository_id, name, image_id, by)
    renewed: dict[str, Any] = {"missed": 0, "gone_at": None}
    if moved := before.image_id != image_id or before.gone_at is not None:
        ended = {"tag_id": before.id, "image_id": before.image_id, "from_at": before.pushed_at}
        await db.execute(insert(tag_history).values(**ended, to_at=before.gone_at or database_now()))
        renewed |= {"image_id": image_id, "pushed_at": database_now(), "pushed_by": by}
    await db.execute(update(tags).where(tags.c.id == before.id).values(**renewed))
    return moved


async def put_details(db: AsyncConnection, image_id: int, image: Image) -> None:
    """Store what the resolver said of an image: everything but how it was reached."""
    value = {key: one for key, one in document_converter().unstructure(image).items() if key not in _OF_THE_REFERENCE}
    body = json.dumps(value, separators=(",", ":"), allow_nan=False)
    known = {"body": body, "media_type": column_string(image.media_type)}
    await db.execute(update(images).where(images.c.id == image_id).values(**known))


async def put_index(db: AsyncConnection, index_id: int, members: Sequence[Image]) -> list[int]:
    """Store the images of an index, in its order, and return their ids; what is not an image can't be run."""
    found = []
    for image in members:
        found.append(await put_image(db, image.digest, image.media_type))
        await put_details(db, found[-1], image)
    await db.execute(update(images).where(images.c.id == index_id).values(is_index=True))
    await db.execute(delete(index_images).where(index_images.c.index_id == index_id))
    rows = [
        {
            "index_id": index_id,
            "position": position,
            "image_id": image_id,
            "platform": str(image.index_platform or ""),
            "runnable": image.artifact is None,
        }
        for position, (image, image_id) in enumerate(zip(members, found, strict=True))
    ]
    if rows:
        await db.execute(insert(index_images), rows)
    return found


def read_image(body: str | None, reference: ImageReference) -> Image | None:
    """Return an image as `put_details` has stored it; None where the resolver was not asked yet.

    Args:
        body: The column.
        reference: How it is reached.
    """
    if body is None:
        return None
    image: Image = document_converter().structure({**json.loads(body), "reference": reference.text}, Image)
    return image


async def load_image(
    db: AsyncConnection, image_id: int, reference: ImageReference, *, index_id: int | None = None
) -> Image | None:
    """Return an image as it was resolved; None where the resolver was not asked yet.

    Args:
        db: A connection.
        image_id: The image.
        reference: How it is reached.
        index_id: The index that the reference stands for, if it stands for one.
    """
    row = (await db.execute(select(images.c.body).where(images.c.id == image_id))).one_or_none()
    image = read_image(row.body if row is not None else None, reference)
    if image is None or index_id is None:
        return image
    link = (index_images.c.index_id == index_id) & (index_images.c.image_id == image_id)
    query = select(images.c.digest, index_images.c.platform).join(index_images, images.c.id == index_images.c.index_id)
    of_index = (await db.execute(query.where(link).order_by(index_images.c.position).limit(1))).one_or_none()
    if of_index is None:
        return image
    platform = Platform.parse(of_index.platform) if of_index.platform else None
    return evolve(image, index_digest=of_index.digest, index_platform=platform)


async def _put(
    db: AsyncConnection,
    table: Table,
    values: Mapping[str, Any],
    *,
    key: Sequence[str] = (),
    renew: Mapping[str, Any] | None = None,
) -> int:
    """Return the id of the row with this key, by default all *values*; a new one is made of them."""
    key = list(key or values)
    here = [table.c[name] == values[name] for name in key]
    if renew:
        found = await db.scalar(update(table).where(*here).values(**renew).returning(table.c.id))
    else:
        found = await db.scalar(select(table.c.id).where(*here))
    if found is not None:
        return int(found)
    await db.execute(insert_into(db.dialect.name, table).values(**values).on_conflict_do_nothing(index_elements=key))
    return int((await db.execute(select(table.c.id).where(*here))).scalar_one())


async def put_row(db: AsyncConnection, table: Table, key: Mapping[str, object], values: Mapping[str, object]) -> None:
    """Write the row with this key, or let it have these values: one statement, since others may write it at once."""
    row = insert_into(db.dialect.name, table).values(**key, **values)
    await db.execute(row.on_conflict_do_update(index_elements=list(key), set_=values))


def insert_into(dialect: str, table: Table) -> Any:
    """Return an insert that knows what to do on a conflict; both databases write it in the same words."""
    return insert_in_postgresql(table) if dialect == POSTGRESQL else insert_in_sqlite(table)
