"""What the real Trivy writes: this plugin reads from the file what the plugin that runs Trivy says of the image."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from portus_scanner_report_file import ReportFileScanner
from portus_scanner_trivy import TrivyScanner
from portus_scanners import Finding, Outcome, Scanner, ScannerReport, ScannerRun
from portus_scanners_testing import open_engine
from portus_scanners_testing.images import (
    BuiltImage,
    debian_image,
    debian_layer,
    distroless_image,
    layer,
    make_image,
    static_binary_image,
    write_docker_archive,
)
from standins.trivy import Advisory, write_database

pytestmark = pytest.mark.real_trivy

LEFT_PAD = layer({"app/node_modules/left-pad/package.json": b'{"name": "left-pad", "version": "1.3.0"}'})
ADVISORIES = (
    Advisory(id="CVE-2099-0001", package="bash", fixed="5.2-2"),
    Advisory(id="CVE-2099-0002", package="glibc", severity="LOW", status=5),
    Advisory(id="CVE-2099-0010", package="left-pad", platform="npm::GitHub Security Advisory npm", fixed="1.3.1"),
    Advisory(id="CVE-2099-0011", package="zsh", platform="debian 8"),
)
IMAGES = {
    "found": debian_image({"bash": "5.2-1", ("libc6", "glibc"): "2.36-9"}),
    "nothing found": debian_image({"bash": "5.2-2"}),
    "distroless": distroless_image({("libc6", "glibc"): "2.36-9"}),
    "both": make_image(debian_layer({"bash": "5.2-1"}), LEFT_PAD),
    "languages only": make_image(LEFT_PAD),
    "ended": debian_image({"bash": "5.2-1"}, version="8.11"),
    "nothing": static_binary_image(),
}


RunTrivy = Callable[..., Path]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A folder with a database of our own."""
    write_database(tmp_path / "cache", ADVISORIES)
    return tmp_path / "cache"


@pytest.fixture
def report_of(real_trivy: Path, cache: Path, tmp_path: Path) -> RunTrivy:
    """``report_of(image, "--format", "json")`` puts the image into an archive, and returns Trivy's report about it."""

    def run(image: BuiltImage, *options: str) -> Path:
        write_docker_archive(tmp_path / "image.tar", {"team/app:1": image})
        told = ("--quiet", "--skip-db-update", "--skip-java-db-update", "--offline-scan", "--scanners", "vuln")
        places = ("--cache-dir", cache, "--output", tmp_path / "report", "--input", tmp_path / "image.tar")
        subprocess.run([real_trivy, "image", *told, *places, *options], check=True)
        return tmp_path / "report"

    return run


async def scan(scanner: type[Scanner[object]], folder: Path, **settings: object) -> ScannerRun:
    """Scan the image of the archive in a folder with this scanner alone."""
    async with open_engine(scanner, {"enabled": "true", **settings}) as engine:
        (run,) = (await engine.scan(f"docker-archive:{folder}/image.tar:team/app:1")).results
    return run


async def read(path: Path) -> ScannerReport:
    """Return what this plugin reads from a report about the image in the archive beside it."""
    run = await scan(ReportFileScanner, path.parent, path=str(path))
    assert run.report is not None, run.error
    return run.report


def facts(run: ScannerRun) -> tuple[object, ...]:
    """Return how a run ended and what it says, but for words and ratings."""
    found = run.report.findings if run.report else ()
    return run.outcome, run.report and run.report.end_of_life, list(map(place_of, found))


def place_of(one: Finding) -> tuple[object, ...]:
    """Return what a finding is called and where it is."""
    return one.id, one.severity, one.package, one.source_package, one.purl, one.path, one.fix_state, one.fixed_by


@pytest.mark.parametrize("built", IMAGES.values(), ids=IMAGES)
async def test_both_plugins_say_the_same(
    report_of: RunTrivy, real_trivy: Path, cache: Path, tmp_path: Path, built: BuiltImage
) -> None:
    """The outcome, the end of the distribution's support, and findings in the same packages."""
    path = report_of(built, "--format", "json")
    theirs = await scan(TrivyScanner, tmp_path, program=str(real_trivy), cache=str(cache), offline="true")
    assert facts(theirs) == facts(await scan(ReportFileScanner, tmp_path, path=str(path)))


async def test_a_report_about_another_image(report_of: RunTrivy, tmp_path: Path) -> None:
    """The digest of the configuration in the report is another one: the run has failed."""
    path = report_of(IMAGES["found"], "--format", "json")
    write_docker_archive(tmp_path / "image.tar", {"team/app:1": IMAGES["nothing found"]})
    run = await scan(ReportFileScanner, tmp_path, path=str(path))
    assert (Outcome.FAILED, True) == (run.outcome, "about another image" in str(run.error))


@pytest.mark.parametrize(("name", "found", "complete"), [("found", 2, True), ("nothing found", 0, False)])
async def test_the_sarif_of_trivy(report_of: RunTrivy, name: str, found: int, *, complete: bool) -> None:
    """It names the image; where it is empty, nobody knows whether Trivy recognised the distribution."""
    report = await read(report_of(IMAGES[name], "--format", "sarif"))
    assert (found, complete) == (len(report.findings), report.complete)
    packages = {("bash", "5.2-1"), ("libc6", "2.36-9")} if found else set()
    assert packages == {(one.package.name, one.package.version) for one in report.findings}


async def test_what_trivy_was_told_to_ignore(report_of: RunTrivy, tmp_path: Path) -> None:
    """With --show-suppressed, the report tells how much was left out, and so does a note."""
    ignored = tmp_path / "ignored"
    ignored.write_text("CVE-2099-0001\n")
    options = ("--show-suppressed", "--list-all-pkgs=false", "--ignorefile", str(ignored))
    report = await read(report_of(IMAGES["found"], "--format", "json", *options))
    told = [note for note in report.notes if note.endswith("left out: 1")]
    assert (["CVE-2099-0002"], 1) == ([one.id for one in report.findings], len(told))
