"""The queries: who may see what in each of them, and pages by key; on both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from portus_scan_server.access import Viewer
from portus_scan_server.requests import Reason, ask
from portus_scan_server.store import Store, put_index, put_repository, put_tag, tables
from portus_scan_server.summaries import put_index_summary
from portus_scan_server.views import (
    Answer,
    CursorError,
    Page,
    RequestState,
    SecurityState,
    count_requests,
    find_vulnerability,
    list_repositories,
    list_repository_images,
    list_requests,
    list_tags,
    load_image_view,
    load_repository,
    load_request,
    load_tag,
    load_verdict,
    load_vulnerability,
    open_vulnerability,
    vulnerability_views,
)
from portus_scanners import Severity
from sqlalchemy import func, select, update

from .world import ALICE, BOB, EVE, HOST, ROOT, RULES, digest, failed, found, image, ok, older, scanned, tagged


async def read(store: Store, load: Callable[..., Awaitable[Any]], *words: Any, **more: Any) -> Any:
    """Return what a query gives."""
    async with store.reading() as db:
        return await load(db, *words, **more)


@pytest.fixture
async def world(store: Store) -> Store:
    """Image 1 is both teams', 2 is team's alone, 3 other's alone; nobody has looked at 4."""
    await tagged(store, 1, "team/app:1.0", "team/app:latest", "other/base:1")
    await tagged(store, 2, "team/tool:1.0")
    await tagged(store, 3, "other/app:1.0")
    await tagged(store, 4, "other/app:2.0")
    await scanned(store, 1, [ok("clair", *found("CVE-1", "CVE-2")), failed("trivy", "GET /v2/other/base/x: 500")])
    await scanned(store, 2, [ok("clair"), ok("trivy")])
    await scanned(store, 3, [ok("clair", *found("CVE-2", severity=Severity.CRITICAL)), ok("trivy", *found("CVE-3"))])
    return store


@pytest.mark.parametrize(
    ("viewer", "repositories", "images", "cves"),
    [
        (ALICE, ["team/app", "team/tool"], {1, 2}, {"CVE-1", "CVE-2"}),
        (BOB, ["other/app", "other/base"], {1, 3, 4}, {"CVE-1", "CVE-2", "CVE-3"}),
        (EVE, [], set(), set()),
        (ROOT, ["other/app", "other/base", "team/app", "team/tool"], {1, 2, 3, 4}, {"CVE-1", "CVE-2", "CVE-3"}),
    ],
)
async def test_nobody_sees_what_no_rule_of_theirs_names(
    world: Store, viewer: Viewer, repositories: list[str], images: set[int], cves: set[str]
) -> None:
    """Lists, single things, counts, the search for a vulnerability, verdicts by digest: all have the viewer in them."""
    shown = await read(world, list_repositories, viewer, RULES)
    assert repositories == [one.name for one in shown.rows]
    for name in ("team/app", "team/tool", "other/app", "other/base"):
        loads = (load_repository, list_repository_images, list_tags)
        for load in loads:
            assert (name in repositories) == (await read(world, load, viewer, RULES, HOST, name) is not None)
    for number in (1, 2, 3, 4):
        for by_digest in (load_image_view, load_verdict):
            assert (number in images) == (await read(world, by_digest, viewer, RULES, digest(number)) is not None)
    for one in ("CVE-1", "CVE-2", "CVE-3"):
        assert (one in cves) == (await read(world, load_vulnerability, viewer, RULES, one) is not None)
        rows = (await read(world, find_vulnerability, viewer, RULES, one)).rows
        view, page = await read(world, open_vulnerability, viewer, RULES, one)
        assert (rows, await read(world, load_vulnerability, viewer, RULES, one)) == (page.rows, view)
        assert (one in cves) == bool(rows)
        assert {row.digest for row in rows} <= {digest(number) for number in images}
        names = {name.repository for row in rows for name in row.names}
        assert names <= set(repositories)


