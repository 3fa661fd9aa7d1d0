"""Portus' API through a real socket: its addresses, keys and numbers, and nothing unknown as passed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, field, frozen
from portus_scan_server.access import Scope, create_token
from portus_scan_server.requests import Reason, ask
from portus_scan_server.settings import Registries, ServerSettings, WatchedRegistry
from portus_scan_server.store import Store, tables
from portus_scanners import Severity
from sqlalchemy import select

from ..api.answering import ApiClient, answering
from ..views.world import HOST, RULES, failed, found, ok, scanned, tagged

WATCHED = ServerSettings(registries=Registries([WatchedRegistry(host=HOST, name="main", pull=HOST)]))


@frozen
class OldClient:
    """Asks as a client of Portus does."""

    api: ApiClient
    tokens: dict[str, str] = field(repr=False)

    async def ask(self, path: str, who: str = "root", method: str = "GET") -> tuple[int, Any, Any]:
        """Return status, body and headers."""
        url = f"{self.api.url}/compat/portus/api/v1{path}"
        headers = {"Portus-Auth": f"{who}:{self.tokens.get(who, 'x')}"} if who else {}
        async with self.api.http.request(method, url, headers=headers) as answer:
            body = await answer.read()
            return answer.status, json.loads(body) if body else None, answer.headers

    async def get(self, path: str, who: str = "root") -> Any:
        """Return the body of an answer that is fine."""
        status, body, _ = await self.ask(path, who)
        assert 200 == status, body
        return body


@pytest.fixture
async def old(store: Store, database: str) -> AsyncIterator[OldClient]:
    """A service that knows images of two teams, and its tokens."""
    names = ("clean", "bad", "failed", "half", "new", "both", "gated")
    for number, name in enumerate(names, 1):
        await tagged(store, number, f"team/app:{name}")
    await tagged(store, 1, "other/app:1", "team/app:latest")
    await scanned(store, 1, [ok("clair"), ok("trivy")])
    await scanned(
        store, 2, [ok("clair", *found("CVE-1", "CVE-2"), *found("CVE-3", severity=Severity.LOW)), ok("trivy")]
    )
    await scanned(store, 3, [ok("clair"), failed("trivy", "it is away")])
    await scanned(store, 4, [ok("clair", *found("CVE-1")), failed("trivy")])
    await scanned(store, 6, [failed("clair"), failed("trivy")])
    await scanned(store, 7, [ok("clair"), ok("trivy")], evolve(RULES, max_age=RULES.max_age + timedelta(days=1)))
    async with store.writing() as db:
        made = {
            "root": await create_token(db, "root", scopes=[Scope.ADMIN], repositories=[], days=None),
            "alice": await create_token(db, "alice", scopes=[Scope.READ], repositories=["team/*"], days=1),
        }
    async with answering(store, database, RULES, settings=WATCHED) as client:
        yield OldClient(client, made)


async def test_only_what_has_passed_is_shown_as_passed(old: OldClient) -> None:
    """An empty list is what passed alone; a failed scan without findings is as none; what was found is marked."""
    tags = {one["name"]: one for one in await old.get("/tags?per_page=100", "alice")}
    lists = {name: one["vulnerabilities"] for name, one in tags.items()}
    shown = {name: (tags[name]["scanned"], len(one) if one else one) for name, one in lists.items()}
    unknown = dict.fromkeys(("failed", "new", "both", "gated"), (0, None))
    assert {"clean": (2, []), "latest": (2, []), "bad": (2, 3), "half": (2, 1), **unknown} == shown
    assert {"clean", "latest", "bad"} == {name for name, one in tags.items() if not one["incomplete"]}
    outcomes = {name: one["outcome"] for name, one in tags.items()}
    assert {"clean": "clean", "latest": "clean", "bad": "vulnerable", "half": "vulnerable"} == {
        name: one for name, one in outcomes.items() if one != "unknown"
    }
    assert {"clair": "ok", "trivy": "failed"} == {
        name: one["outcome"] for name, one in tags["failed"]["scanners"].items()
    }
    assert "it is away" == tags["failed"]["scanners"]["trivy"]["error"]


async def test_the_documents_of_portus(old: OldClient) -> None:
    """Keys and forms are those of Portus; an id stays, and stands for a name; groups are by digest."""
    (repository,) = await old.get("/repositories", "alice")
    assert ("app", "team/app", "team", 8, HOST) == (
        repository["name"],
        repository["full_name"],
        repository["namespace"]["name"],
        repository["tags_count"],
        repository["registry_hostname"],
    )
    assert repository == await old.get(f"/repositories/{repository['id']}")
    groups = await old.get(f"/repositories/{repository['id']}/tags/grouped", "alice")
    assert 7 == len(groups)
    assert [{"clean", "latest"}] == [{one["name"] for one in group} for group in groups if len(group) > 1]
    bad = next(one for group in groups for one in group if one["name"] == "bad")
    portus = json.loads((Path(__file__).parent / "tag.json").read_text())
    assert set(portus) <= set(bad)
    assert set(portus["vulnerabilities"][0]) <= set(bad["vulnerabilities"][0])
    assert {"High", "Low"} == {one["severity"] for one in bad["vulnerabilities"]}
    ids = {one["name"]: one["id"] for group in groups for tag in group for one in tag["vulnerabilities"] or ()}
    assert (3, 3) == (len(ids), len(set(ids.values())))
    assert bad == await old.get(f"/repositories/9/tags/{bad['id']}", "alice") == await old.get(f"/tags/{bad['id']}")


async def test_pages_have_numbers(old: OldClient) -> None:
    """A page, its neighbours and the total are told in headers; what can't be given whole is refused, not cut."""
    status, rows, headers = await old.ask("/tags?page=2&per_page=3&sort_attr=name&sort_order=desc")
    assert (200, ["gated", "failed", "clean"]) == (status, [one["name"] for one in rows])
    told = [headers[f"X-{name}"] for name in ("Page", "Per-Page", "Prev-Page", "Next-Page", "Total", "Total-Pages")]
    assert ["2", "3", "1", "3", "9", "3"] == told
    assert {"first", "last", "prev", "next"} == {part.split('rel="')[1][:-1] for part in headers["Link"].split(", ")}
    assert 9 == len(await old.get("/tags?all=true"))
    for query in ("page=0", "per_page=x", "per_page=201", "sort_attr=digest", "sort_order=up"):
        status, body, _ = await old.ask(f"/tags?{query}")
        assert (400, ["message"]) == (status, list(body))


