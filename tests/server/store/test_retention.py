"""What is removed because it is old, and what never is."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies
from portus_images import Image, Reference
from portus_scan_server.requests import Reason, ask
from portus_scan_server.store import (
    Store,
    database_now,
    load_answers,
    prepare_run,
    put_image,
    put_index,
    put_repository,
    put_tag,
    remove_old,
    store_run,
    tables,
)
from portus_scanners import Finding, ScannerRun
from properties import at_most
from sqlalchemy import exists, func, insert, not_, select, text, update

from .test_findings import WITH, failed, images_with, ok, rows

KEEP = timedelta(days=90)
OLD = database_now(-91 * 86_400)
NAMES = ("CVE-1", "CVE-2", "CVE-3")
SETS = strategies.sets(strategies.sampled_from(NAMES), max_size=3)
RUNS = strategies.lists(
    strategies.tuples(strategies.integers(1, 3), strategies.sampled_from(("a", "b")), SETS | strategies.none()),
    max_size=12,
)


def make_run(scanner: str, names: set[str] | None) -> ScannerRun:
    """Return a run with findings of these names, or one that failed."""
    findings = [Finding(id=name) for name in sorted(names or ())]
    return failed(scanner) if names is None else ok(*findings, scanner=scanner)


async def state(store: Store, images: list[int]) -> tuple[Any, ...]:
    """Return every answer, and where each vulnerability is."""
    async with store.reading() as db:
        answers = [await load_answers(db, one) for one in images]
        found = [await images_with(db, name) for name in NAMES]
    return answers, found


async def orphans(store: Store) -> list[int]:
    """Return how many sets no run has, how many findings no set, how many advisories no finding."""
    sets, findings, advisories, links = (
        tables.finding_sets, tables.findings, tables.advisories, tables.set_findings
    )  # fmt: skip
    in_a_set = (
        exists().where(findings.c.id == func.any(sets.c.finding_ids))
        if store.dialect == "postgresql"
        else exists().where(links.c.finding_id == findings.c.id)
    )
    unused = [
        select(func.count()).select_from(sets).where(not_(exists().where(tables.runs.c.set_id == sets.c.id))),
        select(func.count()).select_from(findings).where(not_(in_a_set)),
        select(func.count())
        .select_from(advisories)
        .where(not_(exists().where(findings.c.advisory_id == advisories.c.id))),
    ]
    async with store.reading() as db:
        return [int((await db.execute(one)).scalar_one()) for one in unused]


@settings(max_examples=at_most(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=RUNS, old=strategies.booleans())
async def test_no_answer_changes_and_nothing_is_left_over(store: Store, runs: list[Any], old: bool) -> None:
    """Whatever was stored: what counts of each image reads the same before and after, and nothing hangs loose."""
    async with store.writing() as db:
        repository_id = await put_repository(db, "r.example", "app")
        images = []
        for number in range(1, 4):
            images.append(await put_image(db, f"sha256:{number}"))
            await put_tag(db, repository_id, f"{number}", images[-1])
        for image, scanner, names in runs:
            await store_run(db, images[image - 1], prepare_run(make_run(scanner, names), WITH))
        if old:
            await db.execute(update(tables.runs).values(checked_at=OLD, first_at=OLD))
            await db.execute(update(tables.images).values(last_seen_at=OLD))
    before = await state(store, images)
    await remove_old(store, KEEP)
    assert before == await state(store, images)
    if old:
        assert [0, 0, 0] == await orphans(store)
        latest, made = tables.latest, tables.runs
        named = exists().where(made.c.id.in_([latest.c.answer_id, latest.c.said_id, latest.c.try_id]))
        async with store.reading() as db:
            assert 0 == await db.scalar(select(func.count()).select_from(made).where(not_(named)))


async def test_what_is_young_stays_and_what_is_old_goes(store: Store) -> None:
    """Of events, requests, histories, gone tags and images, those go that are old; what is open or named stays."""
    async with store.writing() as db:
        repository_id = await put_repository(db, "r.example", "app")
        kept, moved, gone, member, asked = [await put_image(db, f"sha256:{name}") for name in "abcde"]
        await put_tag(db, repository_id, "1", moved)
        await put_tag(db, repository_id, "1", kept)
        await put_tag(db, repository_id, "2", gone)
        await put_index(db, kept, [Image(reference=Reference.parse("r.example/app:1"), digest="sha256:d")])
        requests = {one: await ask(db, one, Reason.PUSH) for one in (kept, moved, gone, asked)}
        for image_id in (kept, moved, gone, member, asked):
            await store_run(db, image_id, prepare_run(ok(Finding(id=f"CVE-{image_id}")), WITH))
        registry_id = await db.scalar(select(tables.registries.c.id))
        told = {"registry_id": registry_id, "action": "push", "repository": "app"}
        for name, done_at in (("waits", None), ("is done", OLD)):
            await db.execute(insert(tables.events).values(**told, event_id=name, done_at=done_at, received_at=OLD))
        ended = tables.requests.c.id.in_([requests[kept], requests[moved], requests[gone]])
        await db.execute(update(tables.requests).where(ended).values(state="done", ended_at=database_now()))
    assert {"events": 1} == {name: one for name, one in (await remove_old(store, KEEP)).items() if one}
    async with store.writing() as db:
        await db.execute(update(tables.requests).values(asked_at=OLD))
        await db.execute(update(tables.requests).where(ended).values(ended_at=OLD))
        await db.execute(update(tables.tags).where(tables.tags.c.name == "2").values(gone_at=OLD))
        await db.execute(update(tables.tag_history).values(to_at=OLD))
        await db.execute(update(tables.images).values(last_seen_at=OLD))
    removed = await remove_old(store, KEEP)
    expected = {"requests": 3, "tag_history": 1, "tags": 1, "images": 2, "finding_sets": 2}
    assert expected == {name: number for name, number in removed.items() if number}
    async with store.reading() as db:
        assert {kept, member, asked} == set((await db.execute(select(tables.images.c.id))).scalars())
    assert [3, 3, 3] == [await rows(store, name) for name in ("finding_sets", "findings", "advisories")]


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_a_set_that_was_found_is_not_removed(store: Store) -> None:
    """What stores a run with a set that nobody else has keeps the remover waiting, also where the set is old."""
    run = prepare_run(ok(Finding(id="CVE-1")), WITH)
    async with store.writing() as db:
        first = await put_image(db, "sha256:1")
        await store_run(db, first, run)
        await store_run(db, first, prepare_run(ok(), WITH))
        await db.execute(update(tables.runs).values(checked_at=OLD))
    async with store.writing() as db:
        other = await put_image(db, "sha256:2")
        await store_run(db, other, run)
        removing = asyncio.create_task(remove_old(store, KEEP))
        waits = text("select count(*) from pg_locks where locktype = 'advisory' and not granted")
        async with store.reading() as watching:
            while not await watching.scalar(waits):  # noqa: ASYNC110 (the database tells nobody)
                await asyncio.sleep(0.01)
    removed = await removing
    assert (1, 0) == (removed["runs"], removed["finding_sets"])
    async with store.reading() as db:
        assert (await load_answers(db, other))["clair"].answer is not None
