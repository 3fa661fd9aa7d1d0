"""The table of work: what is asked for, claimed, ended. The truth is here, not in a queue.

A request has an owner while it runs, and every write about it names request, owner and attempt: what an old owner says
late changes nothing. There is one open request for an image and a scanner set; who asks again joins it.

Statements that every scan needs are made once: making one costs more than running it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache, lru_cache
from typing import Any

from portus_images import message_line
from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Integer,
    SmallInteger,
    and_,
    bindparam,
    case,
    func,
    literal,
    not_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from ..store import POSTGRESQL, column_string, database_now, insert_into, tables
from .claimed import PRIORITIES, ClaimedRequest, ImageSource, Reason

requests, request_sources = tables.requests, tables.request_sources
_DEATHS = 3
"""How often a request may die while it runs alone, before nobody runs it any longer."""
_PUT_OFF = (900, 3_600, 21_600)
"""Seconds until a request is tried again that no source gave an image for, by how often that was; then a day."""
_DAY = 86_400
_UNKNOWN_AGAIN = 5
"""Seconds until a request is due again that an owner had without knowing it."""
_SOURCES = 5
"""In how many repositories an attempt looks for an image."""
_QUEUED, _RUNNING, _DONE, _FAILED, _DEAD = "queued", "running", "done", "failed", "dead"


async def ask(
    db: AsyncConnection,
    image_id: int,
    reason: Reason,
    *,
    source: tuple[int, str] | None = None,
    scanners: Iterable[str] = (),
    by: str = "",
    delay: float = 0.0,
) -> int:
    """Ask for a scan of an image, and return the request: a new one, or the open one, which may become more urgent.

    A request that is dead stays so, and is returned as it is, unless a person asks.

    Args:
        db: A transaction that writes.
        image_id: The image or index.
        reason: Why; says how urgent it is.
        source: A repository that has it, and its tag there or an empty string; others that are known to have it are
            tried after it.
        scanners: Only these; all that are enabled where empty.
        by: Who asks; empty where nobody says.
        delay: Seconds until it is due.
    """
    scanner_set = ",".join(sorted(set(scanners)))
    here = and_(requests.c.image_id == image_id, requests.c.scanner_set == scanner_set)
    dead = await db.scalar(
        select(requests.c.id).where(here, requests.c.state == _DEAD).order_by(requests.c.id).limit(1)
    )
    if dead is not None:
        if reason is Reason.PERSON:
            await ask_again(db, int(dead), by=by)
        return int(dead)
    values = {
        "image_id": image_id,
        "scanner_set": scanner_set,
        "reason": reason.value,
        "priority": PRIORITIES[reason],
        "asked_by": column_string(by),
    }
    request_id = int((await db.execute(_joining_or_adding(db.dialect.name, delay), values)).scalar_one())
    if source is not None:
        await _name_source(db, request_id, *source, error="")
    return request_id


@lru_cache(16)
def _joining_or_adding(dialect: str, delay: float) -> Any:
    """Return the statement that adds a request, or makes the open one as urgent as this one, and returns its id."""
    keys = ("image_id", "scanner_set", "reason", "priority", "asked_by")
    asked: Any = insert_into(dialect, requests).values(
        {one: bindparam(one) for one in keys} | {"due_at": database_now(delay)}
    )
    new = asked.excluded
    is_urgent = new.priority > requests.c.priority
    renewed = {
        "priority": case((is_urgent, new.priority), else_=requests.c.priority),
        "reason": case((is_urgent, new.reason), else_=requests.c.reason),
        "asked_by": case((is_urgent, new.asked_by), else_=requests.c.asked_by),
        "due_at": case((new.due_at < requests.c.due_at, new.due_at), else_=requests.c.due_at),
    }
    here = [requests.c.image_id, requests.c.scanner_set]
    joined = asked.on_conflict_do_update(index_elements=here, index_where=text(tables.OPEN), set_=renewed)
    return joined.returning(requests.c.id)


async def _name_source(db: AsyncConnection, request_id: int, repository_id: int, tag: str, *, error: str) -> None:
    """Note that a request looks for its image in a repository, and why that did not give it, if it did not."""
    values = {"request_id": request_id, "repository_id": repository_id, "tag": tag, "error": message_line(error)}
    await db.execute(_naming(db.dialect.name, is_fault=bool(error)), values)


@cache
def _naming(dialect: str, *, is_fault: bool) -> Any:
    named: Any = insert_into(dialect, request_sources)
    new = named.excluded
    seen = {"error": new.error} if is_fault else {"tag": new.tag, "error": ""}
    return named.on_conflict_do_update(index_elements=["request_id", "repository_id"], set_=seen)


async def claim(
    db: AsyncConnection, owner: str, *, idle: bool, least: int = 0, request_id: int | None = None
) -> ClaimedRequest | None:
    """Return the most urgent request that is due, as this owner's; None where there is none for it now.

    Args:
        db: A transaction that writes.
        owner: One life of a runner.
        idle: Whether this owner runs nothing else: a request that has to run alone is not given to another one.
        least: The priority that it has to have.
        request_id: The only one that is wanted; any where left out.
    """
    values = {"new_owner": owner, "least": least} | ({} if request_id is None else {"this": request_id})
    row = (await db.execute(_claiming(db.dialect.name, idle=idle, one=request_id is not None), values)).one_or_none()
    if row is None:
        return None
    digest, body, sources = await _sources(db, row.id, row.image_id)
    return ClaimedRequest(
        request_id=row.id,
        owner=owner,
        attempt=row.attempt,
        alone=row.alone,
        image_id=row.image_id,
        digest=digest,
        body=body,
        scanners=tuple(filter(None, row.scanner_set.split(","))),
        reason=Reason(row.reason),
        sources=sources,
    )


@cache
def _claiming(dialect: str, *, idle: bool, one: bool) -> Any:
    """Return the one UPDATE that is a claim."""
    due = (
        select(requests.c.id)
        .where(
            requests.c.state == _QUEUED,
            requests.c.due_at <= database_now(),
            requests.c.priority >= bindparam("least", type_=SmallInteger),
            requests.c.id == bindparam("this", type_=Integer) if one else literal(True),
            fits(),
        )
        .order_by(requests.c.priority.desc(), requests.c.id)
        .limit(1)
    )
    if dialect == POSTGRESQL:
        due = due.with_for_update(skip_locked=True)
    claimed = {"owner": bindparam("new_owner"), "attempt": requests.c.attempt + 1, "claimed_at": database_now()}
    return (
        update(requests)
        .where(requests.c.id == due.scalar_subquery(), requests.c.alone.is_(False) if not idle else literal(True))
        .values(state=_RUNNING, error="", **claimed)
        .returning(requests)
    )


def fits() -> ColumnElement[bool]:
    """Return an SQL condition: whether this program goes with the database's schema, which may be later by now."""
    return select(tables.programs.c.schema).where(tables.programs.c.schema == tables.SCHEMA).exists()