async def test_who_may_do_what(old: OldClient, store: Store) -> None:
    """Without a token 401, what may not be seen 404, what only admins may 403; an admin's wish becomes requests."""
    (hidden,) = [one["id"] for one in await old.get("/repositories") if one["full_name"] == "other/app"]
    (tag,) = [one["id"] for one in await old.get(f"/repositories/{hidden}/tags")]
    for path, who, method, expected in (
        ("/tags", "", "GET", 401),
        ("/tags", "mallory", "GET", 401),
        (f"/repositories/{hidden}", "alice", "GET", 404),
        (f"/repositories/{hidden}/tags", "alice", "GET", 404),
        (f"/tags/{tag}", "alice", "GET", 404),
        ("/tags/99999999999", "root", "GET", 404),
        ("/tags/x", "root", "GET", 404),
        (f"/tags/{tag}", "root", "DELETE", 405),
        ("/vulnerabilities", "alice", "POST", 403),
        (f"/vulnerabilities/{tag}", "alice", "POST", 403),
        ("/vulnerabilities/9999", "root", "POST", 404),
    ):
        status, body, _ = await old.ask(path, who, method)
        assert (expected, ["message"]) == (status, list(body)), path
    assert (200, {}) == (await old.ask("/_ping", ""))[:2]
    status, health, _ = await old.ask("/health", "")
    assert (200, {"database": {"msg": "database is available", "success": True}}) == (status, health)
    async with store.writing() as db:
        await ask(db, 5, Reason.PUSH)
    assert (202, None) == (await old.ask("/vulnerabilities", "root", "POST"))[:2]
    asked = select(tables.requests.c.image_id)
    while True:  # they are asked for beside the answer
        async with store.reading() as db:
            if set(range(1, 8)) == set((await db.execute(asked)).scalars()):
                break
