"""GitLab's report of container scanning."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import evolve
from hypothesis import Phase, given, settings
from portus_scanners import Cvss, Outcome, ReportDocument, Severity
from properties import at_most

from ..documents import UNRESOLVED, make_document, make_finding, make_image, make_report, make_run
from .rendered import any_document, rendered_json, suppress

OK = Outcome.OK
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"


@pytest.mark.parametrize("outcome", list(Outcome), ids=lambda one: one.value)
def test_status(outcome: Outcome) -> None:
    """The scan is a success only when every scanner ended ok."""
    document = make_document(make_run("clair", OK), make_run("trivy", outcome))
    assert ("success" if outcome is OK else "failure") == rendered_json("gitlab", document)["scan"]["status"]


@pytest.mark.parametrize(
    "document",
    [
        ReportDocument(),
        ReportDocument(reports=(make_report(),)),
        make_document(make_run("a", OK), errors=(UNRESOLVED,)),
    ],
    ids=["no-image", "no-scanner", "unresolved"],
)
def test_failure_without_runs(document: ReportDocument) -> None:
    """Without image, without scanner, or with an image that could not be scanned, it is a failure that says why."""
    scan = rendered_json("gitlab", document)["scan"]
    assert ("failure", True) == (scan["status"], any(one["level"] == "fatal" for one in scan["messages"]))


@pytest.mark.parametrize(
    ("severity", "word"),
    [
        (Severity.UNKNOWN, "Unknown"),
        (Severity.NEGLIGIBLE, "Info"),
        (Severity.LOW, "Low"),
        (Severity.MEDIUM, "Medium"),
        (Severity.HIGH, "High"),
        (Severity.CRITICAL, "Critical"),
        (Severity.DEFCON1, "Critical"),
    ],
)
def test_severity(severity: Severity, word: str) -> None:
    """Severities are in GitLab's words."""
    document = make_document(make_run("clair", OK, make_finding(severity=severity)))
    assert [word] == [one["severity"] for one in rendered_json("gitlab", document)["vulnerabilities"]]


def test_times() -> None:
    """The scan began with the first run and ended with the last, in UTC without a zone."""
    started = datetime(2026, 1, 1, 12, tzinfo=UTC)
    run = evolve(make_run("clair", OK), started=started, elapsed=61.5)
    scan = rendered_json("gitlab", make_document(run))["scan"]
    assert ("2026-01-01T12:00:00", "2026-01-01T12:01:01") == (scan["start_time"], scan["end_time"])


@pytest.mark.parametrize(
    ("vector", "kept"),
    [
        (VECTOR, True),
        ("AV:N/AC:M/Au:N/C:N/I:N/A:C", True),
        ("CVSS:4.0/AV:N", False),
        (f"{VECTOR}\n", False),
        ("x", False),
    ],
    ids=["3.1", "2.0", "4.0", "newline", "other"],
)
def test_vectors(vector: str, kept: bool) -> None:
    """Vectors that the schema takes are given, others stand among the details alone."""
    cvss = (Cvss(version="", vector=vector, source="NVD"),)
    (one,) = rendered_json("gitlab", make_document(make_run("clair", OK, make_finding(cvss=cvss))))["vulnerabilities"]
    assert ([{"vendor": "NVD", "vector": vector}] if kept else None) == one.get("cvss_vectors")


def test_identifiers() -> None:
    """The canonical id comes first and leads to its page; aliases follow."""
    report = make_report(make_run("clair", OK, make_finding()))
    found = evolve(report.vulnerabilities[0], aliases=("RHSA-2016:1940",))
    document = ReportDocument(reports=(evolve(report, vulnerabilities=(found,)),))
    (one,) = rendered_json("gitlab", document)["vulnerabilities"]
    page = "https://nvd.nist.gov/vuln/detail/CVE-2016-6304"
    assert [
        {"type": "cve", "name": "CVE-2016-6304", "value": "CVE-2016-6304", "url": page},
        {"type": "rhsa", "name": "RHSA-2016:1940", "value": "RHSA-2016:1940"},
    ] == one["identifiers"]


def test_suppressed() -> None:
    """A suppressed vulnerability has the rule among its details; it is not said to be a false positive."""
    document = ReportDocument(reports=(suppress(make_report(make_run("clair", OK, make_finding()))),))
    (one,) = rendered_json("gitlab", document)["vulnerabilities"]
    assert (True, False) == ("suppressed" in one["details"], "flags" in one)


def test_ids_are_unique() -> None:
    """Two tags of one digest, one image from two reports and two packages of one name have ids of their own."""
    run = make_run("clair", OK, make_finding(), make_finding(path="another/file"))
    images = [make_image(f"registry.example/team/app:{tag}") for tag in ("1.0", "latest", "latest")]
    document = ReportDocument(reports=tuple(make_report(run, image=image) for image in images))
    ids = [one["id"] for one in rendered_json("gitlab", document)["vulnerabilities"]]
    assert (len(ids), True) == (len(set(ids)), len(ids) >= 3)


@given(document=any_document)
@settings(max_examples=at_most(25), phases=(Phase.generate,))
def test_ids_are_unique_and_stay(document: ReportDocument) -> None:
    """No id comes twice, and the same scan has the same ids again."""
    twice = evolve(document, reports=document.reports * 2)
    ids = [[one["id"] for one in rendered_json("gitlab", twice)["vulnerabilities"]] for _ in range(2)]
    assert (len(ids[0]), ids[0]) == (len(set(ids[0])), ids[1])
