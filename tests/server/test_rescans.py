"""Which images the planner asks for again: those that are in use."""

from __future__ import annotations

from portus_scan_server.answers import Freshness, MadeWith
from portus_scan_server.requests import Reason, ask
from portus_scan_server.rescans import ask_for_due
from portus_scan_server.store import Store, database_now, put_image, put_repository, put_tag, tables
from sqlalchemy import delete, insert, select, update

OLD = database_now(-40 * 86_400)
IMAGES = ("named", "inside", "moved", "asked", "unused", "unused inside")


async def test_what_is_out_of_use_is_left_to_become_outdated(store: Store) -> None:
    """An image counts that a tag names or named within 30 days, itself or through an index, or that was asked for."""
    async with store.writing() as db:
        ids = {name: await put_image(db, f"sha256:{name}") for name in (*IMAGES, "index", "unused index")}
        repository = await put_repository(db, "registry.example", "team/app")
        for tag, image in (("1", "named"), ("2", "moved"), ("2", "named"), ("3", "index")):
            await put_tag(db, repository, tag, ids[image])
        for index, image in (("index", "inside"), ("unused index", "unused inside")):
            await db.execute(insert(tables.index_images).values(index_id=ids[index], position=0, image_id=ids[image]))
            await db.execute(update(tables.images).where(tables.images.c.id == ids[index]).values(is_index=True))
        request = await ask(db, ids["asked"], Reason.PERSON)
        ended = {"state": "done", "ended_at": database_now()}
        await db.execute(update(tables.requests).where(tables.requests.c.id == request).values(**ended))
        await db.execute(update(tables.images).values(body="{}", last_seen_at=OLD))
    assert {"named", "inside", "moved", "asked"} == await _asked_for(store, ids)
    async with store.writing() as db:
        await db.execute(delete(tables.requests))
        await db.execute(update(tables.tag_history).values(to_at=OLD))
    assert {"named", "inside"} == await _asked_for(store, ids)


async def _asked_for(store: Store, ids: dict[str, int]) -> set[str]:
    await ask_for_due(store, {"dummy": MadeWith()}, Freshness())
    query = select(tables.requests.c.image_id).where(tables.requests.c.state == "queued")
    async with store.reading() as db:
        asked = set((await db.execute(query)).scalars())
    return {name for name, one in ids.items() if one in asked}
