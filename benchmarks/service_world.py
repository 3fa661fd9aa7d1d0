"""A service's database with many images, two scanners and 100 findings of each: made by its own code, then multiplied.

A hundred images are stored as a scan stores them, with their summaries; all others are rows that name the same sets, as
images on the same bases do. Seven of ten have one vulnerability, `COMMON`; of one base's, `RARE`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portus_images import Image, Platform, Reference
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
    tables,
)
from portus_scan_server.summaries import Rules, put_summary, read_now, summarize
from portus_scanners import Database, Finding, FixState, Outcome, Package, ScannerReport, ScannerRun, Severity
from sqlalchemy import Table, insert, select

HOST = "registry.example:5000"
RULES = Rules(enabled=("one", "two"))
COMMON, RARE = "CVE-2020-99999", "CVE-2021-0"
FINDINGS = 100
_BASES = 100
_A_REPOSITORY = 10
_OF_TEN = 7
_BATCH = 2_000
_LEVELS = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.NEGLIGIBLE)


def digest(number: int) -> str:
    """Return the digest of an image."""
    return f"sha256:{number:064x}"


def place(number: int) -> tuple[str, str]:
    """Return the repository and the tag of an image."""
    return f"team{number // _A_REPOSITORY % 100}/app{number // _A_REPOSITORY}", f"1.{number % _A_REPOSITORY}"


async def fill(store: Store, images: int) -> None:
    """Put so many images into an empty database."""
    made: dict[int, int] = {}
    for number in range(min(images, _BASES)):
        made[number] = await _store_one(store, number)
    copies = range(len(made), images)
    for name in ("images", "image_repositories", "tags", "runs", "latest", "summaries"):
        await _multiply(store, getattr(tables, name), made, copies)


async def _store_one(store: Store, number: int) -> int:
    repository, tag = place(number)
    image = Image(
        reference=Reference.parse(f"{HOST}/{repository}:{tag}@{digest(number)}"),
        digest=digest(number),
        media_type="application/vnd.oci.image.manifest.v1+json",
        platform=Platform.parse("linux/amd64"),
        config_digest=digest(number),
        layers=(),
    )
    runs = [_run(name, number) for name in RULES.enabled]
    async with store.writing() as db:
        image_id = await put_image(db, image.digest, image.media_type)
        await put_details(db, image_id, image)
        await put_tag(db, await put_repository(db, HOST, repository), tag, image_id)
        for one in runs:
            made_with = MadeWith(plugin_version="1", settings="s", database="d")
            await store_run(db, image_id, prepare_run(one, made_with))
        answers, now = await load_answers(db, image_id), await read_now(db)
        await put_summary(db, image_id, summarize(image, [image.reference.text], answers, RULES, now=now), RULES)
    return image_id


def _run(scanner: str, base: int) -> ScannerRun:
    report = ScannerReport(
        findings=tuple(_findings(scanner, base)), database=Database(identity="d"), scanner_version="1"
    )
    return ScannerRun(scanner=scanner, plugin="dummy", outcome=Outcome.OK, report=report)


def _findings(scanner: str, base: int) -> Iterator[Finding]:
    """Yield a scanner's findings in a base: a third of them nobody else's, the others also of the bases around it."""
    ids = [f"CVE-2021-{(base // 10) * 1_000 + number}" for number in range(FINDINGS - 34)]
    ids += [f"CVE-2022-{scanner}{base * 100 + number}" for number in range(33)]
    for number, name in enumerate([*ids, COMMON if base % 10 < _OF_TEN else f"CVE-2023-{base}"]):
        yield Finding(
            id=name,
            severity=_LEVELS[number % len(_LEVELS)],
            package=Package(f"package{number % 60}", "1.0-1", "debian:12"),
            fix_state=FixState.FIXED if number % 2 else FixState.AFFECTED,
            fixed_by=("1.0-2",) if number % 2 else (),
            links=(f"https://nvd.nist.gov/vuln/detail/{name}",),
            title="Multiple memory leaks allow remote attackers to cause a denial of service",
            description="Multiple memory leaks in a library that many programs use. " * 7,
        )


async def _multiply(store: Store, table: Table, made: dict[int, int], copies: range) -> None:
    """Put rows for further images into a table, each like those of the image with its base."""
    key = table.c.id if table is tables.images else table.c.image_id
    async with store.writing() as db:
        known: dict[int, list[dict[str, Any]]] = {}
        for row in await db.execute(select(table, key.label("of")).order_by(key)):
            known.setdefault(row.of, []).append({one.name: getattr(row, one.name) for one in table.c})
        begun: list[dict[str, Any]] = []
        for number in copies:
            base = made[number % len(made)]
            begun += [{**one, **await _changed(db, table, one, number, base)} for one in known[base]]
            if len(begun) >= _BATCH or number == copies[-1]:
                await db.execute(insert(table), begun)
                begun = []


async def _changed(db: Any, table: Table, row: dict[str, Any], number: int, base: int) -> dict[str, Any]:
    """Return what of a row is another one for this image; ids grow as the images do."""
    image_id = number + 1
    repository, tag = place(number)
    if table is tables.images:
        return {"id": image_id, "digest": digest(number)}
    if table is tables.image_repositories:
        return {"image_id": image_id, "repository_id": await put_repository(db, HOST, repository)}
    if table is tables.tags:
        return {
            "id": image_id,
            "image_id": image_id,
            "name": tag,
            "repository_id": await put_repository(db, HOST, repository),
        }
    further = 2 * (image_id - base)
    if table is tables.runs:
        return {"id": row["id"] + further, "image_id": image_id}
    if table is tables.latest:
        pointers = {one: row[one] + further for one in ("answer_id", "said_id", "try_id")}
        return {"image_id": image_id, **pointers}
    return {"image_id": image_id}
