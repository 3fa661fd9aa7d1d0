"""From a request to what is stored, with an engine, the dummy and a registry on loopback."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from portus_images import Registry
from portus_policy import Policy, Suppression
from portus_scan_server.answers import Freshness, MadeWith
from portus_scan_server.chores import again_and_again
from portus_scan_server.fleet import PlacedSlots
from portus_scan_server.requests import Reason, ask, claim, died
from portus_scan_server.rescans import ask_for_due
from portus_scan_server.runner import Runner
from portus_scan_server.store import (
    Store,
    StoreUnavailableError,
    load_answers,
    load_image,
    put_image,
    put_repository,
    put_tag,
    tables,
)
from portus_scan_server.summaries import Rules, Summary, SummaryRenewal, is_current, put_index_summary, summarize
from portus_scanners import Engine, Outcome, Reference, Settings, make_image_report
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import alpine_image, debian_image, make_index
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

RULES = Rules(enabled=("dummy",))
WITH = MadeWith(plugin_version="1", settings="s", database="today")


def configuration(host: str, script: list[dict[str, Any]] | None = None, **more: Any) -> Settings:
    """Return a configuration with the dummy."""
    dummy = {"server": "any", "script": script or [], **more}
    return Settings.from_mapping({"security": {"dummy": dummy}, "registries": {host: {"insecure": True}}})


@asynccontextmanager
async def running(
    store: Store,
    settings: Settings,
    *,
    owner: str = "me",
    rules: Rules = RULES,
    made_with: MadeWith = WITH,
    slots: PlacedSlots | None = None,
    poll: float = 1.0,
) -> AsyncIterator[Runner]:
    """Run requests as long as the block does, and end what runs after it."""
    async with Registry(settings.registries) as asked, Engine(settings, registry=asked, slots=slots) as engine:
        made = {"dummy": made_with}
        runner = Runner(store, engine, asked, rules, owner=owner, made_with=lambda: made, poll=poll)
        if slots is not None:
            slots.on_change = runner.wake
        task = asyncio.create_task(runner.run())
        try:
            yield runner
            runner.stop()
            await task
        finally:
            task.cancel()
            await asyncio.wait({task})


class Gate:
    """Where each scan of the dummy waits until the test lets it on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, _seconds: float) -> None:
        """Take the place of the dummy's delay."""
        self.reached.set()
        await self.open.wait()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The dummy's scans in this process begin, and end when the test says."""
    made = Gate()
    monkeypatch.setattr("portus_scanner_dummy.scanner.sleep", made)
    return made


async def pushed(store: Store, registry: StandInRegistry, name: str, digest: str, **more: Any) -> int:
    """Note that a tag was pushed, ask for it, and return the image."""
    host = registry.reference("x", "y").partition("/")[0]
    repository, _, tag = name.partition(":")
    async with store.writing() as db:
        image_id = await put_image(db, digest)
        repository_id = await put_repository(db, host, repository)
        await put_tag(db, repository_id, tag, image_id)
        await ask(db, image_id, Reason.PUSH, source=(repository_id, tag), **more)
    return image_id


async def until_idle(store: Store) -> None:
    """Wait until no request is queued that is due, and none runs."""
    waiting = tables.requests.c.state.in_(("queued", "running"))
    while True:
        async with store.reading() as db:
            rows = (await db.execute(select(tables.requests.c.failures).where(waiting))).scalars().all()
        if not [one for one in rows if not one]:
            return
        await asyncio.sleep(0.01)


async def summary(store: Store, image_id: int) -> Any:
    """Return the row of `summaries`, with whether it is current."""
    async with store.reading() as db:
        query = select(tables.summaries, is_current(RULES).label("is_current"))
        return (await db.execute(query.where(tables.summaries.c.image_id == image_id))).one()


