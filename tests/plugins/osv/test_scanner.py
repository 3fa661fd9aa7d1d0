"""What is asked of OSV.dev, in which order, and what is missing in a report."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from portus_scanner_osv import OsvScanner, OsvSettings
from portus_scanners import (
    Image,
    InvalidReportError,
    Reference,
    ScannerError,
    ScannerReport,
    UnsupportedImageError,
)
from portus_scanners_testing import RecordingContext, Reply, Status
from standins.osv import StandInOsv, cyclonedx, record

IMAGE = Image(reference=Reference.parse("registry.example/team/app:1"), digest="sha256:" + "a" * 64)
DEBIAN = "pkg:deb/debian/{}@3.0.1-1?arch=amd64&distro=debian-12&upstream=openssl"
Scan = Callable[..., Awaitable[ScannerReport]]


@pytest.fixture
async def osv() -> AsyncIterator[StandInOsv]:
    """A running database whose pages hold two vulnerabilities."""
    async with StandInOsv(page_size=2) as osv:
        osv.known["Debian:12 openssl"] = [record(f"CVE-2099-000{number}") for number in range(5)]
        yield osv


@pytest.fixture
async def context() -> AsyncIterator[RecordingContext]:
    """A context that records."""
    async with RecordingContext() as context:
        yield context


@pytest.fixture
def scan(osv: StandInOsv, context: RecordingContext, tmp_path: Path) -> Scan:
    """``await scan(purl, ...)`` scans an image whose SBOM has these packages."""

    async def run(*purls: str) -> ScannerReport:
        (tmp_path / "sbom.json").write_text(json.dumps(cyclonedx(*purls)))
        return await OsvScanner(OsvSettings(server=osv.url, sbom=f"{tmp_path}/sbom.json"), context).scan(IMAGE)

    return run


async def test_every_page_is_asked_for_and_every_record_once(
    scan: Scan, osv: StandInOsv, context: RecordingContext
) -> None:
    """Two packages of one source are one query; its three pages have five records, which both packages have."""
    report = await scan(DEBIAN.format("libssl3"), DEBIAN.format("openssl"))
    assert 10 == len({(one.id, one.package.name) for one in report.findings})
    assert [1, 1, 1] == [len(queries) for queries in osv.queries]
    assert 5 == sum(request.method == "GET" for request in osv.requests)
    assert (("progress", 5, 5, "vulnerability"), True) == (context.calls[-1], report.complete)


async def test_many_packages_are_asked_in_batches(scan: Scan, osv: StandInOsv) -> None:
    """A thousand a request, as the server allows."""
    await scan(*(f"pkg:pypi/package-{number}@1" for number in range(1001)))
    assert [1000, 1] == [len(queries) for queries in osv.queries]


async def test_packages_that_can_not_be_asked_make_the_report_incomplete(scan: Scan) -> None:
    """A note counts them by their kind."""
    others = ["pkg:rpm/redhat/bash@5", "pkg:rpm/redhat/zlib@1", "pkg:generic/x@1", "pkg:rpm/a%0Ab/x@1"]
    report = await scan(DEBIAN.format("libssl3"), *others)
    assert (5, False) == (len(report.findings), report.complete)
    assert report.notes[0].endswith(": 1 generic, 1 rpm/a b, 2 rpm/redhat")


async def test_an_sbom_without_source_packages_makes_the_report_incomplete(scan: Scan) -> None:
    """OSV.dev knows libssl3 by another name: nothing found means nothing then."""
    report = await scan("pkg:deb/debian/libssl3@3.0.1-1?distro=debian-12", "pkg:pypi/jinja2@2.4.1")
    assert ((), False) == (report.findings, report.complete)
    assert "source packages" in report.notes[0]


@pytest.mark.parametrize("purls", [(), ("pkg:generic/busybox@1",)], ids=["no packages", "unknown packages"])
async def test_an_sbom_that_nothing_can_be_asked_about(scan: Scan, osv: StandInOsv, purls: tuple[str, ...]) -> None:
    """An SBOM without packages is not a clean report: the image is unsupported."""
    with pytest.raises(UnsupportedImageError, match="no package that OSV"):
        await scan(*purls)
    assert [] == osv.requests


async def test_a_withdrawn_record_is_no_finding(scan: Scan, osv: StandInOsv) -> None:
    """OSV.dev takes back what was wrong."""
    osv.known["Debian:12 openssl"] = [{**record("CVE-2099-0001"), "withdrawn": "2026-01-01T00:00:00Z"}]
    report = await scan(DEBIAN.format("libssl3"))
    assert ((), True) == (report.findings, report.complete)


async def test_an_image_without_an_sbom_says_how_to_attach_one(osv: StandInOsv, context: RecordingContext) -> None:
    """An image without an attached SBOM is unsupported; the message has the command that attaches one."""
    with pytest.raises(UnsupportedImageError, match="oras attach --artifact-type application"):
        await OsvScanner(OsvSettings(server=osv.url), context).scan(IMAGE)


async def test_a_missing_file_is_a_failure(osv: StandInOsv, context: RecordingContext, tmp_path: Path) -> None:
    """Its name is told."""
    settings = OsvSettings(server=osv.url, sbom=f"{tmp_path}/{{repository}}.json")
    with pytest.raises(ScannerError, match=r"no file .*team%2Fapp\.json"):
        await OsvScanner(settings, context).scan(IMAGE)


@pytest.mark.parametrize(
    "answer",
    [{"results": []}, {"results": [{"vulns": [{"id": ""}]}]}, {"results": [{"next_page_token": "1"}]}],
    ids=["too few", "no id", "pages without end"],
)
async def test_answers_that_do_not_fit_the_queries(scan: Scan, osv: StandInOsv, answer: dict[str, Any]) -> None:
    """Are invalid."""
    osv.faults.add("/v1/querybatch", Status(200, Reply(answer).body))
    with pytest.raises(InvalidReportError):
        await scan(DEBIAN.format("libssl3"))


async def test_a_record_that_was_not_asked_for(scan: Scan, osv: StandInOsv) -> None:
    """Is invalid."""
    osv.faults.add("/v1/vulns/*", Status(200, Reply(record("CVE-2099-9999")).body))
    with pytest.raises(InvalidReportError, match="not the record that was asked for"):
        await scan(DEBIAN.format("libssl3"))


def test_the_public_server_is_the_default() -> None:
    """Nothing but an SBOM has to be configured."""
    assert "https://api.osv.dev" == OsvSettings().server == OsvSettings(server=" ").server
