"""What changes on pages, on each database: what scanners say anew, what people ask for, lists longer than a page."""

from __future__ import annotations

import pytest
from portus_scan_server.requests import Reason, ask
from portus_scan_server.store import Store

from .conftest import ADMIN, Reader, links, person, rows
from .content import HOST, clean, find_many, make_run, push, say, set_state

APP = f"/r/{HOST}/team/app"


async def test_asking_again_for_a_dead_request(store: Store, reader: Reader) -> None:
    """A dead request is queued again by an operator, with who it was; by nobody else."""
    async with store.writing() as db:
        new = await push(db, "team/new:dead", 11)
        await ask(db, new.image_id, Reason.PUSH, source=(new.repository_id, "dead"))
        await set_state(db, 11, state="dead", deaths=3)
    page = await reader.get("/queue?state=dead", headers=person("operators"))
    (number,) = [one.attributes["value"] for one in page.root.all("input") if one.attributes.get("name") == "request"]
    assert [] == (await reader.get("/queue?state=dead", headers=person("team"))).root.all("form", "ask")
    assert 403 == (await reader.post("/queue/again", person("team"), request=number))[0]
    assert 404 == (await reader.post("/queue/again", person("workers"), request=number))[0]
    assert 404 == (await reader.post("/queue/again", ADMIN, request="9" * 30))[0]
    assert (303, "/queue") == await reader.post("/queue/again", person("operators"), request=number)
    queued = {row[0].split()[0]: row[2] for row in rows(await reader.get("/queue?state=queued"))}
    assert "asked for by ada" == queued["team/new:dead"]


async def test_say_is_seen(store: Store, reader: Reader) -> None:
    """What a scanner says anew is on the page at once."""
    async with store.writing() as db:
        image = await push(db, "team/app:1", 60, *clean("clair", "trivy", "zypper"))
    assert ["Passed"] == (await reader.get(f"{APP}:1")).words
    async with store.writing() as db:
        await say(db, image.image_id, make_run("trivy", findings=find_many(1)))
    assert "1 Critical - 1 total" in (await reader.get(APP)).root.text


async def test_lists_go_on_by_cursors(store: Store, reader: Reader) -> None:
    """A list of more rows than a page leads on to the rest, each row once, and back to its beginning."""
    async with store.writing() as db:
        for number in range(60):
            new = await push(db, f"team/r{number:02}:1", 100 + number)
            await ask(db, new.image_id, Reason.RESCAN, source=(new.repository_id, "1"))
    for path in ("/", "/queue?state=queued"):
        first = await reader.get(path)
        (link,) = links(first, "next")
        second = await reader.get(link)
        seen = [row[0].split()[0] for row in rows(first) + rows(second) if row[0].startswith("team/r")]
        assert (60, 60) == (len(seen), len(set(seen)))
        assert path in links(second, "prev")
    broken = await reader.get("/?after=nonsense", status=400)
    assert "does not name a page of this list" in broken.root.text


async def test_rows_go_on(store: Store, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vulnerabilities of more than a page lead on to the rest, each row once, with the filter."""
    monkeypatch.setattr("portus_scan_server.pages.row_filter.MOST_ROWS", 20)
    async with store.writing() as db:
        await push(db, "team/app:1", 50, make_run("clair", findings=find_many(50)), *clean("trivy", "zypper"))
    address, seen = f"{APP}:1?by=clair", []
    while address:
        page = await reader.get(address.partition("#")[0])
        seen.append([row[1].split()[0] for row in rows(page)])
        address = next(iter(links(page, "next")), "")
    assert [20, 20, 10] == [len(one) for one in seen]
    assert 50 == len({name for one in seen for name in one})
