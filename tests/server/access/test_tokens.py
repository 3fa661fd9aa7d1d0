"""Tokens: made, listed, revoked, found; on both databases, and by the command."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from portus_scan_server.access import Role, Scope, TokenError, Viewer, create_token, find_token, list_tokens
from portus_scan_server.access_commands import token as command
from portus_scan_server.store import Store, tables
from sqlalchemy import select, update


async def make(store: Store, name: str = "ci", days: float | None = 1, **more: object) -> str:
    """Make a token."""
    values = {"scopes": [Scope.READ], "repositories": ["team/*"], **more}
    async with store.writing() as db:
        return await create_token(db, name, days=days, **values)  # type: ignore[arg-type]


async def find(store: Store, token: str) -> Viewer | None:
    """Look a token up."""
    async with store.reading() as db:
        return await find_token(db, token)


async def test_a_token_opens_what_it_is_for(store: Store) -> None:
    """Each scope gives its rights and no more; what is stored does not open anything."""
    reads = await make(store)
    scans = await make(store, "scans", scopes=[Scope.READ, Scope.SCAN])
    admin = await make(store, "admin", scopes=[Scope.ADMIN], repositories=[], days=None)
    team = {"team/*": Role.VIEWER}
    assert Viewer(name="token:ci", roles=team, may_write=False) == await find(store, reads)
    assert Viewer(name="token:scans", roles={"team/*": Role.OPERATOR}) == await find(store, scans)
    assert Viewer(name="token:admin", is_admin=True) == await find(store, admin)
    async with store.reading() as db:
        kept = repr((await db.execute(select(tables.tokens))).all())
    assert not [one for one in (reads, scans, admin) if one.split("_", 2)[2] in kept]


async def test_another_token_opens_nothing(store: Store) -> None:
    """Neither another one's number, nor a part, nor something that is not a token at all."""
    token, other = await make(store), await make(store, "other")
    prefix, _, secret = token.partition("_")[2].partition("_")
    for wrong in (
        *("", "psk_1_", f"psk_{prefix}_{secret[:-1]}", f"psk_{prefix}_{secret}x", f"psk_99_{secret}", token.upper()),
        f"psk_{other.split('_')[1]}_{secret}",
        f"psk_{prefix}_{'é' * 43}",
        f" {token}",
    ):
        assert await find(store, wrong) is None, wrong
    assert await find(store, token)


async def test_a_token_ends(store: Store) -> None:
    """One whose time is over is good for nothing, and listed so."""
    token = await make(store)
    past = tables.tokens.c.created_at
    async with store.writing() as db:
        await db.execute(update(tables.tokens).values(expires_at=past))
    assert await find(store, token) is None
    async with store.reading() as db:
        assert [("ci", True)] == [(one.name, one.is_expired) for one in await list_tokens(db)]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"name": "a b"}, "letters"),
        ({"repositories": ["Team"]}, "write a repository"),
        ({"repositories": []}, "for which repositories"),
        ({"scopes": []}, "what it is good for"),
    ],
)
async def test_a_token_that_opens_nothing_is_not_made(store: Store, more: dict[str, object], said: str) -> None:
    """Whoever makes one says what it is for."""
    with pytest.raises(TokenError, match=said):
        await make(store, **more)  # type: ignore[arg-type]


def test_the_command(database: str) -> None:
    """A token is made and printed once, listed without it, and gone when it is revoked."""

    def run(*words: str, code: int = 0) -> str:
        ended = CliRunner().invoke(command, [*words, "--database", database])
        assert code == ended.exit_code, ended.output
        return ended.stdout if code == 0 else ended.output

    made = run("create", "ci", "--repository", "team/*", "--scope", "scan", "--days", "30")
    assert re.fullmatch(r"psk_1_[\w-]{43}\n", made)
    assert "there is a token ci already" in run("create", "ci", "--repository", "*", code=2)
    assert "or never" in run("create", "x", "--repository", "*", "--days", "0", code=2)
    listed = run("list")
    assert re.fullmatch(r"ci  scan  team/\*  good, until \S+ \S+ UTC\n", listed)
    run("revoke", "ci")
    assert "" == run("list")
    assert "there is no token ci" in run("revoke", "ci", code=1)
