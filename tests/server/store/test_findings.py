"""Findings and runs, stored and read back."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import attrs
import pytest
from core.strategies import runs_of
from hypothesis import HealthCheck, given, settings
from portus_images import PortusError
from portus_scan_server.answers import MadeWith, ScannerAnswers
from portus_scan_server.store import Store, load_answers, prepare_run, put_image, store_run, tables
from portus_scan_server.store.finding_bodies import ADVISORY, IN_PACKAGE, PLACE
from portus_scan_server.store.sets import ids_named, prepare_findings, sets_having
from portus_scanners import (
    Cvss,
    Database,
    EndOfLife,
    Finding,
    FixState,
    Outcome,
    Package,
    ScannerReport,
    ScannerRun,
    Severity,
    VendorRating,
)
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

NUMBERS = count(1)
WITH = MadeWith(plugin_version="1", scanner_version="2", settings="3", database="4")


def ok(*findings: Finding, scanner: str = "clair", **members: object) -> ScannerRun:
    """A run that ended ok."""
    report = ScannerReport(findings=findings, **members)  # type: ignore[arg-type]
    return ScannerRun(scanner=scanner, plugin="acme", outcome=Outcome.OK, report=report)


def failed(scanner: str = "clair", error: str = "no answer") -> ScannerRun:
    """A run that failed."""
    return ScannerRun(scanner=scanner, plugin="acme", outcome=Outcome.FAILED, error=error)


async def put(store: Store, *runs: ScannerRun, image: int = 0, made_with: MadeWith = WITH) -> ScannerAnswers:
    """Store runs of a scanner on an image, a new one when left out, and return what counts then."""
    async with store.writing() as db:
        image_id = await put_image(db, f"sha256:{image or next(NUMBERS):064x}")
        for run in runs:
            await store_run(db, image_id, prepare_run(run, made_with))
    async with store.reading() as db:
        return (await load_answers(db, image_id))[runs[0].scanner]


async def rows(store: Store, name: str) -> int:
    """Return how many rows a table has."""
    async with store.reading() as db:
        return int((await db.execute(select(func.count()).select_from(tables.metadata.tables[name]))).scalar_one())


def test_each_member_of_a_finding_has_one_place() -> None:
    """Each member of a finding is said of the vulnerability, of it in its package, or of its place in the image."""
    assert sorted(one.name for one in attrs.fields(Finding)) == sorted((*ADVISORY, *IN_PACKAGE, *PLACE))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(run=runs_of("clair"), other=runs_of("clair"))
async def test_a_run_comes_back_as_it_was(store: Store, run: ScannerRun, other: ScannerRun) -> None:
    """A stored run read back equals the run, also after another one, on another image that shares its findings."""
    assert run == (await put(store, run)).last.run  # type: ignore[union-attr]
    assert other == (await put(store, run, other)).last.run  # type: ignore[union-attr]


def test_a_fingerprint_covers_every_member_but_the_place() -> None:
    """Findings that differ in any member are two members of a set, except for layer and path, which are the image's."""
    base = Finding(id="CVE-1", package=Package("bash", "5"))
    moment = datetime(2026, 11, 30, tzinfo=UTC)
    other: dict[str, object] = {
        "id": "CVE-2",
        "aliases": ("GHSA-1",),
        "severity": Severity.HIGH,
        "severity_label": "High",
        "severity_source": "nvd",
        "vendor_ratings": (VendorRating(source="nvd"),),
        "package": Package("bash", "6"),
        "source_package": Package("bash", "5"),
        "purl": "pkg:deb/debian/bash@5",
        "path": "a.jar",
        "fix_state": FixState.FIXED,
        "fixed_by": ("6",),
        "links": ("https://a.example",),
        "title": "t",
        "description": "d",
        "cvss": (Cvss(version="3.1"),),
        "layer": "sha256:a",
        "published": moment,
        "modified": moment,
        "inferred": True,
        "details": {"a": "b"},
    }
    assert [one.name for one in attrs.fields(Finding)] == list(other)
    changed = {name: attrs.evolve(base, **{name: value}) for name, value in other.items()}
    known = prepare_findings([base]).fingerprint
    assert set(PLACE) == {name for name, one in changed.items() if prepare_findings([one]).fingerprint == known}


async def test_what_differs_from_image_to_image_is_not_shared(store: Store) -> None:
    """Two images with the same findings in other places share every row of them, and each keeps its own places."""
    found = [Finding(id=f"CVE-{n}", package=Package("bash", "5"), layer="sha256:a", path=f"{n}") for n in range(3)]
    elsewhere = [attrs.evolve(one, layer="sha256:b", path=f"x/{one.path}") for one in found]
    one, other = await put(store, ok(*found, found[0])), await put(store, ok(*elsewhere))
    assert (ok(*found, found[0]), ok(*elsewhere)) == (one.last.run, other.last.run)  # type: ignore[union-attr]
    assert [1, 3, 3] == [await rows(store, name) for name in ("finding_sets", "findings", "advisories")]


