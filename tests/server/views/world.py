"""A service that has seen something: two teams, an image that both have, one that nobody may see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from attrs import evolve
from portus_images import Image, Platform, Reference
from portus_scan_server.access import Role, Viewer
from portus_scan_server.answers import MadeWith
from portus_scan_server.store import (
    Store,
    load_answers,
    prepare_run,
    put_details,
    put_image,
    put_repository,
    put_tag,
    store_run,
)
from portus_scan_server.summaries import Rules, any_image, names_of, put_summary, read_now, summarize
from portus_scanners import Finding, Outcome, Package, ScannerReport, ScannerRun, Severity

HOST = "r.example:5000"
RULES = Rules(enabled=("clair", "trivy"))
ALICE = Viewer(name="alice", roles={"team/*": Role.VIEWER})
BOB = Viewer(name="bob", roles={"other/*": Role.OPERATOR})
EVE = Viewer(name="eve")
ROOT = Viewer(name="root", is_admin=True)


def digest(number: int) -> str:
    """Return the digest of an image."""
    return f"sha256:{number:064x}"


def image(number: int) -> Image:
    """Return an image as the resolver says it."""
    return Image(
        reference=Reference.parse(f"{HOST}/any:1@{digest(number)}"),
        digest=digest(number),
        media_type="application/vnd.oci.image.manifest.v1+json",
        platform=Platform.parse("linux/amd64"),
        config_digest=digest(number),
        layers=(),
    )


def found(*ids: str, severity: Severity = Severity.HIGH) -> tuple[Finding, ...]:
    """Return a finding for each id."""
    return tuple(Finding(id=one, severity=severity, package=Package("bash", "5"), title=f"{one}!") for one in ids)


def ok(scanner: str, *findings: Finding) -> ScannerRun:
    """Return a run that ended ok."""
    report = ScannerReport(findings=findings)
    return ScannerRun(scanner=scanner, plugin=scanner, outcome=Outcome.OK, report=report)


def failed(scanner: str, error: str = "no answer") -> ScannerRun:
    """Return a run that failed."""
    return ScannerRun(scanner=scanner, plugin=scanner, outcome=Outcome.FAILED, error=error)


async def tagged(store: Store, number: int, *names: str) -> int:
    """Let tags, ``team/app:1.0``, name an image; return its row."""
    async with store.writing() as db:
        image_id = await put_image(db, digest(number), image(number).media_type)
        for name in names:
            repository, _, tag = name.partition(":")
            await put_tag(db, await put_repository(db, HOST, repository), tag, image_id)
    return image_id


async def scanned(store: Store, number: int, runs: Sequence[ScannerRun], rules: Rules = RULES) -> int:
    """Store what scanners have said of an image, with its summary; return its row."""
    async with store.writing() as db:
        image_id = await put_image(db, digest(number), image(number).media_type)
        await put_details(db, image_id, image(number))
        for run in runs:
            await store_run(db, image_id, prepare_run(run, MadeWith(database="1")))
    async with store.reading() as db:
        answers, names, now = await load_answers(db, image_id), await names_of(db, image_id), await read_now(db)
        known = await any_image(db, image_id)
    assert known is not None
    async with store.writing() as db:
        await put_summary(db, image_id, summarize(known, names, answers, rules, now=now), rules)
    return image_id


def older(rules: Rules) -> Rules:
    """Return other rules, under which no summary of these is current."""
    return evolve(rules, max_age=rules.max_age + timedelta(days=1))