async def test_from_a_push_to_a_summary(store: Store, registry: StandInRegistry) -> None:
    """What was pushed is scanned; its runs, the image as it was resolved and the merged counts are there at once."""
    image = debian_image({"bash": "5"})
    digest = registry.push("team/app", "1.0", image)
    image_id = await pushed(store, registry, "team/app:1.0", digest)
    settings = configuration(registry.reference("x", "y").partition("/")[0])
    async with running(store, settings):
        await until_idle(store)
    found = await summary(store, image_id)
    assert ("vulnerable", 1, 3, True) == (found.verdict, found.high, found.total, found.is_current)
    reference = Reference.parse(f"{registry.reference('team/app', '1.0')}@{digest}")
    async with Engine(settings) as engine:
        report = await engine.scan(reference)
    async with store.reading() as db:
        stored = (await load_answers(db, image_id))["dummy"].answer
        resolved = await load_image(db, image_id, reference)
    assert stored is not None
    assert resolved is not None
    assert (WITH.database, report.image) == (stored.made_with.database, resolved)
    read_back = make_image_report(resolved, [stored.run])
    assert (report.verdict, report.vulnerabilities) == (read_back.verdict, read_back.vulnerabilities)


async def test_an_index_is_the_worst_of_its_images(store: Store, registry: StandInRegistry) -> None:
    """Each image of an index is asked for, an attestation is not, and the index has the worst verdict of them."""
    one, other = debian_image({"bash": "5"}), alpine_image({"musl": "1"})
    digest = registry.push("team/app", "1.0", make_index(one, other, attestation=True))
    image_id = await pushed(store, registry, "team/app:1.0", digest)
    host = registry.reference("x", "y").partition("/")[0]
    script = [{"image": f"*{other.digest}", "findings": []}]
    async with running(store, configuration(host, script)):
        await until_idle(store)
    async with store.reading() as db:
        rows = (await db.execute(select(tables.summaries.c.image_id, tables.summaries.c.verdict))).all()
        asked = (await db.execute(select(tables.requests.c.state))).scalars().all()
        runnable = (await db.execute(select(tables.index_images.c.runnable))).scalars().all()
    assert (["clean", "vulnerable", "vulnerable"], ["done"] * 3) == (sorted(row.verdict for row in rows), list(asked))
    assert "vulnerable" == {row.image_id: row.verdict for row in rows}[image_id]
    assert [False, False, True, True] == sorted(runnable)


async def test_a_digest_is_looked_for_in_each_of_its_repositories(store: Store, registry: StandInRegistry) -> None:
    """Where the repository of the request does not give the image, another does; without any it ends failed."""
    image = debian_image({"bash": "5"})
    digest = registry.push("team/other", "1.0", image)
    await pushed(store, registry, "team/other:1.0", digest)
    image_id = await pushed(store, registry, "team/gone:1.0", digest)
    lost = await pushed(store, registry, "team/gone:2.0", "sha256:" + "0" * 64)
    async with running(store, configuration(registry.reference("x", "y").partition("/")[0])):
        await until_idle(store)
    assert "vulnerable" == (await summary(store, image_id)).verdict
    async with store.reading() as db:
        query = select(tables.requests.c.state, tables.requests.c.error).where(tables.requests.c.image_id == lost)
        state, error = (await db.execute(query)).one()
    assert "failed" == state
    assert "team/gone" in error


async def test_a_registry_that_is_away(store: Store) -> None:
    """A request whose registry can't be reached is put off, with the reason; nothing is known of its image."""
    async with StandInRegistry() as registry:
        image_id = await pushed(store, registry, "team/app:1.0", "sha256:" + "1" * 64)
        host = registry.reference("x", "y").partition("/")[0]
    async with running(store, configuration(host)):
        await until_idle(store)
    async with store.reading() as db:
        row = (await db.execute(select(tables.requests))).one()
        answers = await load_answers(db, image_id)
    assert ("queued", 1, {}) == (row.state, row.failures, answers)
    assert row.error
    assert row.step


async def test_sigterm_gives_back_what_runs(store: Store, registry: StandInRegistry, gate: Gate) -> None:
    """A runner that is cancelled ends its scans, stores nothing of them, and counts nothing against the request."""
    digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    image_id = await pushed(store, registry, "team/app:1.0", digest)
    host = registry.reference("x", "y").partition("/")[0]
    settings = configuration(host)
    async with Registry(settings.registries) as asked, Engine(settings, registry=asked) as engine:
        runner = Runner(store, engine, asked, RULES, owner="me", made_with=dict)
        task = asyncio.create_task(runner.run())
        await gate.reached.wait()
        task.cancel()
        await asyncio.wait({task})
    async with store.reading() as db:
        row = (await db.execute(select(tables.requests))).one()
        assert ("queued", None, 0, False) == (row.state, row.owner, row.deaths, row.alone)
        assert {} == await load_answers(db, image_id)


