"""Which images are due again: the planner. The rule is `when_again`; SQL only leaves out what can't be due."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from portus_scanners import Outcome
from sqlalchemy import ColumnElement, Row, Select, and_, false, not_, or_, select, true

from .answers import FIRST_RETRY, Freshness, LastTry, MadeWith, when_again
from .requests import Reason, ask
from .store import Store, column_string, database_now, is_out_of_use, read_made_with, tables

_BATCH = 500
"""How many images are looked at in one transaction."""
UNTAGGED = timedelta(days=30)
_SAYS_SOMETHING = ("ok", "incomplete", "unsupported")

latest, runs, images, requests = tables.latest, tables.runs, tables.images, tables.requests


async def ask_for_due(
    store: Store,
    scanners: Mapping[str, MadeWith],
    freshness: Freshness,
    *,
    untagged: timedelta = UNTAGGED,
    shut: Collection[str] = (),
) -> int:
    """Ask for the images whose answers are no longer good, and return how many there were.

    An image counts that was resolved once, is no index, has neither an open nor a dead request, and was not given up
    within the last `Freshness.age`: no repository gives it any longer. One that is out of use is left to become
    outdated, which is what it is then called; whoever asks for it brings it back.

    Args:
        store: The database.
        scanners: What the runs of each enabled scanner are made with now.
        freshness: See `when_again`.
        untagged: For how long an image counts that no tag names any longer, itself or through an index, and that nobody
            has seen or asked for.
        shut: Registries that can't be asked without being told how: an image that only these have is left alone.

    Raises:
        StoreUnavailableError: The database can't be used.
    """
    asked = 0
    for name, made_with in scanners.items():
        after = 0
        while True:
            async with store.writing() as db:
                now = (await db.execute(select(database_now().label("now")))).scalar_one()
                candidates = _candidates(name, made_with, freshness, untagged, after)
                rows = (await db.execute(candidates.where(_is_open(shut)))).all()
                for row in rows:
                    due = when_again(_last_try(row), made_with, now=now, freshness=freshness)
                    if due.at <= now:
                        await ask(db, row.image_id, Reason.RESCAN)
                        asked += 1
            if len(rows) < _BATCH:
                break
            after = rows[-1].image_id
    return asked


def _last_try(row: Row[Any]) -> LastTry | None:
    if row.outcome is None:
        return None
    made_with = read_made_with(row)
    return LastTry(outcome=Outcome(row.outcome), times=row.times, checked_at=row.checked_at, made_with=made_with)


def _is_open(shut: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that an image is in a registry that can be asked, or in none."""
    held, repositories, registries = tables.image_repositories, tables.repositories, tables.registries
    joined = held.join(repositories, repositories.c.id == held.c.repository_id)
    joined = joined.join(registries, registries.c.id == repositories.c.registry_id)
    of_it = select(held.c.image_id).select_from(joined).where(held.c.image_id == images.c.id)
    return or_(of_it.where(registries.c.host.not_in(shut)).exists(), not_(of_it.exists())) if shut else true()


def _candidates(name: str, made_with: MadeWith, freshness: Freshness, untagged: timedelta, after: int) -> Select[Any]:
    """Return the query for images that may be due for a scanner, by id, with its last try; no other one is due."""
    version = column_string(made_with.scanner_version)
    changed = or_(
        runs.c.id.is_(None),
        runs.c.plugin_version.is_distinct_from(column_string(made_with.plugin_version)),
        runs.c.scanner_version.is_distinct_from(version) if version else false(),
        runs.c.settings.is_distinct_from(made_with.settings),
        runs.c.database_identity.is_distinct_from(made_with.database and column_string(made_with.database)),
    )
    failed = and_(
        runs.c.outcome.not_in(_SAYS_SOMETHING), runs.c.checked_at <= database_now(-FIRST_RETRY.total_seconds())
    )
    old = runs.c.checked_at <= database_now(-freshness.limit(made_with.database).total_seconds())
    given_up = and_(requests.c.state == "failed", requests.c.ended_at > database_now(-freshness.age.total_seconds()))
    busy = select(requests.c.id).where(
        requests.c.image_id == images.c.id,
        requests.c.scanner_set == "",
        or_(requests.c.state.in_(("queued", "running", "dead")), given_up),
    )
    unused = is_out_of_use(database_now(-untagged.total_seconds()))
    known = and_(images.c.body.is_not(None), images.c.is_index.is_(False), images.c.id > after)
    joined = images.outerjoin(latest, and_(latest.c.image_id == images.c.id, latest.c.scanner == name))
    query = select(images.c.id.label("image_id"), *_columns).select_from(
        joined.outerjoin(runs, runs.c.id == latest.c.try_id)
    )
    return (
        query.where(known, or_(changed, failed, old), not_(busy.exists()), not_(unused))
        .order_by(images.c.id)
        .limit(_BATCH)
    )


_columns = (
    runs.c.outcome,
    runs.c.times,
    runs.c.checked_at,
    runs.c.plugin_version,
    runs.c.scanner_version,
    runs.c.settings,
    runs.c.database_identity,
    runs.c.database_updated,
)