async def test_strings_that_databases_reject(store: Store) -> None:
    """NUL, lone surrogates and very long names are kept as they are, and can be looked for."""
    run = ok(Finding(id="CVE-\0\ud800" + "x" * 500, title="\0\udfff", package=Package("\0", "\ud800")))
    assert run == (await put(store, run)).last.run  # type: ignore[union-attr]
    async with store.reading() as db:
        assert 1 == len(await images_with(db, "cve-\0\ud800" + "X" * 500))


async def test_a_failure_never_replaces_an_answer(store: Store) -> None:
    """What failed is the last try; the answer and what was said last stay; what was found half way is said."""
    answer, half = ok(Finding(id="CVE-1")), ScannerReport(complete=False, findings=[Finding(id="CVE-2")])
    found = await put(store, answer, failed())
    assert (answer, answer, failed()) == _runs(found)
    partial = attrs.evolve(failed(), report=half)
    assert (answer, partial, partial) == _runs(await put(store, answer, failed(), partial))
    unsupported = ScannerRun(scanner="clair", plugin="acme", outcome=Outcome.UNSUPPORTED, error="no")
    assert (answer, unsupported, failed()) == _runs(await put(store, answer, unsupported, failed()))
    assert (answer, answer, answer) == _runs(await put(store, answer, unsupported, failed(), answer))


def _runs(found: ScannerAnswers) -> tuple[ScannerRun | None, ...]:
    return tuple(one.run if one else None for one in (found.answer, found.said, found.last))


async def test_an_unchanged_result_is_no_new_row(store: Store) -> None:
    """The same result with newer data is the same row, checked again; another note, or another place, is a new one."""
    first, later = ok(Finding(id="CVE-1")), MadeWith(plugin_version="1", database="5")
    run = ok(Finding(id="CVE-1"), scanner_version="9", database=Database(identity="8"))
    await put(store, first, image=7001)
    found = await put(store, run, image=7001, made_with=later)
    assert found.answer is not None
    assert (1, 2, run, later) == (
        await rows(store, "runs"),
        found.answer.times,
        found.answer.run,
        found.answer.made_with,
    )
    assert found.answer.first_at <= found.answer.checked_at
    changed = [
        ok(Finding(id="CVE-1"), notes=["n"]),
        ok(Finding(id="CVE-1", path="a")),
        ok(Finding(id="CVE-1"), end_of_life=EOL),
    ]
    for number, one in enumerate(changed, 2):
        assert (await put(store, one, image=7001)).answer.run == one  # type: ignore[union-attr]
        assert number == await rows(store, "runs")


EOL = EndOfLife(source="Trivy")


async def test_failures_are_counted_for_each_version_of_the_data(store: Store) -> None:
    """A failure that repeats is one row with a count, which begins anew with other data."""
    again = await put(store, failed(), failed(error="another"), failed(), image=7002)
    assert again.last is not None
    assert (3, 1) == (again.last.times, await rows(store, "runs"))
    other = await put(store, failed(), image=7002, made_with=MadeWith(database="new"))
    assert other.last is not None
    assert (1, 2) == (other.last.times, await rows(store, "runs"))


async def images_with(db: AsyncConnection, name: str) -> list[tuple[int, str]]:
    """Return the images of which a run that counts tells of this id or alias, each with the scanner."""
    runs, latest = tables.runs, tables.latest
    counts = (latest.c.answer_id == runs.c.id) | (latest.c.said_id == runs.c.id)
    same = (latest.c.image_id == runs.c.image_id) & (latest.c.scanner == runs.c.scanner)
    told = select(runs.c.image_id, runs.c.scanner).join(latest, same & counts).distinct()
    having = await sets_having(db, await ids_named(db, name), 100)
    return sorted((row.image_id, row.scanner) for row in await db.execute(told.where(runs.c.set_id.in_(having))))


async def test_where_is_a_vulnerability(store: Store) -> None:
    """An image is found by id or alias, in any case, of what counts there: not by what an older answer told."""
    told = ok(Finding(id="GHSA-aaaa", aliases=("CVE-2026-1",)), Finding(id="CVE-2026-2"))
    await put(store, told, image=7003)
    await put(store, ok(Finding(id="CVE-2026-2")), image=7004)
    await put(store, told, ok(), image=7005)
    async with store.reading() as db:
        for name, times in (("cve-2026-1", 1), ("GHSA-AAAA", 1), ("CVE-2026-2", 2), ("CVE-2026-3", 0)):
            assert times == len(await images_with(db, name))


async def test_a_set_that_has_lost_a_finding_is_no_answer(store: Store) -> None:
    """A damaged database is an error: what is left of an answer would look like less, or like nothing found."""
    answers = await put(store, ok(Finding(id="CVE-1")), image=77)
    assert answers.answer is not None
    async with store.writing() as db:
        if store.dialect == "sqlite":
            await db.execute(delete(tables.set_findings).where(tables.set_findings.c.set_id == answers.answer.set_id))
        else:
            await db.execute(delete(tables.findings))
    with pytest.raises(PortusError, match="1 of 1 stored findings are missing"):
        await put(store, failed(), image=77)
