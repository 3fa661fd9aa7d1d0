"""Who may see which repository, in SQL and in Python."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from portus_scan_server.access import AccessSettings, RepositoryRoles, Role, Viewer, check_pattern, visible
from portus_scan_server.store import Store, put_repository, tables
from sqlalchemy import select

HOSTS = ("r.example:5000", "localhost", "other.example")
NAMES = ("team", "team/app", "team/app2", "teams/app", "team_a/x", "teamxa/x", "a%/b", "b/team/app")
PATTERNS = (
    *("*", "team", "team/*", "team/app", "team*", "team_a/*", "t*", "a%/*", "b/team/*"),
    *("r.example:5000/*", "r.example:5000/team/*", "localhost/team/app", "other.example/*", "r.example/team/*"),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patterns=st.lists(st.sampled_from(PATTERNS), max_size=3, unique=True))
async def test_the_condition_is_the_rule(store: Store, patterns: list[str]) -> None:
    """A query shows the repositories that `may_see` says, whatever the patterns are, and none without a pattern."""
    if not await seen(store, Viewer(name="root", is_admin=True)):
        async with store.writing() as db:
            for host in HOSTS:
                for name in NAMES:
                    await put_repository(db, host, name)
    viewer = Viewer(name="alice", roles=dict.fromkeys(patterns, Role.VIEWER))
    expected = {(host, name) for host in HOSTS for name in NAMES if viewer.may_see(host, name)}
    assert expected == await seen(store, viewer)
    assert patterns or not expected


async def seen(store: Store, viewer: Viewer) -> set[tuple[str, str]]:
    """Return what a query shows."""
    joined = tables.repositories.join(tables.registries, tables.registries.c.id == tables.repositories.c.registry_id)
    query = select(tables.registries.c.host, tables.repositories.c.name).select_from(joined).where(visible(viewer))
    async with store.reading() as db:
        return {(host, name) for host, name in await db.execute(query)}


async def test_only_an_admin_sees_what_no_rule_names(store: Store) -> None:
    """An admin sees everything, somebody without a rule nothing."""
    async with store.writing() as db:
        await put_repository(db, "r.example", "team/app")
    assert {("r.example", "team/app")} == await seen(store, Viewer(name="root", is_admin=True))
    assert set() == await seen(store, Viewer(name="nobody"))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, (True, False)),
        ({"may_write": False}, (False, False)),
        ({"is_admin": True}, (True, True)),
        ({"is_admin": True, "may_write": False}, (False, False)),
    ],
)
def test_who_may_ask_for_scans(more: dict[str, Any], expected: tuple[bool, bool]) -> None:
    """Operators of a repository may, and admins; whoever may write nothing may not."""
    viewer = Viewer(name="alice", roles={"team/*": Role.OPERATOR, "*": Role.VIEWER}, **more)
    assert expected == (viewer.may_ask("r.example", "team/app"), viewer.may_ask("r.example", "other/app"))


def test_groups_become_roles() -> None:
    """A person has the highest role of their groups, their own name or everybody in each pattern."""
    settings_ = AccessSettings(
        admins=("ops",),
        repositories={
            "team/*": RepositoryRoles(viewers=("team",), operators=("leads", "user:bob")),
            "public/*": RepositoryRoles(viewers=("*",)),
        },
    )
    public = {"public/*": Role.VIEWER}
    assert {**public, "team/*": Role.VIEWER} == settings_.person("alice", ["team"]).roles
    assert {**public, "team/*": Role.OPERATOR} == settings_.person("alice", ["team", "leads"]).roles
    assert {**public, "team/*": Role.OPERATOR} == settings_.person("bob", []).roles
    assert public == settings_.person("eve", ["user:bob2"]).roles
    assert settings_.person("root", ["ops"]).is_admin
    assert not settings_.person("ops", ["leads"]).is_admin


@pytest.mark.parametrize("pattern", ["", "team/**", "*/app", "Team/app", "team app", "team/a*b", "%", "r.example:x/*"])
def test_a_pattern_that_is_not_one_is_rejected(pattern: str) -> None:
    """A star stands at the end alone: anything else would be taken for more, or less, than it says."""
    with pytest.raises(ValueError, match="team/"):
        check_pattern(pattern)
