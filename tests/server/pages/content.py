"""Images in a store, for pages: one of each kind, one that is large, and one in which every string is an attack."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from attrs import frozen
from cli.pages.attacks import BAD_LINKS, EVERYTHING, GOOD_LINK, MEGABYTE
from portus_images import Image, Layer, Platform, parse_reference
from portus_policy import Policy, Suppression
from portus_scan_server.answers import MadeWith
from portus_scan_server.requests import Reason, ask
from portus_scan_server.store import (
    Store,
    load_answers,
    prepare_run,
    put_details,
    put_image,
    put_index,
    put_repository,
    put_tag,
    store_run,
    tables,
)
from portus_scan_server.summaries import Rules, names_of, put_summary, read_now, summarize
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
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

HOST = "registry.example:5000"
ENABLED = ("clair", "trivy", "zypper")
SUPPRESSION = Suppression(
    rule="suppressions.yml:3", ids=("CVE-2019-1003",), reason="the code is not reached", by="ada@example.com"
)
RULES = Rules(enabled=ENABLED, policy=Policy(suppressions=(SUPPRESSION,)))
NO_ROUTE = "http://zypper.example:8080 can't be reached; is the server running?"
_TODAY = datetime(2026, 11, 29, 6, tzinfo=UTC)
_PACKAGES = (
    Package("openssl", "1.0.2h-1+deb8u5", "debian:12"),
    Package("glibc", "2.36-9+deb12u4", "debian:12"),
    Package("lodash", "4.17.15", "npm"),
    Package("zlib1g", "1:1.2.13.dfsg-1", "debian:12"),
    Package("perl-base", "5.36.0-7", "debian:12"),
)
_SPREAD = (Severity.CRITICAL, *[Severity.HIGH] * 3, *[Severity.MEDIUM] * 5, *[Severity.LOW] * 4, Severity.NEGLIGIBLE)


def find_many(number: int, start: int = 0) -> tuple[Finding, ...]:
    """Return findings of one scanner: ``CVE-2016-1000`` and those after it."""
    return tuple(_finding(place) for place in range(start, start + number))


def _finding(place: int) -> Finding:
    package, cve = _PACKAGES[place % len(_PACKAGES)], f"CVE-20{16 + place % 10}-{1000 + place}"
    return Finding(
        id=cve,
        aliases=(f"GHSA-{place:04}-aaaa-bbbb",) if place % 4 == 0 else (),
        severity=_SPREAD[place % len(_SPREAD)],
        severity_source="nvd",
        package=package,
        fix_state=FixState.FIXED if place % 2 else FixState.AFFECTED,
        fixed_by=(f"{package.version}.1",) if place % 2 else (),
        links=(f"https://nvd.nist.gov/vuln/detail/{cve}",),
        title="Multiple memory leaks allow remote attackers to cause a denial of service" if place % 3 else "",
        description="Multiple memory leaks in t1_lib.c.\n\nA server that does not renegotiate is not affected.",
        cvss=(Cvss(version="3.1", vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", score=9.8, source="nvd"),),
        published=_TODAY - timedelta(days=300),
    )


def make_run(
    scanner: str, outcome: Outcome = Outcome.OK, findings: Sequence[Finding] = (), error: str = "", **report: object
) -> ScannerRun:
    """Return a run; one that is not ok has a report only where it found something."""
    has_report = outcome in {Outcome.OK, Outcome.INCOMPLETE} or bool(findings)
    data = Database(identity="2 of Sunday", updated=_TODAY)
    values: dict[str, object] = {"scanner_version": "0.69.1", "database": data, **report}
    made = ScannerReport(findings=tuple(findings), complete=outcome is Outcome.OK, **values)  # type: ignore[arg-type]
    return ScannerRun(
        scanner=scanner,
        plugin=scanner,
        outcome=outcome,
        error=None if outcome is Outcome.OK else error or f"it ended {outcome.value}",
        report=made if has_report else None,
        started=_TODAY + timedelta(hours=3),
        elapsed=12.3,
        attempts=1,
    )


def clean(*scanners: str) -> tuple[ScannerRun, ...]:
    """Return runs that have found nothing."""
    return tuple(map(make_run, scanners))


@frozen
class Pushed:
    """An image that is in the store."""

    image_id: int
    digest: str
    repository_id: int


def digest_of(number: int) -> str:
    """Return a digest."""
    return f"sha256:{sha256(bytes([number % 256, number // 256])).hexdigest()}"


async def push(
    db: AsyncConnection,
    name: str,
    number: int,
    *runs: ScannerRun,
    rules: Rules = RULES,
    host: str = HOST,
    by: str = "",
) -> Pushed:
    """Let ``repository:tag`` name an image, and store what scanners say of it, with its summary."""
    repository, _, tag = name.partition(":")
    digest = digest_of(number)
    image_id = await put_image(db, digest)
    repository_id = await put_repository(db, host, repository)
    await put_tag(db, repository_id, tag, image_id, by)
    if runs:
        await put_details(db, image_id, _image(f"{host}/{name}", digest))
        await say(db, image_id, *runs, rules=rules)
    return Pushed(image_id, digest, repository_id)


def _image(reference: str, digest: str, architecture: str = "amd64") -> Image:
    layers = tuple(Layer(digest=f"sha256:{digit * 64}", size=1) for digit in "bcd")
    platform = Platform("linux", architecture)
    return Image(
        reference=parse_reference(reference), digest=digest, platform=platform, layers=layers, index_platform=platform
    )


async def say(db: AsyncConnection, image_id: int, *runs: ScannerRun, rules: Rules = RULES) -> None:
    """Store what scanners say of an image that is there, and its summary."""
    for run in runs:
        database = run.report.database if run.report else None
        updated = database.updated if database else None
        version = run.report.scanner_version if run.report else ""
        with_ = MadeWith(
            plugin_version="1", scanner_version=version, settings="s", database="today", database_updated=updated
        )
        await store_run(db, image_id, prepare_run(run, with_))
    answers = await load_answers(db, image_id, rules.enabled)
    reference = f"{HOST}/team/app:1.0"
    now = await read_now(db)
    names = await names_of(db, image_id)
    summary = summarize(_image(reference, digest_of(image_id)), names, answers, rules, now=now)
    await put_summary(db, image_id, summary, rules)


async def put_usual(store: Store) -> None:
    """Store one image of each kind."""
    failed = make_run("zypper", Outcome.FAILED, error=NO_ROUTE)
    async with store.writing() as db:
        await push(db, "team/app:1.0", 1, make_run("clair", findings=find_many(20)), *clean("trivy", "zypper"))
        found = make_run("clair", findings=find_many(45, 5)), make_run("trivy", findings=find_many(40, 20)), failed
        newer = await push(db, "team/app:1.0", 2, *found, by="ada")
        await put_tag(db, newer.repository_id, "latest", newer.image_id)
        await push(db, "team/app:2.0", 3, *clean(*ENABLED))
        passed = await push(db, "team/app:3.0", 4, *clean(*ENABLED))
        await say(db, passed.image_id, failed)
        unsupported = make_run("zypper", Outcome.UNSUPPORTED, error="it has no zypper")
        await push(db, "team/worker:1.0", 5, *clean("clair", "trivy"), unsupported)
        partly = make_run("trivy", Outcome.INCOMPLETE, error="layer 2 of 3 could not be read")
        await push(db, "team/worker:1.1", 6, *clean("clair", "zypper"), partly)
        await push(db, "team/worker:1.2", 7, *clean("clair", "trivy"), failed)
        ended = make_run("trivy", end_of_life=EndOfLife(source="trivy", distribution="debian 8"))
        await push(db, "team/worker:1.3", 8, *clean("clair", "zypper"), ended)
        for number, tag in ((9, "queued"), (10, "running"), (11, "dead"), (12, "unseen")):
            new = await push(db, f"team/new:{tag}", number)
            if tag != "unseen":
                await ask(db, new.image_id, Reason.PUSH, source=(new.repository_id, tag))
        await set_state(db, 10, state="running", owner="me", attempt=1)
        await set_state(db, 11, state="dead", deaths=3, error="its process died 3 times while nothing else ran")
        old = await push(db, "team/old:1", 13, *clean(*ENABLED))
        stale = {"configuration": "another"}
        await db.execute(update(tables.summaries).where(tables.summaries.c.image_id == old.image_id).values(stale))
        await put_multi(db)
        twice = await push(db, "team/twice:1", 16, make_run("clair", findings=find_many(9)), *clean("trivy", "zypper"))
        await say(db, twice.image_id, make_run("clair", findings=find_many(9, 2)))


async def put_multi(db: AsyncConnection) -> None:
    """Store an index of two images."""
    index = await push(db, "team/multi:1", 14)
    members = [
        _image(f"{HOST}/team/multi:1", digest_of(14_000 + place), name) for place, name in enumerate(("amd64", "arm64"))
    ]
    one, other = await put_index(db, index.image_id, members)
    await say(db, one, *clean(*ENABLED))
    await say(db, other, make_run("trivy", findings=find_many(3)), *clean("clair", "zypper"))


async def set_state(db: AsyncConnection, number: int, **values: object) -> None:
    """Change the requests for an image."""
    named = tables.images.c.digest == digest_of(number)
    wanted = tables.requests.c.image_id.in_(tables.images.select().where(named).with_only_columns(tables.images.c.id))
    await db.execute(update(tables.requests).where(wanted).values(values))


def attack() -> Finding:
    """Return a finding whose strings are attacks."""
    bad = EVERYTHING
    return Finding(
        id=bad,
        aliases=(bad, "CVE-2099-1"),
        severity=Severity.CRITICAL,
        severity_label=bad,
        severity_source=bad,
        vendor_ratings=(VendorRating(source=bad, severity=Severity.LOW, label=bad),),
        package=Package(bad, bad, bad),
        source_package=Package(bad, bad, bad),
        purl=bad,
        path=bad,
        fixed_by=(bad, MEGABYTE),
        links=(*BAD_LINKS, GOOD_LINK),
        title=bad,
        description=f"{bad}\n\n{MEGABYTE}",
        cvss=(Cvss(version=bad, vector=bad, score=1.0, source=bad),),
        layer=bad,
        published=datetime.max.replace(tzinfo=UTC),
        modified=datetime.min.replace(tzinfo=UTC),
        details={bad: bad},
    )


async def put_hostile(store: Store) -> None:
    """Store images about which everything that can be an attack is one."""
    bad = EVERYTHING
    data = Database(identity=bad, updated=_TODAY)
    told = make_run("clair", findings=[attack(), *find_many(3)], notes=(bad,) * 30, scanner_version=bad, database=data)
    failed = make_run("trivy", Outcome.FAILED, error=bad)
    async with store.writing() as db:
        plain = bad.replace("\0", "").encode("utf-8", "replace").decode()
        image = await push(db, "team/hostile:1", 21, told, failed, by=plain)
        await ask(db, image.image_id, Reason.PERSON, source=(image.repository_id, "1"), by=bad)
        await set_state(db, 21, step=plain, error=plain, state="dead")
        doubts, violations = {"<script>alert(1)</script>": ["no_answer"]}, [bad, "<img src=x onerror=alert(1)>"]
        said = {"doubts": json.dumps(doubts), "violations": json.dumps(violations), "gate": "fail"}
        mine = tables.summaries.c.image_id == image.image_id
        await db.execute(update(tables.summaries).where(mine).values(said))