async def test_a_digest_of_two_teams_names_one_to_each(world: Store) -> None:
    """Whoever sees one of an image's repositories is told neither the other one's name nor a message that has it."""
    seen = await read(world, load_image_view, ALICE, RULES, digest(1))
    assert {"team/app"} == {one.repository for one in seen.names}
    assert "GET /v2/[another repository]/x: 500" == seen.scanners[1].last.error
    seen = await read(world, load_image_view, BOB, RULES, digest(1))
    assert "GET /v2/other/base/x: 500" == seen.scanners[1].last.error
    assert 1 == (await read(world, load_vulnerability, ALICE, RULES, "cve-2")).images
    assert 2 == (await read(world, load_vulnerability, BOB, RULES, "cve-2")).images
    assert Severity.HIGH is (await read(world, load_vulnerability, ALICE, RULES, "CVE-2")).severity
    assert Severity.CRITICAL is (await read(world, load_vulnerability, BOB, RULES, "CVE-2")).severity


async def test_the_rows_say_what_is_known(world: Store) -> None:
    """A repository counts its images, a row a digest has all its tags, a tag what each scanner said and tried last."""
    rows = {one.name: one for one in (await read(world, list_repositories, ROOT, RULES)).rows}
    app, tool, other = rows["team/app"], rows["team/tool"], rows["other/app"]
    assert (2, 1, 1, 0, 0, Severity.HIGH) == (
        *(app.tags, app.images, app.vulnerable, app.passed, app.unknown),
        app.highest,
    )
    assert (1, 1, 0, 1, 0, None) == (tool.tags, tool.images, tool.vulnerable, tool.passed, tool.unknown, tool.highest)
    assert (2, 2, 1, 0, 1, Severity.CRITICAL) == (
        *(other.tags, other.images, other.vulnerable, other.passed, other.unknown),
        other.highest,
    )
    (row,) = (await read(world, list_repository_images, ALICE, RULES, HOST, "team/app")).rows
    assert ({"1.0", "latest"}, "2 High - 2 total") == ({one.name for one in row.tags}, row.security.words)
    tag = await read(world, load_tag, ALICE, RULES, HOST, "team/app", "1.0")
    clair, trivy = tag.image.scanners
    assert (2, clair.answer, True) == (clair.answer.total, clair.last, clair.is_enabled)
    assert (None, None, "failed") == (trivy.answer, trivy.said, trivy.last.outcome.value)
    assert await read(world, load_tag, ALICE, RULES, HOST, "team/app", "2.0") is None


async def test_other_rules_make_nothing_clean(world: Store) -> None:
    """Summaries of earlier rules are outdated, wherever they are shown, and the verdict is unknown."""
    rules = older(RULES)
    rows = {one.name: one for one in (await read(world, list_repositories, ROOT, rules)).rows}
    assert (0, 1) == (rows["team/tool"].passed, rows["team/tool"].unknown)
    (row,) = (await read(world, list_repository_images, ALICE, rules, HOST, "team/tool")).rows
    assert SecurityState.OUTDATED is row.security.state
    verdict = await read(world, load_verdict, ALICE, rules, digest(2))
    assert (Answer.UNKNOWN, ("outdated: what is known is not of now",)) == (verdict.answer, verdict.reasons)
    assert Answer.PASS is (await read(world, load_verdict, ALICE, RULES, digest(2))).answer
    assert Answer.FAIL is (await read(world, load_verdict, ALICE, RULES, digest(1))).answer
    assert Answer.UNKNOWN is (await read(world, load_verdict, BOB, RULES, digest(4))).answer


