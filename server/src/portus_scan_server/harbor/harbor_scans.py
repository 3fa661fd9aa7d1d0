"""The table of scans that Harbor has asked for, from its request to the bytes of the report.

``new``: the credentials were not tried yet. ``asked``: the registry has the image for them, and it is in the table of
work, `request_id`. ``done``: there is a report. ``failed``: there is an error. One that has ended has no credentials.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from portus_images import message_line
from sqlalchemy import Row, and_, delete, func, insert, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ..requests import Reason, ask
from ..store import database_now, put_image, put_in_repository, put_repository, tables
from .harbor_documents import HarborRequest

scans, requests = tables.harbor_scans, tables.requests
NEW, ASKED, DONE, FAILED = "new", "asked", "done", "failed"
_DAY = 86_400
_BATCH = 100
_OPEN = scans.c.ended_at.is_(None)
_OVER = scans.c.over_at <= database_now()


async def put_scan(
    db: AsyncConnection, uid: str, registration: str, asked: HarborRequest, sealed: bytes, timeout: float
) -> None:
    """Store a scan that a registration asks for; it has *timeout* seconds, and encrypted credentials."""
    about = {key: asked.artifact[key] for key in ("repository", "digest", "tag")}
    values = {"uid": uid, "registration": registration, "url": asked.url, "sealed": sealed, **about}
    artifact = json.dumps(dict(asked.artifact))
    await db.execute(insert(scans).values(**values, artifact=artifact, over_at=database_now(timeout)))


async def count_open(db: AsyncConnection) -> int:
    """Return how many scans have not ended."""
    return int(await db.scalar(select(func.count()).select_from(scans).where(_OPEN)) or 0)


async def find_scan(db: AsyncConnection, registration: str, uid: str) -> Row[Any] | None:
    """Return the state, the error and the report of a scan, and whether its time is over; None for an unknown one."""
    columns = scans.c.state, scans.c.error, scans.c.report, _OVER.label("is_over")
    query = select(*columns).where(scans.c.uid == uid, scans.c.registration == registration)
    return (await db.execute(query)).one_or_none()


async def load_new(db: AsyncConnection) -> Sequence[Row[Any]]:
    """Return scans whose credentials were not tried yet, the oldest first."""
    query = select(scans).where(_OPEN, not_(_OVER), scans.c.state == NEW)
    return (await db.execute(query.order_by(scans.c.asked_at, scans.c.uid).limit(_BATCH))).all()


async def ask_for(db: AsyncConnection, scan: Row[Any], host: str) -> None:
    """Ask for the image of a scan, which the registry has for its credentials.

    One that was begun after Harbor has asked is as good as another one: what several requests ask about at once is
    scanned once, and each of them has shown that it may know of it.
    """
    image_id = await put_image(db, scan.digest)
    repository_id = await put_repository(db, host, scan.repository)
    await put_in_repository(db, image_id, repository_id)
    of_it = and_(requests.c.image_id == image_id, requests.c.scanner_set == "", requests.c.state == "done")
    begun = select(func.max(requests.c.id)).where(of_it, requests.c.claimed_at >= scan.asked_at)
    request_id = await db.scalar(begun)
    if request_id is None:
        request_id = await ask(db, image_id, Reason.HARBOR, source=(repository_id, scan.tag), by=scan.registration)
        # an open one that was put off is tried now: what it came to before says nothing of these credentials
        await db.execute(update(requests).where(requests.c.id == request_id).values(failures=0))
    mine = and_(scans.c.uid == scan.uid, scans.c.state == NEW, _OPEN)
    await db.execute(update(scans).where(mine).values(state=ASKED, request_id=request_id))


async def load_ready(db: AsyncConnection) -> Sequence[Row[Any]]:
    """Return scans whose request has ended or was put off, or that have no time left, the oldest first.

    Each has the members of its request: `request_state` (None where it was removed), `failures`, `request_error`.
    """
    columns = (
        requests.c.state.label("request_state"),
        requests.c.failures,
        requests.c.error.label("request_error"),
        _OVER.label("is_over"),
    )
    joined = scans.outerjoin(requests, requests.c.id == scans.c.request_id)
    waits = or_(requests.c.state == "running", and_(requests.c.state == "queued", requests.c.failures == 0))
    ready = and_(scans.c.state == ASKED, or_(requests.c.id.is_(None), not_(waits)))
    query = select(scans, *columns).select_from(joined).where(_OPEN, or_(_OVER, ready))
    return (await db.execute(query.order_by(scans.c.asked_at, scans.c.uid).limit(_BATCH))).all()


async def end_scan(db: AsyncConnection, uid: str, *, error: str = "", report: bytes | None = None) -> None:
    """End a scan with its report, or with why there is none; its credentials are erased. One that has ended stays."""
    said = {"state": DONE, "report": report} if report is not None else {"state": FAILED, "error": message_line(error)}
    ended = {**said, "sealed": None, "ended_at": database_now()}
    await db.execute(update(scans).where(scans.c.uid == uid, _OPEN).values(**ended))


async def find_credentials(db: AsyncConnection, registration: str, repository: str, digest: str) -> Row[Any] | None:
    """Return the newest open scan of a repository's image whose credentials the registry has taken; None for none."""
    mine = and_(scans.c.registration == registration, scans.c.repository == repository, scans.c.digest == digest)
    tried = and_(scans.c.state == ASKED, scans.c.sealed.is_not(None))
    query = select(scans).where(mine, tried, _OPEN, not_(_OVER))
    return (await db.execute(query.order_by(scans.c.asked_at.desc(), scans.c.uid).limit(1))).one_or_none()


async def still_open(db: AsyncConnection, uids: Sequence[str]) -> set[str]:
    """Return those of some scans that have not ended, and have time left."""
    return set((await db.execute(select(scans.c.uid).where(scans.c.uid.in_(uids), _OPEN, not_(_OVER)))).scalars())


async def tidy(db: AsyncConnection) -> None:
    """Erase credentials that nobody needs, forget scans that ended a day ago, and take requests back for none.

    A request that only Harbor has asked for can't be run when its credentials are gone: it would fail for ever.
    """
    needless = or_(scans.c.ended_at.is_not(None), _OVER, scans.c.asked_at <= database_now(-_DAY))
    await db.execute(update(scans).where(scans.c.sealed.is_not(None), needless).values(sealed=None))
    await db.execute(delete(scans).where(scans.c.ended_at <= database_now(-_DAY)))
    wanted = select(scans.c.uid).where(scans.c.request_id == requests.c.id, _OPEN).exists()
    left = and_(requests.c.state == "queued", requests.c.reason == Reason.HARBOR.value, not_(wanted))
    ended = {"state": "failed", "ended_at": database_now(), "error": "Harbor no longer waits for it"}
    await db.execute(update(requests).where(left).values(**ended))
