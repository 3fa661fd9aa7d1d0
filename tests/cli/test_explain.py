"""``portus-scan explain``."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import Result
from portus_policy import LazySequence, Suppressed
from portus_scan.explanation.evidence import find_explained
from portus_scan.explanation.page import render_explained
from portus_scanners import (
    Cvss,
    ImageReport,
    Outcome,
    Package,
    ReportDocument,
    Severity,
    SeverityPolicy,
    VendorRating,
    dump_document,
    make_image_report,
)

from .documents import UNRESOLVED, make_document, make_finding, make_image, make_run

Run = Callable[..., Result]

LIBSSL = Package("libssl3", "1.0.2h", "debian:8")
SOURCE = Package("openssl", "1.0.2h")
RUNS = (
    make_run(
        "clair",
        Outcome.OK,
        make_finding(
            "RHSA-9",
            Severity.CRITICAL,
            severity_label="Important",
            cvss=(Cvss(version="3.1", vector="CVSS:3.1/AV:N", score=7.5, source="NVD"),),
            vendor_ratings=(VendorRating(source="redhat", severity=Severity.HIGH, label="3"),),
        ),
    ),
    make_run(
        "trivy",
        Outcome.OK,
        make_finding("CVE-1", Severity.LOW, aliases=("RHSA-9",), package=LIBSSL, source_package=SOURCE),
        make_finding("CVE-2", Severity.LOW, aliases=("RHSA-9",), package=LIBSSL, source_package=SOURCE),
    ),
    make_run("acme", Outcome.OK, make_finding("CVE-1", Severity.UNKNOWN, package=Package("libssl3", "1.0.2h"))),
    make_run("dummy", Outcome.OK),
    make_run("zypper", Outcome.TIMED_OUT, error="nothing was heard in 900 s"),
)


@pytest.fixture
def report(tmp_path: Path) -> str:
    """A report of five scanners."""
    path = tmp_path / "report.json"
    path.write_text(dump_document(make_document(*RUNS)))
    return str(path)


def test_everything_is_said(run: Run, report: str) -> None:
    """Severity and why, names, every rating, how findings were matched, who was silent and why, fixes."""
    result = run("explain", "cve-1", report)
    assert 0 == result.exit_code
    for line in (
        "CVE-1 in openssl 1.0.2h (debian:8)",
        "  shown: critical",
        "    the highest of all ratings, by clair",
        "  also called: RHSA-9",
        "    clair: critical (calls it RHSA-9, its word: Important)",
        "      CVSS 3.1 7.5 CVSS:3.1/AV:N by NVD",
        "      redhat says high (3)",
        "    clair: it is called RHSA-9 there; trivy says of CVE-1 that this is another name of it; "
        "in openssl 1.0.2h (debian:8)",
        "    trivy: it is called CVE-1 there; in libssl3 1.0.2h (debian:8), and it says that this was built from "
        "openssl",
        "    acme: it is called CVE-1 there; in libssl3 1.0.2h; trivy says that this was built from openssl",
        "  found by: acme, clair, trivy",
        "  looked, and did not find it: dummy",
        "    zypper: timed out: nothing was heard in 900 s",
        "  fixed by: 1.0.2i",
    ):
        assert line in result.stdout.splitlines()


def test_an_alias_finds_all_that_it_names(run: Run, report: str) -> None:
    """The advisory of two CVEs is explained as both; the JSON says the same as the page."""
    result = run("explain", "--format", "json", "rhsa-9", report)
    value = json.loads(result.stdout)
    assert ["CVE-1", "CVE-2"] == [one["found"]["id"] for one in value["vulnerabilities"]]
    first = value["vulnerabilities"][0]
    assert ("critical", "the highest of all ratings, by clair") == (first["found"]["severity"], first["why"])
    assert [("dummy", None), ("zypper", "nothing was heard in 900 s")] == [
        (one["scanner"], one["error"]) for one in first["silent"]
    ]


@pytest.mark.parametrize("name", ["openssl", "LIBSSL3"])
def test_a_package_has_all_its_vulnerabilities(run: Run, report: str, name: str) -> None:
    """The name of a package, or of what it was built from, explains each of its vulnerabilities."""
    result = run("explain", "--format", "json", name, report)
    assert {"CVE-1", "CVE-2"} == {one["found"]["id"] for one in json.loads(result.stdout)["vulnerabilities"]}


def test_a_misspelt_package_is_guessed(run: Run, report: str) -> None:
    """What is like the name of a package is named."""
    assert "did you mean openssl" in run("explain", "opensl", report).stderr


def test_prefer_judges_anew(run: Run, report: str) -> None:
    """The severity of the first preferred scanner that has one is shown, with the reason."""
    result = run("explain", "--prefer", "acme", "--prefer", "trivy", "CVE-1", report)
    assert "  shown: low" in result.stdout.splitlines()
    assert "preferred: trivy says low; acme would go before, but did not say how bad it is" in result.stdout


def test_a_preferred_scanner_that_is_none_of_the_report(run: Run, report: str) -> None:
    """A misspelt name is a fault that names the right ones, not passed over."""
    result = run("explain", "--prefer", "trvy", "CVE-1", report)
    assert (2, "") == (result.exit_code, result.stdout)
    assert "trvy: not a scanner of the report; its scanners: acme, clair, dummy, trivy, zypper" in result.stderr


def test_a_document_with_a_policy_of_its_own(run: Run, tmp_path: Path) -> None:
    """What the document shows is explained, not what another policy would have shown."""
    report = make_image_report(make_image(), RUNS, severity=SeverityPolicy(prefer=("trivy",)))
    (tmp_path / "r").write_text(dump_document(ReportDocument(reports=(report,))))
    result = run("explain", "CVE-1", str(tmp_path / "r"))
    assert "  shown: low" in result.stdout.splitlines()
    assert "made with a policy of its own; without one: critical" in result.stdout


def test_a_suppression_is_shown(run: Run, tmp_path: Path) -> None:
    """Rule, reason, who and until when."""
    document = make_document(*RUNS)
    (report,) = document.reports
    mark = Suppressed(rule="s.yml:3", reason="not reachable", by="Ann", until=date(2099, 1, 2))
    marked = [evolve(one, suppressed=mark) for one in report.vulnerabilities]
    (tmp_path / "r").write_text(
        dump_document(evolve(document, reports=(evolve(report, vulnerabilities=tuple(marked)),)))
    )
    page = run("explain", "CVE-1", str(tmp_path / "r")).stdout
    assert "suppressed: not reachable\n    rule s.yml:3, by Ann, until 2099-01-02" in page
    value = json.loads(run("explain", "--format", "json", "CVE-1", str(tmp_path / "r")).stdout)
    assert "2099-01-02" == value["vulnerabilities"][0]["found"]["suppressed"]["until"]


def test_what_is_not_there_proves_nothing(run: Run, report: str) -> None:
    """The nearest names are offered, and who could not look is named with the reason; the exit code is 2."""
    result = run("explain", "CVE-11", report)
    assert (2, "") == (result.exit_code, result.stdout)
    assert "CVE-11 is not in the report; did you mean CVE-1" in result.stderr
    assert "proves nothing" in result.stderr
    assert "zypper: timed out: nothing was heard in 900 s" in result.stderr


@pytest.mark.parametrize(
    ("document", "proves"),
    [
        (make_document(make_run("a", Outcome.OK)), True),
        (make_document(make_run("a", Outcome.OK), errors=(UNRESOLVED,)), False),
        (make_document(), False),
        (ReportDocument(), False),
    ],
    ids=["all ended ok", "an image was not scanned", "nobody was asked", "no image"],
)
def test_absence_counts_only_where_everybody_has_looked(run: Run, document: ReportDocument, proves: bool) -> None:
    """An image or a scanner that has not looked is said; where all have, nothing more is said."""
    result = run("explain", "CVE-1", "-", stdin=dump_document(document))
    assert (2, not proves) == (result.exit_code, "proves nothing" in result.stderr)


def test_what_is_no_report(run: Run, tmp_path: Path) -> None:
    """A file that is missing or no report of ours is a fault in one line."""
    (tmp_path / "r").write_text("{}")
    for name, words in ((str(tmp_path / "none"), "can't read"), (str(tmp_path / "r"), "is not a report")):
        result = run("explain", "CVE-1", name)
        assert (2, 1) == (result.exit_code, len(result.stderr.splitlines()))
        assert words in result.stderr


def test_a_report_is_read_when_its_turn_comes() -> None:
    """Of many images no more than one is in memory; those of a package are looked for where no name fits."""
    document, read = make_document(*RUNS), list[int]()

    def make(number: int) -> ImageReport:
        read.append(number)
        return document.reports[0]

    many = evolve(document, reports=LazySequence(3, make))
    assert ("CVE-1", [0]) == (next(find_explained(many, "CVE-1", ())).found.id, read)
    read.clear()
    assert ("openssl", [0, 1, 2, 0]) == (next(find_explained(many, "openssl", ())).found.package.name, read)


def test_hostile_text_is_harmless() -> None:
    """No escape sequence, no line of its own and no bidirectional control of a scanner's text reaches the page."""
    evil = "x\x1b[2J\n\u202eFAKE"
    finding = make_finding(
        "CVE-1",
        aliases=(f"A-1{evil}",),
        severity_label=evil,
        severity_source=evil,
        package=Package(f"p{evil}", evil, evil),
        fixed_by=(evil,),
        links=(evil,),
        cvss=(Cvss(version=evil, vector=evil, source=evil),),
        vendor_ratings=(VendorRating(source=evil, label=evil),),
    )
    document = make_document(make_run("a", Outcome.OK, finding), make_run("b", Outcome.FAILED, error=evil))
    page = "".join(render_explained(find_explained(document, "CVE-1", ())))
    assert all(line.isprintable() for line in page.split("\n"))
    assert "FAKE" not in [line.strip() for line in page.split("\n")]
