"""Tokens of programs: made once, kept as a hash, good for some repositories, some things and some time."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Collection
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import Any

from attrs import frozen
from sqlalchemy import delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..store import database_now, tables
from .viewers import Role, Viewer, check_pattern

tokens = tables.tokens
_PREFIX = "psk"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_FORM = _PREFIX + r"_(?P<id>[1-9][0-9]{0,8})_(?P<secret>[A-Za-z0-9_-]{43})"
_BYTES = 32


class Scope(Enum):
    """What a token is good for."""

    READ = "read"
    """Seeing its repositories."""
    SCAN = "scan"
    """Asking for scans of their images as well."""
    ADMIN = "admin"
    """Everything, in all repositories."""


@frozen(kw_only=True)
class TokenRow:
    """A token, without its secret, which nobody has.

    Attributes:
        name: How it is called.
        scopes: What it is good for.
        repositories: Patterns of the repositories.
        created_at: When it was made.
        expires_at: Until when it is good; None for ever.
        is_expired: Whether that time is over.
    """

    name: str
    scopes: tuple[Scope, ...]
    repositories: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    is_expired: bool


class TokenError(ValueError):
    """A token that can't be made; the message says why."""


async def create_token(
    db: AsyncConnection, name: str, *, scopes: Collection[Scope], repositories: Collection[str], days: float | None
) -> str:
    """Make a token and return it: it can't be had again.

    Args:
        db: A transaction that writes.
        name: How it is called: no other one has this name.
        scopes: What it is good for; what is good for scans is good for reading.
        repositories: Patterns of repositories.
        days: How long it is good; None for ever.

    Raises:
        TokenError: The name is not valid or taken, a pattern is not valid, or it would open nothing.
    """
    if not re.fullmatch(_NAME, name):
        raise TokenError("a token's name has letters, digits, dots, dashes and underscores, 64 at most")
    try:
        for pattern in repositories:
            check_pattern(pattern)
    except ValueError as error:
        raise TokenError(str(error)) from None
    if not scopes or (not repositories and Scope.ADMIN not in scopes):
        raise TokenError("say what it is good for, and for which repositories: '*' for all of them")
    if await db.scalar(select(tokens.c.id).where(tokens.c.name == name)) is not None:
        raise TokenError(f"there is a token {name} already: revoke it, or choose another name")
    secret = secrets.token_urlsafe(_BYTES)
    values = {
        "name": name,
        "hash": hash_secret(secret),
        "scopes": ",".join(sorted(scope.value for scope in set(scopes))),
        "repositories": json.dumps(list(dict.fromkeys(repositories))),
        "expires_at": None if days is None else database_now(days * 86_400),
    }
    token_id = (await db.execute(insert(tokens).values(**values).returning(tokens.c.id))).scalar_one()
    return f"{_PREFIX}_{token_id}_{secret}"


async def list_tokens(db: AsyncConnection) -> list[TokenRow]:
    """Return all tokens by their names, those among them that are no longer good."""
    is_expired = (tokens.c.expires_at <= database_now()).label("is_expired")
    return [
        TokenRow(
            name=row.name,
            scopes=_scopes(row),
            repositories=tuple(json.loads(row.repositories)),
            created_at=row.created_at,
            expires_at=row.expires_at,
            is_expired=bool(row.is_expired),
        )
        for row in await db.execute(select(tokens, is_expired).order_by(tokens.c.name))
    ]


async def revoke_token(db: AsyncConnection, name: str) -> bool:
    """Make a token good for nothing from now on; return whether there was one."""
    return bool((await db.execute(delete(tokens).where(tokens.c.name == name))).rowcount)


async def find_token(db: AsyncConnection, token: str) -> Viewer | None:
    """Return what the program with a token may see; None where the token is not valid, or no longer."""
    match = re.fullmatch(_FORM, token)
    if match is None:
        return None
    in_time = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > database_now())
    query = select(tokens).where(tokens.c.id == int(match["id"]), in_time)
    row = (await db.execute(query)).one_or_none()
    if row is None or not hmac.compare_digest(row.hash, hash_secret(match["secret"])):
        return None
    scopes = _scopes(row)
    role = Role.OPERATOR if Scope.SCAN in scopes else Role.VIEWER
    return Viewer(
        name=f"token:{row.name}",
        roles=dict.fromkeys(json.loads(row.repositories), role),
        is_admin=Scope.ADMIN in scopes,
        may_write=bool({Scope.SCAN, Scope.ADMIN}.intersection(scopes)),
    )


def hash_secret(secret: str) -> str:
    """Return what is kept of a secret; it is as random as the hash, so that nothing has to make guessing slow."""
    return sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _scopes(row: Any) -> tuple[Scope, ...]:
    return tuple(Scope(word) for word in row.scopes.split(","))