async def test_what_an_old_owner_finds_is_dropped(store: Store, registry: StandInRegistry, gate: Gate) -> None:
    """A scan that ends after its request was given to another owner stores no run, no summary, and ends nothing."""
    digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    image_id = await pushed(store, registry, "team/app:1.0", digest)
    host = registry.reference("x", "y").partition("/")[0]
    async with running(store, configuration(host)) as runner:
        await gate.reached.wait()
        runner.stop()
        async with store.writing() as db:
            assert await died(db, ["me"])
            assert (await claim(db, "another", idle=True)) is not None
        gate.open.set()
    async with store.reading() as db:
        row = (await db.execute(select(tables.requests))).one()
        assert ("running", "another", 2) == (row.state, row.owner, row.attempt)
        assert {} == await load_answers(db, image_id)
        assert [] == (await db.execute(select(tables.summaries))).all()


async def test_when_images_are_asked_for_again(store: Store, registry: StandInRegistry) -> None:
    """New data makes every image due once, then none; a result that has not changed adds no row."""
    host = registry.reference("x", "y").partition("/")[0]
    for name in ("a", "b"):
        digest = registry.push("team/app", name, debian_image({"bash": name}))
        await pushed(store, registry, f"team/app:{name}", digest)
    freshness, later = Freshness(), MadeWith(plugin_version="1", settings="s", database="tomorrow")
    seen = []
    for made_with in (WITH, later):
        version = {"dummy": await _with_version(store, made_with)}
        seen.append(await ask_for_due(store, version, freshness))
        async with running(store, configuration(host), made_with=made_with):
            await until_idle(store)
        seen.append(await ask_for_due(store, {"dummy": await _with_version(store, made_with)}, freshness))
    assert [0, 0, 2, 0] == seen
    async with store.reading() as db:
        assert [(2,), (2,)] == [tuple(row) for row in (await db.execute(select(tables.runs.c.times))).all()]
    unknown = MadeWith(
        plugin_version="1", settings="s", scanner_version=(await _with_version(store, WITH)).scanner_version
    )
    async with store.writing() as db:
        await db.execute(update(tables.runs).values(database_identity=None))
    assert 0 == await ask_for_due(store, {"dummy": unknown}, freshness)
    assert 2 == await ask_for_due(store, {"dummy": unknown}, Freshness(age=timedelta(seconds=-1)))


async def _with_version(store: Store, made_with: MadeWith) -> MadeWith:
    """Return this with the scanner's version that the newest run says."""
    async with store.reading() as db:
        found = await db.scalar(select(tables.runs.c.scanner_version).order_by(tables.runs.c.id.desc()).limit(1))
    return MadeWith(plugin_version="1", settings="s", scanner_version=found or "", database=made_with.database)


async def test_other_rules_make_summaries_anew(store: Store, registry: StandInRegistry) -> None:
    """A summary of other rules is not current until it is renewed; a scanner that is enabled now makes it unknown."""
    digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    image_id = await pushed(store, registry, "team/app:1.0", digest)
    async with running(store, configuration(registry.reference("x", "y").partition("/")[0])):
        await until_idle(store)
    rule = {"ids": ("CVE-2016-6304",), "reason": "r"}
    names = registry.reference("team/app", "*"), "else.example/*"
    rules = [
        Rules(enabled=("dummy", "trivy")),
        Rules(enabled=("trivy",)),
        *(
            Rules(enabled=("dummy",), policy=Policy(suppressions=(Suppression(rule="f:1", image=name, **rule),)))
            for name in names
        ),
    ]  # type: ignore[arg-type]
    seen = []
    for one in rules:
        assert not (await summary(store, image_id)).is_current or one is rules[0]
        renewal = SummaryRenewal(store, one)
        assert (1, 0) == (await renewal.renew_some(), await renewal.renew_some())
        found = await summary(store, image_id)
        seen.append((found.verdict, found.total, found.suppressed, json.loads(found.doubts)))
    doubt = {"trivy": ["not_scanned"]}
    expected = [
        ("vulnerable", 3, 0, doubt),
        ("unknown", 0, 0, doubt),
        ("vulnerable", 3, 1, {}),
        ("vulnerable", 3, 0, {}),
    ]
    assert expected == seen


