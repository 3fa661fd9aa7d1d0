"""Who is signed in: a row for each session, with the hash of what the browser has; so that it can be ended here."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import datetime

from attrs import frozen
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..access import SessionPerson, hash_secret
from ..store import database_now, tables

sessions = tables.sessions
_BYTES = 32


@frozen(kw_only=True)
class SessionRow:
    """A session, without what the browser has.

    Attributes:
        name: Who has signed in.
        created_at: When.
        expires_at: Until when it is good.
    """

    name: str
    created_at: datetime
    expires_at: datetime


async def create_session(db: AsyncConnection, name: str, groups: Sequence[str], seconds: float) -> str:
    """Begin a session and return what the browser gets; sessions that are over are removed."""
    await db.execute(delete(sessions).where(sessions.c.expires_at <= database_now()))
    secret = secrets.token_urlsafe(_BYTES)
    values = {"hash": hash_secret(secret), "name": name, "groups": json.dumps(list(groups))}
    await db.execute(insert(sessions).values(**values, expires_at=database_now(seconds)))
    return secret


async def find_session(db: AsyncConnection, secret: str) -> SessionPerson | None:
    """Return who has the session with this secret; None where there is none that is good."""
    here = sessions.c.hash == hash_secret(secret)
    row = (await db.execute(select(sessions).where(here, sessions.c.expires_at > database_now()))).one_or_none()
    return None if row is None else SessionPerson(name=row.name, groups=tuple(json.loads(row.groups)))


async def end_session(db: AsyncConnection, secret: str) -> None:
    """Make a session good for nothing from now on."""
    await db.execute(delete(sessions).where(sessions.c.hash == hash_secret(secret)))


async def end_sessions_of(db: AsyncConnection, name: str) -> int:
    """Make all sessions of somebody good for nothing from now on; return how many there were."""
    return int((await db.execute(delete(sessions).where(sessions.c.name == name))).rowcount)


async def list_sessions(db: AsyncConnection) -> list[SessionRow]:
    """Return the sessions that are good, by name."""
    query = select(sessions).where(sessions.c.expires_at > database_now()).order_by(sessions.c.name, sessions.c.id)
    return [
        SessionRow(name=row.name, created_at=row.created_at, expires_at=row.expires_at)
        for row in await db.execute(query)
    ]
