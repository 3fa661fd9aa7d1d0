"""Summaries in the database: written when a scan ends, renewed when the rules have changed or time has passed.

A summary that was made under other rules, or whose time is over, is still there: `is_current` says so to every reader,
and it is shown with a mark until it is renewed.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from portus_images import Image, Reference
from portus_scanners import Severity, Verdict
from sqlalchemy import ColumnElement, Row, and_, case, insert, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ..store import Store, StoreDamagedError, database_now, load_answers, load_image, tables
from .summary import Rules, Summary, summarize

logger = logging.getLogger("portus_scan_server.summaries")

_BATCH = 20
"""How many images are renewed before anything else gets its turn."""
_ORDER = {Verdict.VULNERABLE.value: 2, Verdict.UNKNOWN.value: 1, Verdict.CLEAN.value: 0}

summaries, images, index_images = tables.summaries, tables.images, tables.index_images


def is_current(rules: Rules) -> ColumnElement[bool]:
    """Return the condition of a summary that is true now; one that does not hold has to be marked."""
    in_time = or_(summaries.c.holds_until.is_(None), summaries.c.holds_until > database_now())
    return and_(summaries.c.configuration == rules.fingerprint, in_time)


async def read_now(db: AsyncConnection) -> datetime:
    """Return the time by the database's clock."""
    return (await db.execute(select(database_now().label("now")))).scalar_one()


async def names_of(db: AsyncConnection, image_id: int) -> list[str]:
    """Return the references that people know an image by: tags of it or of an index that it is in, else its digest."""
    tags, repositories, registries, has = tables.tags, tables.repositories, tables.registries, tables.image_repositories
    containing = select(index_images.c.index_id).where(index_images.c.image_id == image_id)
    joined = repositories.join(registries, registries.c.id == repositories.c.registry_id)
    tagged = (
        select(registries.c.host, repositories.c.name, tags.c.name.label("tag"))
        .select_from(tags.join(joined, tags.c.repository_id == repositories.c.id))
        .where(or_(tags.c.image_id == image_id, tags.c.image_id.in_(containing)), tags.c.gone_at.is_(None))
    )
    found = [f"{row.host}/{row.name}:{row.tag}" for row in await db.execute(tagged.order_by(tags.c.id))]
    if found:
        return found
    held = (
        select(registries.c.host, repositories.c.name, images.c.digest)
        .select_from(
            has.join(joined, has.c.repository_id == repositories.c.id).join(images, images.c.id == has.c.image_id)
        )
        .where(has.c.image_id == image_id)
    )
    return [f"{row.host}/{row.name}@{row.digest}" for row in await db.execute(held.order_by(repositories.c.id))]


async def put_summary(db: AsyncConnection, image_id: int, summary: Summary, rules: Rules) -> None:
    """Write the summary of an image, and that of each index that it is in; in a transaction that writes."""
    await _put(db, image_id, {**summary.columns, "configuration": rules.fingerprint})
    found = await db.execute(select(index_images.c.index_id).where(index_images.c.image_id == image_id).distinct())
    for index_id in sorted(found.scalars()):
        await put_index_summary(db, index_id, rules)