async def test_what_a_tag_was(world: Store) -> None:
    """A tag that names something else has what it named before; one that is gone is in no list."""
    await tagged(world, 2, "team/app:1.0")
    tag = await read(world, load_tag, ALICE, RULES, HOST, "team/app", "1.0")
    assert (digest(2), [digest(1)]) == (tag.image.digest, [one.digest for one in tag.history])
    async with world.writing() as db:
        gone = tables.tags.c.name == "latest"
        await db.execute(update(tables.tags).where(gone).values(gone_at=tables.tags.c.pushed_at))
    assert ["1.0"] == [one.name for one in (await read(world, list_tags, ALICE, RULES, HOST, "team/app")).rows]
    assert 1 == (await read(world, load_repository, ALICE, RULES, HOST, "team/app")).tags


async def test_an_index_has_its_images(world: Store) -> None:
    """An index is as its images are; these have its tags for names, and what is done about them is done about it."""
    index_id = await tagged(world, 9, "team/multi:1.0")
    async with world.writing() as db:
        first, second = await put_index(db, index_id, [image(2), image(7)])
        repository_id = await put_repository(db, HOST, "team/multi")
        await put_index_summary(db, index_id, RULES)
        await ask(db, second, Reason.PUSH, source=(repository_id, "1.0"))
        tables_ = tables.image_repositories
        await db.execute(tables_.insert().values(image_id=second, repository_id=repository_id))
    seen = await read(world, load_tag, ALICE, RULES, HOST, "team/multi", "1.0")
    assert [digest(2), digest(7)] == [one.digest for one in seen.image.platforms]
    assert [SecurityState.PASSED, SecurityState.PENDING] == [one.security.state for one in seen.image.platforms]
    assert SecurityState.PASSED is not seen.image.security.state
    assert ("queued", ()) == (seen.image.security.activity.value, seen.image.scanners)
    member = await read(world, load_image_view, ALICE, RULES, digest(7))
    assert [("team/multi", "1.0")] == [(one.repository, one.tag) for one in member.names]
    assert Answer.UNKNOWN is (await read(world, load_verdict, ALICE, RULES, digest(9))).answer
    assert first


async def test_the_queue(world: Store) -> None:
    """Requests are in the order that they are run in, with the sources that the viewer may know, and counted so."""
    async with world.writing() as db:
        team, other = await put_repository(db, HOST, "team/app"), await put_repository(db, HOST, "other/base")
        ids = {row.digest: row.id for row in await db.execute(select(tables.images.c.digest, tables.images.c.id))}
        both = await ask(db, ids[digest(1)], Reason.RESCAN, source=(team, "1.0"))
        await ask(db, ids[digest(1)], Reason.RESCAN, source=(other, "1"))
        error = "no other/base"
        await db.execute(tables.requests.update().where(tables.requests.c.id == both).values(error=error))
        mine = await ask(db, ids[digest(2)], Reason.PUSH)
        hidden = await ask(db, ids[digest(3)], Reason.PERSON)
    page = await read(world, list_requests, ALICE, RequestState.QUEUED)
    assert [mine, both] == [one.id for one in page.rows]
    assert [("team/app", "1.0")] == [(one.repository, one.tag) for one in page.rows[1].sources]
    assert ("no [another repository]", Reason.RESCAN) == (page.rows[1].error, page.rows[1].reason)
    assert [mine, hidden, both] == [
        one.id for one in (await read(world, list_requests, ROOT, RequestState.QUEUED)).rows
    ]
    assert (2, 3, 0) == tuple(
        [(await read(world, count_requests, one))[RequestState.QUEUED] for one in (ALICE, ROOT, EVE)]
    )
    assert await read(world, load_request, ALICE, hidden) is None
    assert hidden == (await read(world, load_request, BOB, hidden)).id


async def test_a_failure_counts_until_something_newer(store: Store) -> None:
    """An image whose newest request has failed has failed; with a newer one it is pending."""
    image_id = await tagged(store, 1, "team/app:1.0")
    async with store.writing() as db:
        await ask(db, image_id, Reason.PUSH)
        await db.execute(update(tables.requests).values(state="failed"))
    assert ["Failed"] == await words(store)
    async with store.writing() as db:
        await ask(db, image_id, Reason.PUSH)
    assert ["Pending"] == await words(store)
    async with store.writing() as db:
        newest = select(func.max(tables.requests.c.id)).scalar_subquery()
        await db.execute(update(tables.requests).where(tables.requests.c.id == newest).values(state="done"))
    assert ["Unknown"] == await words(store)