async def test_a_failure_is_kept_beside_the_answer(store: Store, registry: StandInRegistry) -> None:
    """When a later scan fails, the summary still has the answer's counts, and says that the last try failed."""
    digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    host = registry.reference("x", "y").partition("/")[0]
    image_id = 0
    for script in ([], [{"behaviour": "failed"}]):
        image_id = await pushed(store, registry, "team/app:1.0", digest)
        async with running(store, configuration(host, script)):
            await until_idle(store)
    found = await summary(store, image_id)
    assert ("vulnerable", 3, {"dummy": ["last_failed"]}) == (found.verdict, found.total, json.loads(found.doubts))
    async with store.reading() as db:
        stored = (await load_answers(db, image_id))["dummy"]
    assert stored.answer is not None
    assert stored.last is not None
    assert (Outcome.OK, Outcome.FAILED) == (stored.answer.run.outcome, stored.last.run.outcome)


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_poisoned_request_takes_no_innocents_with_it(
    store: Store, registry: StandInRegistry, gate: Gate
) -> None:
    """While a request runs alone nothing else is claimed."""
    host = registry.reference("x", "y").partition("/")[0]
    for name in ("a", "b"):
        digest = registry.push("team/app", name, debian_image({"bash": name}))
        await pushed(store, registry, f"team/app:{name}", digest)
    async with store.writing() as db:
        await claim(db, "me", idle=True)
        await died(db)
    async with running(store, configuration(host)) as runner:
        await gate.reached.wait()
        assert not await runner.begin()
        async with store.reading() as db:
            states = (await db.execute(select(tables.requests.c.state).order_by(tables.requests.c.id))).scalars()
        assert ["running", "queued"] == list(states)
        gate.open.set()
        await until_idle(store)
    assert 2 == runner.ended