async def put_index_summary(db: AsyncConnection, index_id: int, rules: Rules) -> None:
    """Write the summary of an index: the worst of the images in it that can be run; without one, unknown."""
    # two of its images may end at once: who comes second has to see what the first has written
    await db.execute(select(images.c.id).where(images.c.id == index_id).with_for_update())
    mine = and_(index_images.c.index_id == index_id, index_images.c.runnable)
    query = select(index_images.c.position, summaries).outerjoin(
        summaries, summaries.c.image_id == index_images.c.image_id
    )
    rows = (await db.execute(query.where(mine).order_by(index_images.c.position))).all()
    known = [row for row in rows if row.image_id is not None]
    columns = [one.name for one in summaries.columns if one.name not in {"image_id", "made_at"}]
    if not rows or not known:
        return await _put(db, index_id, {"configuration": rules.fingerprint, "verdict": Verdict.UNKNOWN.value})
    worst = max(known, key=_badness)
    values = {name: getattr(worst, name) for name in columns}
    if len(known) < len(rows) and values["verdict"] == Verdict.CLEAN.value:
        values["verdict"] = Verdict.UNKNOWN.value
    if len(known) < len(rows) and values["gate"] == "pass":
        values["gate"] = ""
    values["gate"] = "fail" if any(row.gate == "fail" for row in known) else values["gate"]
    current = [row for row in known if row.configuration != rules.fingerprint]
    values["configuration"] = current[0].configuration if current else rules.fingerprint
    for name in ("oldest_database", "checked_at"):
        dates = [getattr(row, name) for row in rows]
        values[name] = None if None in dates else min(dates)
    values["holds_until"] = min((row.holds_until for row in known if row.holds_until), default=None)
    values["doubts"] = _united(row.doubts for row in known)
    return await _put(db, index_id, values)


def _badness(row: Row[tuple[object, ...]]) -> tuple[int, ...]:
    return _ORDER[row.verdict], *(getattr(row, severity.value) for severity in sorted(Severity, reverse=True))


def _united(said: Iterable[str]) -> str:
    """Return the doubts of all images of an index."""
    united: dict[str, list[str]] = {}
    for name, why in (pair for one in said for pair in json.loads(one).items()):
        united[name] = list(dict.fromkeys((*united.get(name, ()), *why)))
    return json.dumps(united)


async def _put(db: AsyncConnection, image_id: int, values: Mapping[str, object]) -> None:
    written = await db.execute(
        update(summaries).where(summaries.c.image_id == image_id).values(**values, made_at=database_now())
    )
    if not written.rowcount:
        await db.execute(insert(summaries).values(image_id=image_id, **values))


async def renew_summaries(store: Store, rules: Rules) -> int:
    """Make some summaries anew that are not current, a batch at most; return how many there were.

    Indexes come last: their images' summaries make theirs.
    """
    stale = (
        select(images.c.id, images.c.is_index)
        .join(summaries, summaries.c.image_id == images.c.id)
        .where(not_(is_current(rules)))
        .order_by(case((images.c.is_index, 1), else_=0), images.c.id)
        .limit(_BATCH)
    )
    async with store.reading() as db:
        found = (await db.execute(stale)).all()
    for image_id, is_index in found:
        if is_index:
            async with store.writing() as db:
                await put_index_summary(db, image_id, rules)
        else:
            try:
                await _renew(store, image_id, rules)
            except StoreDamagedError as error:  # the others' turn comes; this one stays marked
                logger.error("the summary of image %d is not renewed: %s", image_id, error)  # noqa: TRY400
    return len(found)


async def _renew(store: Store, image_id: int, rules: Rules) -> None:
    async with store.reading() as db:
        answers, seen = await load_answers(db, image_id, rules.enabled), await pointers(db, image_id)
        image, names, now = await any_image(db, image_id), await names_of(db, image_id), await read_now(db)
    if image is None:
        return
    summary = await asyncio.to_thread(summarize, image, names, answers, rules, now=now)
    async with store.writing() as db:
        if seen == await pointers(db, image_id):  # else a scan has ended meanwhile, and has written its own
            await put_summary(db, image_id, summary, rules)


async def any_image(db: AsyncConnection, image_id: int) -> Image | None:
    """Return an image under a name that says nothing; None where the resolver was not asked yet."""
    return await load_image(db, image_id, Reference.parse("unnamed"))


async def pointers(db: AsyncConnection, image_id: int) -> Sequence[tuple[object, ...]]:
    """Return what tells one state of an image's runs from another one."""
    latest, runs = tables.latest, tables.runs
    columns = latest.c.scanner, latest.c.answer_id, latest.c.said_id, latest.c.try_id, runs.c.times
    joined = latest.join(runs, runs.c.id == latest.c.try_id)
    query = select(*columns).select_from(joined).where(latest.c.image_id == image_id).order_by(latest.c.scanner)
    return [tuple(row) for row in await db.execute(query)]