async def _sources(
    db: AsyncConnection, request_id: int, image_id: int
) -> tuple[str, str | None, tuple[ImageSource, ...]]:
    """Return an image's digest and body, and where it is: as named with the request, then others, latest first."""
    found = (await db.execute(_sourcing(), {"request_id": request_id, "image_id": image_id})).all()
    sources = [
        ImageSource(repository_id=row.id, host=row.host, repository=row.name, tag=row.tag)
        for row in found
        if row.id is not None
    ]
    return found[0].digest, found[0].body, tuple(sources)


@cache
def _sourcing() -> Any:
    """Return the query of an image and where it is said to be."""
    request_id, image_id = bindparam("request_id", type_=Integer), bindparam("image_id", type_=Integer)
    images, has, named, repositories, registries = (
        tables.images, tables.image_repositories, request_sources, tables.repositories, tables.registries
    )  # fmt: skip
    of_request = select(named.c.repository_id).where(named.c.request_id == request_id)
    of_image = select(has.c.repository_id).where(has.c.image_id == image_id)
    ids = of_request.union(of_image).subquery()
    is_named = and_(named.c.request_id == request_id, named.c.repository_id == ids.c.repository_id)
    is_there = and_(has.c.image_id == image_id, has.c.repository_id == ids.c.repository_id)
    joined = images.outerjoin(ids, literal(True)).outerjoin(repositories, repositories.c.id == ids.c.repository_id)
    joined = joined.outerjoin(registries, registries.c.id == repositories.c.registry_id)
    joined = joined.outerjoin(named, is_named).outerjoin(has, is_there)
    columns = repositories.c.id, registries.c.host, repositories.c.name, func.coalesce(named.c.tag, "").label("tag")
    order = case((named.c.request_id.is_(None), 1), else_=0), has.c.seen_at.desc(), repositories.c.id
    query = select(images.c.digest, images.c.body, *columns).select_from(joined).where(images.c.id == image_id)
    return query.order_by(*order).limit(_SOURCES)


async def finish(db: AsyncConnection, claimed: ClaimedRequest) -> bool:
    """End a request; False where it is no longer this owner's: nothing was changed, and nothing else may be written."""
    return await _end_by(db, claimed, _finishing())


async def has_ended(db: AsyncConnection, claimed: ClaimedRequest) -> bool:
    """Return whether this owner's attempt has ended the request: the answer to an earlier `finish` was lost."""
    mine = and_(requests.c.owner == claimed.owner, requests.c.attempt == claimed.attempt, requests.c.state == _DONE)
    return await db.scalar(select(requests.c.id).where(requests.c.id == claimed.request_id, mine)) is not None


async def give_up(db: AsyncConnection, claimed: ClaimedRequest, error: str) -> bool:
    """End a request for an image that no source has any longer; see `finish` for what is returned."""
    return await _end(db, claimed, state=_FAILED, ended_at=database_now(), step="resolve", error=message_line(error))


