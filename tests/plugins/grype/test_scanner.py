"""What Grype is told, how often its database is updated, and what the health check says; with a stand-in program."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from portus_scanner_grype import GrypeScanner, GrypeSettings
from portus_scanners import Health, Image, Layer, Reference, ScannerError, ScannerReport, UnsupportedImageError
from portus_scanners_testing import RecordingContext, ScriptedProgram
from portus_scanners_testing.images import debian_image, digest_of

from .reports import BUILT, DEBIAN, LOG, PROVIDERS, STATUS, match, packages, report

BUILT_IMAGE = debian_image({"bash": "5.2-1"})
CONFIG = digest_of(BUILT_IMAGE.config)
IMAGE = Image(
    reference=Reference.parse("registry.example/team/app:1"),
    digest=BUILT_IMAGE.digest,
    config_digest=CONFIG,
    layers=tuple(Layer(digest=one.digest, size=one.size, media_type=one.media_type) for one in BUILT_IMAGE.layers),
)


class HoldingContext(RecordingContext):
    """The context of a scanner whose image is here."""

    async def copy_blob(self, image: Image, layer: Layer, path: Path) -> None:
        path.write_bytes(BUILT_IMAGE.blobs[layer.digest])

    async def fetch(self, image: Image, digest: str, *, max_size: int) -> bytes:
        return BUILT_IMAGE.blobs[digest]


class Bench:
    """A stand-in program, and a scanner that runs it."""

    def __init__(self, folder: Path, context: HoldingContext) -> None:
        self.program = ScriptedProgram(folder)
        self.program.script("db", STATUS)
        self.cache = folder / "cache"
        self._context = context
        self.says(report(imageID=CONFIG))

    def says(self, made: dict[str, Any], *types: str, log: str = LOG) -> None:
        """Let the program write a report, and packages of these types."""
        files = {"report.json": made, "packages.json": packages(*(types or ("deb",)))}
        self.program.script("oci-dir:*", stderr=log, files=files)

    def scanner(self, **settings: Any) -> GrypeScanner:
        """Return a scanner."""
        values = {"program": str(self.program.path), "cache": str(self.cache), "skip_update": True, **settings}
        return GrypeScanner(GrypeSettings(**values), self._context)

    async def scan(self, **settings: Any) -> ScannerReport:
        """Scan the image."""
        return await self.scanner(**settings).scan(IMAGE)

    async def health(self, **settings: Any) -> Health:
        """Check the health."""
        return await self.scanner(**settings).check_health()

    @property
    def runs(self) -> list[tuple[str, ...]]:
        """The first two arguments of each run."""
        return [call.arguments[:2] for call in self.program.calls]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench."""
    async with HoldingContext() as context:
        yield Bench(tmp_path, context)


async def test_what_grype_is_told(bench: Bench) -> None:
    """Two reports of one run, an empty configuration of our own, no update and no call home."""
    assert (await bench.scan(max_database_age=2)).complete
    (call,) = bench.program.calls
    wanted = ("-vvv", "-o", "json=report.json", "-o", "cyclonedx-json=packages.json")
    assert (f"oci-dir:image-{IMAGE.digest[7:]}", *wanted) == call.arguments
    told = {name: value for name, value in call.environment.items() if name.startswith("GRYPE_")}
    assert call.folder == str(Path(told.pop("GRYPE_CONFIG")).parent)
    assert {
        "GRYPE_CHECK_FOR_APP_UPDATE": "false",
        "GRYPE_DB_AUTO_UPDATE": "false",
        "GRYPE_DB_CACHE_DIR": str(bench.cache),
        "GRYPE_DB_VALIDATE_AGE": "true",
        "GRYPE_DB_UPDATE_DOWNLOAD_TIMEOUT": "900s",
        "GRYPE_DB_MAX_ALLOWED_BUILT_AGE": "172800s",
    } == told


async def test_the_database_is_updated_once_for_all(bench: Bench) -> None:
    """However many images are scanned; a failed update is not tried again for each of them."""
    scanner = bench.scanner(skip_update=False, database_url="https://mirror.example")
    await asyncio.gather(*(scanner.scan(IMAGE) for _ in range(3)))
    assert (1, 4) == (bench.runs.count(("db", "update")), len(bench.runs))
    assert {"https://mirror.example"} == {call.environment["GRYPE_DB_UPDATE_URL"] for call in bench.program.calls}
    bench.program.script("db", status=1, stderr="[0000] ERROR unable to update vulnerability database: refused\n")
    scanner = bench.scanner(skip_update=False)
    ended = await asyncio.gather(*(scanner.scan(IMAGE) for _ in range(3)), return_exceptions=True)
    assert ["database_url" in str(one) for one in ended] == [True] * 3
    assert 5 == len(bench.runs)


