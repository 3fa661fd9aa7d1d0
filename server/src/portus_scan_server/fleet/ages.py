"""Whose vulnerability data is the newest: what a scanner of a fleet would answer from now is what that process has.

Each worker has data of its own (Trivy's database), brought up to date at a moment of its own. Were the older ones noted
as well, each image would be asked for again by turns, for as long as two of them differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..store import POSTGRESQL, database_now, tables

_GONE = 3600.0
"""Seconds after which the newest data counts no longer that no process has: a restart takes minutes."""


async def find_older(db: AsyncConnection, dates: Mapping[str, datetime | None]) -> set[str]:
    """Return the scanners of which another process has newer data than this one; on SQLite there is no other process.

    Args:
        db: A transaction.
        dates: The date of this process' data, by the scanner's name; without a date nobody knows.
    """
    rows = tables.scanners.c
    known = [(name, date) for name, date in dates.items() if date is not None]
    if db.dialect.name != POSTGRESQL or not known:
        return set()
    is_newer = or_(*(and_(rows.name == name, rows.database_updated > date) for name, date in known))
    newer = select(rows.name).where(is_newer, rows.asked_at > database_now(-_GONE))
    return set((await db.execute(newer)).scalars())