async def put_off(db: AsyncConnection, claimed: ClaimedRequest, step: str, error: str) -> bool:
    """Queue a request again that no source gave an image for: later each time. See `finish` for what is returned."""
    whens = [(requests.c.failures == times, database_now(seconds)) for times, seconds in enumerate(_PUT_OFF)]
    later = case(*whens, else_=database_now(_DAY))
    values = {"state": _QUEUED, "owner": None, "due_at": later, "failures": requests.c.failures + 1}
    return await _end(db, claimed, **values, step=column_string(step), error=message_line(error))


async def give_back(db: AsyncConnection, claimed: ClaimedRequest) -> bool:
    """Queue a request again as if it had never been claimed: on SIGTERM. See `finish` for what is returned."""
    return await _end(db, claimed, state=_QUEUED, owner=None)


async def note_source(db: AsyncConnection, claimed: ClaimedRequest, source: ImageSource, error: str) -> None:
    """Note why a repository did not give an image."""
    await _name_source(db, claimed.request_id, source.repository_id, source.tag, error=error or "it gave no reason")


async def _end(db: AsyncConnection, claimed: ClaimedRequest, **values: Any) -> bool:
    return await _end_by(db, claimed, _ending().values(**values))


async def _end_by(db: AsyncConnection, claimed: ClaimedRequest, statement: Any) -> bool:
    mine = {"its_id": claimed.request_id, "its_owner": claimed.owner, "its_attempt": claimed.attempt}
    ended: CursorResult[Any] = await db.execute(statement, mine)
    return ended.rowcount == 1


@cache
def _ending() -> Any:
    """Return the UPDATE of a request that this owner still runs in this attempt."""
    return update(requests).where(
        requests.c.id == bindparam("its_id"),
        requests.c.owner == bindparam("its_owner"),
        requests.c.attempt == bindparam("its_attempt"),
        requests.c.state == _RUNNING,
    )


@cache
def _finishing() -> Any:
    return _ending().values(state=_DONE, ended_at=database_now(), step="", error="")


async def give_back_unknown(db: AsyncConnection, owner: str, held: Collection[int]) -> int:
    """Queue again what an owner has without knowing it, since the answer to a claim was lost; return how much it was.

    Args:
        db: A transaction that writes.
        owner: One life of a runner, which claims nothing meanwhile.
        held: The requests that it knows to be its own.
    """
    unknown = and_(requests.c.state == _RUNNING, requests.c.owner == owner, requests.c.id.not_in(list(held)))
    values = {"state": _QUEUED, "owner": None, "due_at": database_now(_UNKNOWN_AGAIN)}
    returned: CursorResult[Any] = await db.execute(update(requests).where(unknown).values(**values))
    return returned.rowcount


async def died(db: AsyncConnection, owners: Sequence[str] | None = None) -> int:
    """Take back what owners were running whose process is gone, and return how much that was.

    Each of these requests runs alone next. Only one that did run alone is counted; the third time it is dead.

    Args:
        db: A transaction that writes.
        owners: The owners; all of them when left out.
    """
    deaths = requests.c.deaths + case((requests.c.alone, 1), else_=0)
    is_over = deaths >= literal(_DEATHS, Integer)
    error = case((is_over, f"its process died {_DEATHS} times while nothing else ran"), else_="its process died")
    values = {
        "state": case((is_over, _DEAD), else_=_QUEUED),
        "ended_at": case((is_over, database_now()), else_=None),
        "deaths": deaths,
        "alone": True,
        "owner": None,
        "error": error,
    }
    lost = requests.c.state == _RUNNING
    if owners is not None:
        lost &= requests.c.owner.in_(owners)
    ended: CursorResult[Any] = await db.execute(update(requests).where(lost).values(**values))
    return ended.rowcount


async def ask_again(db: AsyncConnection, request_id: int, *, by: str = "") -> bool:
    """Queue a request again that is dead or has failed; it runs alone if it was dead.

    Returns:
        Whether there is such a request, and no other one open for the same.
    """
    other = requests.alias()
    is_open = and_(
        other.c.image_id == requests.c.image_id,
        other.c.scanner_set == requests.c.scanner_set,
        other.c.state.in_((_QUEUED, _RUNNING)),
    )
    values = {
        "state": _QUEUED,
        "reason": Reason.PERSON.value,
        "priority": PRIORITIES[Reason.PERSON],
        "asked_by": column_string(by),
        "due_at": database_now(),
        "asked_at": database_now(),
        "ended_at": None,
        "deaths": 0,
        "failures": 0,
    }
    ended = and_(requests.c.id == request_id, requests.c.state.in_((_DEAD, _FAILED)))
    again = update(requests).where(ended, not_(select(other.c.id).where(is_open).exists())).values(**values)
    result: CursorResult[Any] = await db.execute(again)
    return result.rowcount == 1
