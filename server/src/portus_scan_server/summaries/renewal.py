"""Summaries in the database: written when a scan ends, renewed when the rules have changed or time has passed.

A summary that was made under other rules, or whose time is over, is still there: `is_current` says so to every reader,
and it is shown with a mark until it is renewed.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

from portus_images import Image, Reference
from portus_scanners import Severity, Verdict
from sqlalchemy import ColumnElement, Row, Select, Text, and_, bindparam, case, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ..answers import AnswerDoubt
from ..store import Store, StoreDamagedError, database_now, load_answers, load_image, put_row, tables
from .summary import Rules, Summary, summarize

logger = logging.getLogger("portus_scan_server.summaries")

summaries, images, index_images = tables.summaries, tables.images, tables.index_images
_BATCH = 20
"""How many images are renewed before anything else gets its turn."""
_REST = 600.0
"""Seconds until those are tried again that could not be made."""
_CONTAINING = select(index_images.c.index_id).where(index_images.c.image_id == bindparam("of_image")).distinct()
_ORDER = {Verdict.VULNERABLE.value: 2, Verdict.UNKNOWN.value: 1, Verdict.CLEAN.value: 0}

TellFailing: TypeAlias = Callable[[AsyncConnection, str, Sequence[str], Sequence[str]], Awaitable[None]]
"""Writes, in a transaction, that the image of this digest, with these names, fails for these reasons."""


def is_current(rules: Rules | None = None) -> ColumnElement[bool]:
    """Return the condition of a summary that is true now; one that does not hold has to be marked.

    Args:
        rules: The rules of now; when left out, those whose fingerprint is the parameter ``configuration``.
    """
    in_time = or_(summaries.c.holds_until.is_(None), summaries.c.holds_until > database_now())
    configuration = bindparam("configuration", type_=Text) if rules is None else rules.fingerprint
    return and_(summaries.c.configuration == configuration, in_time)


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
    await _put_indexes(db, image_id, rules)


async def extend_summary(
    db: AsyncConnection, image_id: int, updated: Collection[datetime | None], rules: Rules
) -> bool:
    """Let the summary of an image hold on, all of whose scanners have answered now as before.

    Args:
        db: A transaction that writes.
        image_id: The image.
        updated: When the data of each scanner was updated; None where that is not known.
        rules: The rules of now.

    Returns:
        False, with nothing written, where it is not current, or more than the answers decides what it says.
    """
    if not rules.only_answers_count:
        return False
    known = [one for one in updated if one is not None]
    oldest = min(known) if known and len(known) == len(updated) else None
    written = await db.execute(_extending(rules), {"of_image": image_id, "oldest": oldest})
    if written.rowcount:
        await _put_indexes(db, image_id, rules)
    return bool(written.rowcount)


@lru_cache(4)
def _extending(rules: Rules) -> Any:
    """Return the UPDATE of a summary that is current."""
    times = {"checked_at": database_now(), "made_at": database_now()}
    values = {"holds_until": database_now(rules.max_age.total_seconds()), "oldest_database": bindparam("oldest")}
    mine = and_(summaries.c.image_id == bindparam("of_image"), is_current(rules))
    return update(summaries).where(mine).values(**times, **values)


async def _put_indexes(db: AsyncConnection, image_id: int, rules: Rules) -> None:
    """Write the summary of each index that an image is in."""
    found = await db.execute(_CONTAINING, {"of_image": image_id})
    for index_id in sorted(found.scalars()):
        await put_index_summary(db, index_id, rules)


async def put_index_summary(db: AsyncConnection, index_id: int, rules: Rules) -> bool:
    """Write the summary of an index: the worst of the images in it that can be run; without one, unknown.

    It is marked where one of theirs is, and says that something was not scanned where one has none.

    Returns:
        Whether it is current, as far as the rules go.
    """
    # two of its images may end at once: who comes second has to see what the first has written
    await db.execute(select(images.c.id).where(images.c.id == index_id).with_for_update())
    mine = and_(index_images.c.index_id == index_id, index_images.c.runnable)
    query = select(index_images.c.position, summaries).outerjoin(
        summaries, summaries.c.image_id == index_images.c.image_id
    )
    rows = (await db.execute(query.where(mine).order_by(index_images.c.position))).all()
    known = [row for row in rows if row.image_id is not None]
    values = _united(known) if known else _NOTHING_KNOWN
    if len(known) < len(rows) or not rows:
        values = {**values, **_with_unscanned(values, rules)}
    others = [row.configuration for row in known if row.configuration != rules.fingerprint]
    await _put(db, index_id, {**values, "configuration": others[0] if others else rules.fingerprint})
    return not others


_NOTHING_KNOWN: dict[str, Any] = {
    "verdict": Verdict.UNKNOWN.value,
    **dict.fromkeys([*tables.SEVERITIES, "total", "fixable", "suppressed"], 0),
    "gate": "",
    "violations": "[]",
    "doubts": "{}",
    **dict.fromkeys(["oldest_database", "checked_at", "holds_until"]),
}


def _united(known: Sequence[Row[Any]]) -> dict[str, Any]:
    """Return the columns of an index whose images have these summaries."""
    worst = max(known, key=_badness)
    values = {name: getattr(worst, name) for name in _NOTHING_KNOWN}
    failed = [row.violations for row in known if row.gate == "fail"]
    if failed:
        said = dict.fromkeys(line for one in failed for line in json.loads(one))
        values |= {"gate": "fail", "violations": json.dumps(list(said)[:20])}
    elif any(not row.gate for row in known):
        values["gate"] = ""
    for name in ("oldest_database", "checked_at"):
        dates = [getattr(row, name) for row in known]
        values[name] = None if None in dates else min(dates)
    values["holds_until"] = min((row.holds_until for row in known if row.holds_until), default=None)
    values["doubts"] = _united_doubts(row.doubts for row in known)
    return values


def _with_unscanned(values: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """Return what is other where an image of an index has no summary yet: nothing is clean, and no gate has passed."""
    is_clean = values["verdict"] == Verdict.CLEAN.value
    not_scanned = json.dumps({name: [AnswerDoubt.NOT_SCANNED.value] for name in rules.enabled})
    return {
        "verdict": Verdict.UNKNOWN.value if is_clean else values["verdict"],
        "gate": values["gate"] if values["gate"] == "fail" else "",
        "doubts": _united_doubts([values["doubts"], not_scanned]),
        **dict.fromkeys(["oldest_database", "checked_at"]),
    }


def _badness(row: Row[tuple[object, ...]]) -> tuple[int, ...]:
    return _ORDER[row.verdict], *(getattr(row, severity.value) for severity in sorted(Severity, reverse=True))


def _united_doubts(said: Iterable[str]) -> str:
    """Return the doubts of all images of an index."""
    united: dict[str, list[str]] = {}
    for name, why in (pair for one in said for pair in json.loads(one).items()):
        united[name] = list(dict.fromkeys((*united.get(name, ()), *why)))
    return json.dumps(united)


async def _put(db: AsyncConnection, image_id: int, values: Mapping[str, object]) -> None:
    await put_row(db, summaries, {"image_id": image_id}, {**values, "made_at": database_now()})


class SummaryRenewal:
    """Makes summaries anew that are not current, a batch at a time, round and round: the turn of each one comes.

    Indexes come last in a round: their images' summaries make theirs. One that can't be made anew stays marked, and
    keeps no other one waiting; when all that is left are such, the next round begins later.

    Args:
        store: The database.
        rules: The rules of now.
        failing: Writes that an image no longer passes the gate since time has passed; not that the rules are others.
    """

    def __init__(self, store: Store, rules: Rules, failing: TellFailing | None = None) -> None:
        self._store = store
        self._rules = rules
        self._failing = failing
        self._after = (0, 0)
        self._damaged: set[int] = set()
        self._made = 0
        self._rests_until = 0.0

    async def renew_some(self) -> int:
        """Make a batch at most; return how many were made.

        Raises:
            StoreUnavailableError: The database can't be used.
        """
        clock = asyncio.get_running_loop().time
        if clock() < self._rests_until:
            return 0
        async with self._store.reading() as db:
            found = (await db.execute(_stale(self._rules, self._after))).all()
        made = 0
        for row in found:
            made += await self._renew_one(row.id, is_index=row.is_index)
            self._after = row.place, row.id
        self._made += made
        if len(found) < _BATCH:
            if self._after != (0, 0) and not self._made:
                self._rests_until = clock() + _REST
            self._after, self._made = (0, 0), 0
        return made

    async def _renew_one(self, image_id: int, *, is_index: bool) -> bool:
        try:
            if is_index:
                async with self._store.writing() as db:
                    return await put_index_summary(db, image_id, self._rules)
            await _renew(self._store, image_id, self._rules, self._failing)
        except StoreDamagedError as error:
            if image_id not in self._damaged:
                logger.error("the summary of image %d is not renewed: %s", image_id, error)  # noqa: TRY400
            self._damaged.add(image_id)
            return False
        self._damaged.discard(image_id)
        return True


def _stale(rules: Rules, after: tuple[int, int]) -> Select[Any]:
    """Return the query for the next batch of summaries that are not current."""
    place = case((images.c.is_index, 1), else_=0)
    query = select(images.c.id, images.c.is_index, place.label("place")).join(
        summaries, summaries.c.image_id == images.c.id
    )
    later = or_(place > after[0], and_(place == after[0], images.c.id > after[1]))
    return query.where(not_(is_current(rules)), later).order_by(place, images.c.id).limit(_BATCH)


async def _renew(store: Store, image_id: int, rules: Rules, failing: TellFailing | None) -> None:
    async with store.reading() as db:
        answers, seen = await load_answers(db, image_id, rules.enabled), await pointers(db, image_id)
        image, names, now = await any_image(db, image_id), await names_of(db, image_id), await read_now(db)
    if image is None:
        return
    summary = await asyncio.to_thread(summarize, image, names, answers, rules, now=now)
    async with store.writing() as db:
        if seen == await pointers(db, image_id):  # else a scan has ended meanwhile, and has written its own
            passed = summaries.c.gate == "pass", summaries.c.configuration == rules.fingerprint
            before = await db.scalar(select(images.c.digest).join(summaries).where(images.c.id == image_id, *passed))
            await put_summary(db, image_id, summary, rules)
            if failing is not None and before is not None and summary.gate is False:
                await failing(db, before, names, summary.violations)


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