async def test_a_fault_of_ours_puts_a_request_off(
    store: Store, registry: StandInRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where our own code raises, the request is not left running, which nobody would ever run again."""
    digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    await pushed(store, registry, "team/app:1.0", digest)
    monkeypatch.setattr("portus_scan_server.runner.prepare_run", None)
    async with running(store, configuration(registry.reference("x", "y").partition("/")[0])) as runner:
        while not runner.ended:  # noqa: ASYNC110 (the runner tells nobody)
            await asyncio.sleep(0.01)
    async with store.reading() as db:
        row = (await db.execute(select(tables.requests))).one()
    assert ("queued", None, 1, True) == (row.state, row.owner, row.failures, "fault of this program" in row.error)


async def test_a_chore_that_fails_is_done_again(caplog: pytest.LogCaptureFixture) -> None:
    """A fault of ours in one round, for one image, does not end the planning for all others."""
    rounds: list[int] = []
    again = asyncio.Event()

    async def chore() -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise ZeroDivisionError("of this image")
        again.set()

    tasks = {
        asyncio.create_task(again_and_again(chore, 0, logging.getLogger("portus_scan_server"))),
        asyncio.create_task(again.wait()),
    }
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    assert again.is_set()
    assert "of this image" in caplog.text


async def test_damaged_answers_keep_no_other_summary_from_being_renewed(
    store: Store, registry: StandInRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stay what they were, with the mark that it is not true now; what comes after more than a batch is made."""
    monkeypatch.setattr("portus_scan_server.summaries.renewal._BATCH", 2)
    host = registry.reference("x", "y").partition("/")[0]
    found = []
    for name in ("a", "b", "c", "d"):
        digest = registry.push("team/app", name, debian_image({"bash": name}))
        found.append(await pushed(store, registry, f"team/app:{name}", digest))
    async with running(store, configuration(host)):
        await until_idle(store)
    async with store.writing() as db:
        members = {"finding_ids": []} if store.dialect == "postgresql" else {}
        made = insert(tables.finding_sets).values(fingerprint="damaged", total=2, **members)
        lost = await db.scalar(made.returning(tables.finding_sets.c.id))
        await db.execute(update(tables.runs).where(tables.runs.c.image_id.in_(found[:3])).values(set_id=lost))
    other = Rules(enabled=("dummy",), max_age=timedelta(days=3))
    renewal = SummaryRenewal(store, other)
    assert [0, 1, 0, 0] == [await renewal.renew_some() for _ in range(4)]
    seen = [(await summary(store, one)).configuration == other.fingerprint for one in found]
    assert [False, False, False, True] == seen


async def test_an_index_that_can_not_be_judged_keeps_nothing_of_before(store: Store, registry: StandInRegistry) -> None:
    """Without any summary of its images it has no counts and no gate; with some, nothing is clean, and it says why."""
    one, other = debian_image({"bash": "5"}), alpine_image({"musl": "1"})
    digest = registry.push("team/app", "1.0", make_index(one, other))
    image_id = await pushed(store, registry, "team/app:1.0", digest)
    async with running(store, configuration(registry.reference("x", "y").partition("/")[0])):
        await until_idle(store)
    summaries, seen = tables.summaries, []
    async with store.writing() as db:
        await db.execute(update(summaries).values(gate="pass", verdict="clean"))
        for gone in (2, 3):
            await db.execute(delete(summaries).where(summaries.c.image_id == gone))
            await put_index_summary(db, image_id, RULES)
            row = (await db.execute(select(summaries).where(summaries.c.image_id == image_id))).one()
            seen.append((row.verdict, row.gate, row.total, json.loads(row.doubts), row.checked_at))
    doubt = {"dummy": ["not_scanned"]}
    assert [("unknown", "", 3, doubt, None), ("unknown", "", 0, doubt, None)] == seen


class LosesAnswers:
    """Loses the answer to each commit of one caller, which counts nevertheless, or not, as often as it is told.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._writing = store.writing
        self.left: list[bool] = []

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[AsyncConnection]:
        """Yield a transaction that writes."""
        async with self._writing() as db:
            yield db
            counts = self.left.pop() if self.left else None
            if counts is False:
                raise StoreUnavailableError("it is gone")
        if counts:
            raise StoreUnavailableError("the answer is lost")


async def test_a_claim_whose_answer_was_lost_is_run(
    store: Store, registry: StandInRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that its runner has without knowing it is queued again, and ends; nothing is counted against it."""
    digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    await pushed(store, registry, "team/app:1.0", digest)
    monkeypatch.setattr("portus_scan_server.requests.table._UNKNOWN_AGAIN", 0)
    settings = configuration(registry.reference("x", "y").partition("/")[0])
    async with Registry(settings.registries) as asked, Engine(settings, registry=asked) as engine:
        losing, fates = LosesAnswers(store), [False, True, False]

        async def claim_and_lose(*arguments: Any, **more: Any) -> Any:
            claimed = await claim(*arguments, **more)
            losing.left = [fates.pop()] if claimed is not None and fates else []
            return claimed

        monkeypatch.setattr("portus_scan_server.fleet.claimer.claim", claim_and_lose)
        runner = Runner(store, engine, asked, RULES, owner="me", made_with=lambda: {"dummy": WITH})
        monkeypatch.setattr(runner, "_store", SimpleNamespace(writing=losing, reading=store.reading))
        task = asyncio.create_task(runner.run())
        await until_idle(store)
        runner.stop()
        await task
    async with store.reading() as db:
        row = (await db.execute(select(tables.requests))).one()
    assert ("done", 2, 0, False) == (row.state, row.attempt, row.deaths, row.alone)


async def test_an_end_whose_answer_was_lost_is_not_dropped(
    store: Store,
    registry: StandInRegistry,
    gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was stored is stored once, and nobody says that it was dropped."""
    monkeypatch.setattr("portus_scan_server.runner._RETRY", 0.0)
    digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    await pushed(store, registry, "team/app:1.0", digest)
    losing = LosesAnswers(store)
    host = registry.reference("x", "y").partition("/")[0]
    async with running(store, configuration(host)) as runner:
        await gate.reached.wait()
        runner.stop()
        losing.left = [True]
        monkeypatch.setattr(store, "writing", losing)
        gate.open.set()
    async with store.reading() as db:
        assert ["done"] == list((await db.execute(select(tables.requests.c.state))).scalars())
        assert [1] == list((await db.execute(select(tables.runs.c.times))).scalars())
    assert "the answer is lost" in caplog.text
    assert "dropped" not in caplog.text


async def test_a_request_for_some_scanners_asks_these_alone(store: Store, registry: StandInRegistry) -> None:
    """The others are not asked, and what they have answered before still counts."""
    digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    host = registry.reference("x", "y").partition("/")[0]
    scanners = {name: {"scanner": "dummy", "server": "any"} for name in ("one", "two")}
    settings = Settings.from_mapping({"security": scanners, "registries": {host: {"insecure": True}}})
    rules, image_id = Rules(enabled=("one", "two")), 0
    for only in ((), ("two",), ("three",)):
        image_id = await pushed(store, registry, "team/app:1.0", digest, scanners=only)
        async with running(store, settings, rules=rules):
            await until_idle(store)
    async with store.reading() as db:
        found = await db.execute(select(tables.runs.c.scanner, tables.runs.c.times).order_by(tables.runs.c.scanner))
        assert [("one", 1), ("two", 2)] == [tuple(row) for row in found]
    assert "vulnerable" == (await summary(store, image_id)).verdict


async def test_what_is_known_of_an_image_is_not_fetched_again(store: Store, registry: StandInRegistry) -> None:
    """A scan of an image that was resolved once costs a HEAD; when the registry has it no longer, it is given up."""
    digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    settings = configuration(registry.reference("x", "y").partition("/")[0])
    seen = []
    for _ in range(2):
        await pushed(store, registry, "team/app:1.0", digest)
        registry.requests.clear()
        async with running(store, settings):
            await until_idle(store)
        seen.append([one.method for one in registry.requests if "/manifests/" in one.path])
    assert (["GET"], ["HEAD"]) == tuple(seen)


async def test_an_unchanged_answer_says_the_same_without_being_merged_again(
    store: Store, registry: StandInRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A summary that is extended is, but for its times, the one that is made anew; a changed finding makes it anew."""
    host, image_id = registry.reference("x", "y").partition("/")[0], 0
    digest = registry.push("team/app", "1.0", make_index(debian_image({"bash": "5"}), alpine_image({"musl": "1"})))
    merged: list[int] = []
    monkeypatch.setattr("portus_scan_server.runner.summarize", _counting(merged))
    seen = []
    other = [{"count": 4}]
    for shortcut, script in ((True, []), (True, []), (False, []), (True, other)):
        monkeypatch.setattr(Rules, "only_answers_count", shortcut)
        image_id = await pushed(store, registry, "team/app:1.0", digest)
        async with running(store, configuration(host, script)):
            await until_idle(store)
        seen.append((len(merged), await _without_times(store)))
    assert [2, 2, 4, 6] == [number for number, _ in seen]
    assert seen[0][1] == seen[1][1] == seen[2][1] != seen[3][1]
    assert 4 == (await summary(store, image_id)).total


def _counting(merged: list[int]) -> Any:
    def count(*arguments: Any, **more: Any) -> Summary:
        merged.append(1)
        return summarize(*arguments, **more)

    return count


async def _without_times(store: Store) -> list[dict[str, Any]]:
    """Return all summaries, but for their times, which have to be those of the newest run of each image."""
    async with store.reading() as db:
        rows = (await db.execute(select(tables.summaries).order_by(tables.summaries.c.image_id))).mappings().all()
        newest = await db.scalar(select(tables.runs.c.checked_at).order_by(tables.runs.c.checked_at).limit(1))
    assert newest is not None
    assert {True} == {abs(row["checked_at"] - newest) < timedelta(minutes=1) for row in rows}
    assert {timedelta(days=7)} == {row["holds_until"] - row["checked_at"] for row in rows if row["image_id"] != 1}
    return [{name: one for name, one in row.items() if not name.endswith(("_at", "_until"))} for row in rows]
