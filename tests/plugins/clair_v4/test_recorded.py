"""What the real Clair 4.9.0 answered, recorded: read where neither Go nor PostgreSQL is."""

from __future__ import annotations

from pathlib import Path

import pytest
from portus_scanner_clair_v4.coverage import ClairData
from portus_scanner_clair_v4.findings import make_report
from portus_scanner_clair_v4.wire import (
    IndexReport,
    IndexState,
    UpdateOperations,
    VulnerabilityReport,
    read_answer,
    read_error,
)
from portus_scanners import Image, Layer, Reference, Severity

DATA = Path(__file__).parent / "data"
WITHOUT_DISTRIBUTION = "Clair recognised no distribution: if the image has one, its packages were not checked"


@pytest.mark.parametrize(
    ("name", "found", "notes"),
    [
        (
            "debian",
            [
                ("CVE-2099-0001", Severity.HIGH, "libc6", "debian:12", ("2.36-10",)),
                ("CVE-2099-0011", Severity.HIGH, "jinja2", "pypi", ("2.4.1",)),
            ],
            (),
        ),
        ("alpine", [("CVE-2099-0002", Severity.CRITICAL, "libcrypto3", "alpine:3.19", ("3.1.5-r0",))], ()),
        ("ubi", [("CVE-2099-0003", Severity.HIGH, "openssl-libs", "rhel:8", ("1.1.1k-12.el8",))], ()),
        (
            "languages",
            [
                ("CVE-2099-0011", Severity.HIGH, "jinja2", "pypi", ("2.4.1",)),
                ("CVE-2099-0012", Severity.HIGH, "golang.org/x/net", "go", ("0.7.0",)),
                ("CVE-2099-0013", Severity.CRITICAL, "org.apache.logging.log4j:log4j-core", "maven", ("2.15.0",)),
            ],
            (WITHOUT_DISTRIBUTION,),
        ),
    ],
)
def test_reports(name: str, found: list[tuple[object, ...]], notes: tuple[str, ...]) -> None:
    """Two distributions, Red Hat's repositories, languages: what was found, and whether that is all."""
    body = (DATA / f"vulnerability-report-{name}-200.json").read_bytes()
    read = read_answer(body, VulnerabilityReport, name)
    digests = dict.fromkeys(one.introduced_in for some in (read.environments or {}).values() for one in some or ())
    layers = tuple(Layer(digest=digest) for digest in digests)
    image = Image(reference=Reference.parse("registry.example/a:1"), digest=read.manifest_hash, layers=layers)
    data = ClairData.of(read_answer((DATA / "update-operation-200.json").read_bytes(), UpdateOperations, "updates"))
    report = make_report(read, image, data)
    seen = [(one.id, one.severity, one.package.name, one.package.namespace, one.fixed_by) for one in report.findings]
    assert (found, notes) == (sorted(seen, key=str), report.notes)
    assert report.database == data.database is not None


def test_an_index_report_and_an_error() -> None:
    """An image that was read; a layer that the registry did not have, with the registry's own words."""
    report = read_answer((DATA / "index-report-debian-201.json").read_bytes(), IndexReport, "the index")
    assert (IndexState.FINISHED, True, "") == (report.state, report.success, report.err)
    said = read_error((DATA / "index-report-unknown-blob-500.json").read_bytes())
    assert said.startswith("failed to start scan: failed to fetch layers: fetcher: encountered errors: ")
    assert "404 Not Found" in said