OLD = (datetime.now(UTC) - timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%SZ")


def with_database(**more: Any) -> dict[str, Any]:
    """Return a report with another state of the database."""
    made = report(imageID=CONFIG)
    made["descriptor"]["db"]["status"] = {**STATUS, **more}
    return made


@pytest.mark.parametrize(
    ("built", "told"), [(OLD, "older than max_database_age"), ("", "nothing says how old")], ids=["old", "unknown"]
)
async def test_an_age_that_grype_does_not_mind(bench: Bench, built: str, told: str) -> None:
    """A program that scans with an old database all the same, or does not say how old it is, is not believed."""
    bench.says(with_database(built=built))
    with pytest.raises(ScannerError, match=told):
        await bench.scan()
    assert (await bench.scan(max_database_age=0)).complete


@pytest.mark.parametrize(
    ("types", "distro", "told"),
    [
        ((), {"name": "", "version": ""}, "no distribution and no package"),
        ((), DEBIAN, "could read none of its packages"),
        (("deb",), {"name": "alpine", "version": "3.19"}, "no data for the distribution (alpine 3.19)"),
    ],
)
async def test_nothing_seen_is_unsupported(bench: Bench, types: tuple[str, ...], distro: object, told: str) -> None:
    """The report does not tell it; the list of packages does."""
    files = {"report.json": report(imageID=CONFIG, distro=distro), "packages.json": packages(*types)}
    bench.program.script("oci-dir:*", files=files)
    with pytest.raises(UnsupportedImageError) as caught:
        await bench.scan()
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("types", "providers", "told"),
    [
        (("npm",), PROVIDERS, "none of the packages of the distribution (debian 12)"),
        (("deb", "npm"), {"debian": {}, "nvd": {}}, "no data for packages of languages (npm)"),
        (("deb", "npm"), PROVIDERS, ""),
        (("deb", "npm", "R-package"), {"debian": {}, "github": {}}, "packages of languages (R-package)"),
        (("deb", "R-package", "binary"), {"debian": {}, "nvd": {}}, ""),
    ],
)
async def test_what_was_seen_in_part(bench: Bench, types: tuple[str, ...], providers: object, told: str) -> None:
    """Packages of languages alone, or without data for them."""
    made = report(imageID=CONFIG)
    made["descriptor"]["db"]["providers"] = providers
    bench.says(made, *types)
    made_of_it = await bench.scan()
    assert (not told, told in "".join(made_of_it.notes)) == (made_of_it.complete, True)


async def test_a_log_that_knows_better(bench: Bench) -> None:
    """The provider is there, and the release is not: Grype says so in its log alone."""
    bench.says(
        report(imageID=CONFIG), log=f"{LOG}[0003] DEBUG no OS found in the DB for the given criteria os=debian@12\n"
    )
    with pytest.raises(UnsupportedImageError, match="no data for the distribution"):
        await bench.scan()
    bench.says(report(match("GHSA-1", "Low", "left-pad", "npm"), imageID=CONFIG), "deb", "npm")
    assert (await bench.scan()).complete


@pytest.mark.parametrize("name", ["imageID", "manifestDigest"])
async def test_a_report_about_another_image(bench: Bench, name: str) -> None:
    """By the digest of its configuration, or of its manifest: the one of the folder, or the image's own."""
    made = report(imageID=CONFIG)
    made["source"]["target"][name] = "sha256:" + "e" * 64
    bench.says(made)
    with pytest.raises(ScannerError, match="about another image"):
        await bench.scan()
    made["source"]["target"] |= {"imageID": CONFIG, "manifestDigest": IMAGE.digest}
    bench.says(made)
    assert (await bench.scan()).complete


async def test_what_grype_ignored_is_counted(bench: Bench) -> None:
    """By its own rule about headers of the kernel."""
    bench.says(report(imageID=CONFIG, ignoredMatches=[{**match("CVE-2099-0001", "High"), "appliedIgnoreRules": [{}]}]))
    assert "left out: 1" in (await bench.scan()).notes[0]


@pytest.mark.parametrize(
    ("status", "skip_update", "healthy", "told"),
    [
        (STATUS, True, True, f"vulnerability database of {BUILT[:10]}, schema v6.1.10"),
        ({**STATUS, "built": OLD}, True, False, "older than max_database_age"),
        ({**STATUS, "built": OLD}, False, True, f"of {OLD[:10]}"),
        ({**STATUS, "valid": False, "error": "bad checksum"}, True, False, "bad checksum"),
        ({"schemaVersion": "", "valid": False, "error": "database does not exist"}, True, False, "there is no"),
        ({"schemaVersion": "", "valid": False, "error": "database does not exist"}, False, True, "there is no"),
    ],
    ids=["good", "old", "old, and updated", "broken", "missing", "missing, and downloaded"],
)
async def test_health(bench: Bench, status: dict[str, object], skip_update: bool, healthy: bool, told: str) -> None:
    """The database is there, or will be downloaded; Grype exits with 1 for one that is not valid, and says why."""
    bench.program.script("db", status, status=0 if status.get("valid", True) else 1)
    health = await bench.health(skip_update=skip_update)
    assert (healthy, True) == (health.healthy, told in health.message), health.message


async def test_which_database_it_is(bench: Bench) -> None:
    """Schema and date are its identity; where there is none, nobody knows."""
    found = await bench.scanner().database()
    assert (f"v6.1.10 {BUILT}", BUILT) == (found and found.identity, found and f"{found.updated:%Y-%m-%dT%H:%M:%SZ}")
    bench.program.script("db", {"schemaVersion": "", "valid": False, "error": "database does not exist"}, status=1)
    assert await bench.scanner().database() is None


@pytest.mark.parametrize(("days", "oldest"), [(5, 5), (0.5, 0.5), (0, 36500), (1e9, 36500)])
def test_how_old_a_database_may_be(days: float, oldest: float) -> None:
    """0 is any age, and so is what Go could not count."""
    assert timedelta(days=oldest) == GrypeSettings(max_database_age=days).oldest_database


@pytest.mark.parametrize("url", ["ftp://a", "https://user:pw@a.example", "nowhere", "http://[a"])
def test_a_url_of_databases_is_a_plain_one(url: str) -> None:
    """Nothing else, and no credentials in it."""
    with pytest.raises(ValueError, match="database_url must be a URL"):
        GrypeSettings(database_url=url)
