"""Scans at times: what a person writes as cron does, in one time zone, followed once however long nobody was here."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim
from sqlalchemy import select, update

from ..requests import Reason, ask
from ..settings import Registries, ScheduleSettings
from ..store import Store, database_now, insert_into, tables

schedules, tags, repositories, registries = tables.schedules, tables.tags, tables.repositories, tables.registries
_BATCH = 200
"""Requests in one transaction."""


async def follow_schedules(store: Store, schedule: ScheduleSettings, watched: Registries) -> int:
    """Ask for what is due by the schedule, and return how many scans that were.

    A time that has passed while nobody was here is followed now, and once. One that was never seen counts from now on.

    Args:
        store: The database.
        schedule: Times, and which repositories they are for.
        watched: The registries, whose names stand in the schedule.

    Raises:
        StoreUnavailableError: The database can't be used.
    """
    asked = 0
    for times in schedule.rescans:
        name = f"{schedule.timezone} {times.at} {times.repositories}"
        here = schedules.c.name == name
        async with store.writing() as db:
            now = (await db.execute(select(database_now().label("now")))).scalar_one()
            last = await db.scalar(select(schedules.c.last_at).where(here))
            if last is None:
                await db.execute(insert_into(db.dialect.name, schedules).values(name=name).on_conflict_do_nothing())
        if last is not None and next_time(times.at, last, schedule.timezone) <= now:
            asked += await ask_for_all(store, times.repositories, watched)
            async with store.writing() as db:  # afterwards: what is asked twice is asked once
                await db.execute(update(schedules).where(here).values(last_at=now))
    return asked


def next_time(at: str, after: datetime, timezone: str) -> datetime:
    """Return the first time after another at which a schedule is due.

    Args:
        at: Five fields, as cron has them.
        after: A time with a time zone.
        timezone: In which the fields are.
    """
    found: datetime = next(CronSim(at, after.astimezone(ZoneInfo(timezone))))
    return found


async def ask_for_all(store: Store, names: str, watched: Registries) -> int:
    """Ask for every tagged image of the repositories whose names fit, as in `RescanTimes`; return how many."""
    pattern = ".*".join(map(re.escape, names.split("*")))
    joined = repositories.join(registries, registries.c.id == repositories.c.registry_id)
    query = select(repositories.c.id, repositories.c.name, registries.c.host).select_from(joined)
    async with store.reading() as db:
        rows = (await db.execute(query.order_by(repositories.c.id))).all()
    asked = 0
    for row in rows:
        registry = watched.find(row.host)
        if registry is None or not re.fullmatch(pattern, f"{registry.name}/{row.name}"):
            continue
        async with store.reading() as db:
            here = (tags.c.repository_id == row.id) & tags.c.gone_at.is_(None)
            found = await db.execute(select(tags.c.image_id, tags.c.name).where(here))
            images = list({row.image_id: row.name for row in found}.items())
        for start in range(0, len(images), _BATCH):
            async with store.writing() as db:
                for image_id, tag in images[start : start + _BATCH]:
                    await ask(db, image_id, Reason.RESCAN, source=(row.id, tag))
        asked += len(images)
    return asked