async def words(store: Store) -> list[str]:
    """Return the words of a repository's images."""
    page = await read(store, list_repository_images, ALICE, RULES, HOST, "team/app")
    return [one.security.words for one in page.rows]


async def test_pages_by_key_have_each_row_once(store: Store) -> None:
    """Whatever the size of a page, and although many were pushed in one moment, nothing is left out or comes twice."""
    async with store.writing() as db:
        repository_id = await put_repository(db, HOST, "team/app")
        for number in range(7):
            await put_repository(db, HOST, f"team/app{number}")
    for number in range(1, 8):
        image_id = await tagged(store, number)
        async with store.writing() as db:
            await put_tag(db, repository_id, f"t{number}", image_id)
            await ask(db, image_id, Reason.PUSH if number % 2 else Reason.RESCAN)
        await scanned(store, number, [ok("clair", *found("CVE-1")), ok("trivy")])
    async with store.writing() as db:
        at = select(func.min(tables.tags.c.pushed_at)).scalar_subquery()
        await db.execute(update(tables.tags).where(tables.tags.c.id < 5).values(pushed_at=at))
    lists: list[tuple[Callable[..., Awaitable[Page[Any]]], tuple[Any, ...], int]] = [
        (list_repositories, (RULES,), 8),
        (list_repository_images, (RULES, HOST, "team/app"), 7),
        (list_tags, (RULES, HOST, "team/app"), 7),
        (find_vulnerability, (RULES, "CVE-1"), 7),
        (list_requests, (RequestState.QUEUED,), 7),
    ]
    for load, where, number in lists:
        whole = (await read(store, load, ALICE, *where)).rows
        assert number == len(whole)
        for limit in (1, 3, number):
            rows, after = [], None
            while True:
                page = await read(store, load, ALICE, *where, after=after, limit=limit)
                rows += page.rows
                after = page.next_cursor
                if after is None:
                    break
            assert list(whole) == rows
        for wrong in ("x", "WyJhIiwxLDJd", "W10", "WzFd" * 300, "WzEuNV0", "é"):
            with pytest.raises(CursorError):
                await read(store, load, ALICE, *where, after=wrong)


async def test_a_search_finds_the_same_whichever_way_it_goes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may begin with the sets or go from image to image, and the page after many images is the same list."""
    for number in range(1, 8):
        await tagged(
            store, number, "team/app:1.0" if number == 1 else f"{'team' if number % 4 else 'other'}/a{number}:1"
        )
        await scanned(store, number, [ok("clair", *found("CVE-1" if number % 3 else "CVE-2", f"CVE-3{number}"))])
    whole = (await read(store, find_vulnerability, ALICE, RULES, "CVE-1")).rows
    assert [7, 5, 2, 1] == [next(one for one in range(8) if digest(one) == row.digest) for row in whole]
    for few_sets, few_runs, most in ((500, 5_000, 1_000), (0, 5_000, 1_000), (500, 0, 1_000), (500, 5_000, 2)):
        monkeypatch.setattr(vulnerability_views, "_FEW_SETS", few_sets)
        monkeypatch.setattr(vulnerability_views, "_FEW_RUNS", few_runs)
        monkeypatch.setattr(vulnerability_views, "_MOST_IMAGES", most)
        rows, after, left = [], None, True
        while left:
            view, page = await read(store, open_vulnerability, ALICE, RULES, "CVE-1", after=after, limit=1)
            assert min(4, most) == view.images
            rows, after = [*rows, *page.rows], page.next_cursor
            left = after is not None
        assert list(whole) == rows
