"""What a sync could not read, and the tags that it holds back: who is told, and who may let them go."""

from __future__ import annotations

from portus_scan_server.store import Store, tables
from sqlalchemy import update

from .api.answering import SECRET, ApiClient, answering
from .views.world import HOST, RULES, tagged

ERROR = "GET /v2/other/base/tags/list: 500"


async def test_who_is_told_and_who_may_let_them_go(store: Store, database: str) -> None:
    """Admins read the words and the number and confirm what they have read; others read that a list is not whole."""
    await tagged(store, 1, "team/app:1.0")
    await _note(store, sync_error=ERROR, held=30)
    async with answering(store, database, RULES) as api:
        (row,) = (await api.get("/registries")).json["items"]
        assert (HOST, ERROR, 30, 0) == (row["host"], row["error"], row["held"], row["confirmed"])
        (row,) = (await api.get("/registries", "alice")).json["items"]
        assert (True, 0) == (row["error"].startswith("the last sync could not read"), row["held"])
        assert [] == (await api.get("/registries", "nobody")).json["items"]
        for path in ("/", "/queue"):
            assert (True, True) == (ERROR in (said := await _page(api, path, "root")), "30 tags" in said)
            assert (False, False) == (ERROR in (said := await _page(api, path, "alice")), "30 tags" in said)
            assert "could not read everything" in said
        assert "queue/confirm" in await _page(api, "/queue", "root")
        assert 2 == (await _page(api, "/readyz", "")).count("of so many registries: 1")
        assert 'portus_scan_registries_unwell{why="removals_held"} 1.0' in await _page(api, "/metrics", "")

        way = f"/registries/{HOST}/confirm-removals"
        assert [403, 409, 400] == [await _confirm(api, way, *one) for one in (("alice", 30), ("root", 29), ("root", 0))]
        assert 202 == await _confirm(api, way, "root", 30)
        assert "30 tags go with the next sync" in await _page(api, "/", "root")
        await _note(store, confirmed=0)
        assert [403, 409, 303] == [await _send(api, *one) for one in (("alice", "30"), ("root", "x"), ("root", "30"))]
        await _note(store, sync_error="", held=0, confirmed=0)
        assert "registries" not in await _page(api, "/readyz", "")


async def _note(store: Store, **values: object) -> None:
    async with store.writing() as db:
        await db.execute(update(tables.registries).values(**values))


async def _page(api: ApiClient, path: str, who: str) -> str:
    headers = {"X-Portus-Proxy-Secret": SECRET, "X-Forwarded-User": who} if who else {}
    async with api.http.get(api.url + path, headers=headers) as response:
        return await response.text()


async def _confirm(api: ApiClient, way: str, who: str, tags: int) -> int:
    return (await api.ask("POST", way, who, {"Sec-Fetch-Site": "same-origin"}, json={"tags": tags})).status


async def _send(api: ApiClient, who: str, tags: str) -> int:
    headers = {"X-Portus-Proxy-Secret": SECRET, "X-Forwarded-User": who, "Sec-Fetch-Site": "same-origin"}
    form = {"registry": HOST, "tags": tags}
    async with api.http.post(f"{api.url}/queue/confirm", headers=headers, data=form, allow_redirects=False) as answer:
        return answer.status
