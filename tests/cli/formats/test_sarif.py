"""SARIF: what code scanning makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from portus_policy import GateResult, GateViolation
from portus_scan import ReportJob
from portus_scan.formats.sarif import SarifReporter
from portus_scan.formats.sarif.alerts import relative_address
from portus_scan.formats.sarif.rules import NOT_COMPLETE, plain, security_severity
from portus_scanners import Cvss, Outcome, Package, ReportDocument, Severity
from sarif.loader import load_sarif_file

from ..documents import UNRESOLVED, make_document, make_finding, make_image, make_report, make_run
from .rendered import render, rendered_json, sarif_results, suppress

OK = Outcome.OK


def log_of(*findings: Any, text: str = "registry.example/team/app:1.0") -> dict[str, Any]:
    """Return the log of one image."""
    return rendered_json(
        "sarif", ReportDocument(reports=(make_report(make_run("clair", OK, *findings), image=make_image(text)),))
    )


def test_run_an_image() -> None:
    """Each image has a run, those that could not be scanned too; each is an analysis of its own for GitHub."""
    log = rendered_json("sarif", make_document(make_run("clair", OK), errors=(UNRESOLVED,)))
    ids = [run["automationDetails"]["id"] for run in log["runs"]]
    assert ["portus-scan/registry.example/team/app%3A1.0/linux/amd64/", "portus-scan/registry.example/gone%3A1/"] == ids


def test_image_twice() -> None:
    """The same image twice is two analyses."""
    report = make_report(make_run("clair", OK))
    log = rendered_json("sarif", ReportDocument(reports=(report, report)))
    assert 2 == len({run["automationDetails"]["id"] for run in log["runs"]})


@pytest.mark.parametrize(("outcome", "successful"), [(one, one is OK) for one in Outcome], ids=str)
def test_execution_successful(outcome: Outcome, successful: bool) -> None:
    """The invocation was successful only when every scanner ended ok."""
    (run,) = rendered_json("sarif", make_document(make_run("clair", OK), make_run("trivy", outcome)))["runs"]
    (invocation,) = run["invocations"]
    levels = [one["level"] for one in invocation["toolExecutionNotifications"]]
    assert (successful, [] if successful else ["error"]) == (invocation["executionSuccessful"], levels)


def test_unfinished_scan_is_a_result() -> None:
    """Viewers that show results only show that a scan is not complete."""
    (run,) = rendered_json("sarif", make_document(make_run("clair", Outcome.TIMED_OUT)))["runs"]
    results = [(one["ruleId"], one["level"], one["properties"]["outcome"]) for one in run["results"]]
    assert [(NOT_COMPLETE, "error", "timed_out")] == results


def test_rules_are_found_by_index() -> None:
    """Each result's index leads to its rule, whose place does not depend on severities."""
    log = log_of(make_finding("CVE-2016-2"), make_finding("CVE-2016-1", Severity.LOW), make_finding("CVE-2016-3"))
    rules = [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]]
    assert ["CVE-2016-1", "CVE-2016-2", "CVE-2016-3"] == rules
    assert [rules[one["ruleIndex"]] for one in sarif_results(log)] == [one["ruleId"] for one in sarif_results(log)]


def fingerprints(log: dict[str, Any]) -> list[str]:
    """Return what results are told apart by."""
    return [one["partialFingerprints"]["primaryLocationLineHash"] for one in sarif_results(log)]


def test_fingerprints_are_stable() -> None:
    """The same vulnerability of a later tag, with another severity and description, is the same alert."""
    early = log_of(make_finding())
    late = log_of(make_finding(severity=Severity.LOW, description="now known"), text="registry.example/team/app:2.0")
    assert fingerprints(early) == fingerprints(late)


def test_fingerprints_differ() -> None:
    """Another id, package, version or image is another alert."""
    finding = make_finding()
    package = Package("libssl", "1.0.2h", "debian:8"), Package("openssl", "1.0.2", "debian:8")
    logs = [
        log_of(finding),
        log_of(make_finding("CVE-2016-1")),
        log_of(finding, text="registry.example/team/other:1.0"),
    ]
    logs += [log_of(evolve(finding, package=one)) for one in package]
    assert len(logs) == len({one for log in logs for one in fingerprints(log)})


@pytest.mark.parametrize(
    ("severity", "score", "expected"),
    [
        (Severity.UNKNOWN, 9.8, None),
        (Severity.NEGLIGIBLE, None, "0.1"),
        (Severity.LOW, 9.8, "2.0"),
        (Severity.MEDIUM, 6.5, "6.5"),
        (Severity.HIGH, None, "8.0"),
        (Severity.CRITICAL, 9.8, "9.8"),
        (Severity.CRITICAL, 9.0, "9.5"),
        (Severity.DEFCON1, None, "10.0"),
    ],
)
def test_security_severity(severity: Severity, score: float | None, expected: str | None) -> None:
    """GitHub's number lies within the severity shown, and is a score where one fits."""
    report = make_report(
        make_run("clair", OK, make_finding(severity=severity, cvss=(Cvss(version="3.1", score=score),)))
    )
    assert expected == security_severity(report.vulnerabilities)


def test_suppressed() -> None:
    """A suppressed vulnerability is one for SARIF too, with the reason."""
    report = suppress(make_report(make_run("clair", OK, make_finding(), make_finding("CVE-2016-7052"))))
    first, second = sarif_results(rendered_json("sarif", ReportDocument(reports=(report,))))
    (one,) = first["suppressions"]
    assert ("external", "accepted", False) == (one["kind"], one["status"], "suppressions" in second)
    assert "the code is never called" in one["justification"]


def test_gate() -> None:
    """What does not hold stands in the run of its image; what is about all images in the first."""
    violations = (
        GateViolation(rule="fail_on", message="2 are too many", reference="registry.example/team/app:1.0"),
        GateViolation(rule="min_scanners", message="1 is too few"),
    )
    document = make_document(make_run("clair", OK), errors=(UNRESOLVED,))
    log = rendered_json("sarif", evolve(document, gate=GateResult(passed=False, violations=violations)))
    texts = [
        [
            one["message"]["text"]
            for one in run["invocations"][0]["toolExecutionNotifications"]
            if one["descriptor"]["id"] == "gate"
        ]
        for run in log["runs"]
    ]
    assert [
        ["gate, rule fail_on: 2 are too many (registry.example/team/app:1.0)", "gate, rule min_scanners: 1 is too few"],
        [],
    ] == texts


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("registry.example:5000/team/app", "registry.example%3A5000/team/app"),
        ("oci//srv/../images/./a b", "oci/srv/images/a%20b"),
        ("/../", "image"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
    ],
)
def test_relative_address(text: str, address: str) -> None:
    """An address is relative whatever the text: no scheme, no root, no way up."""
    assert address == relative_address(text)


@pytest.mark.parametrize(("text", "shown"), [("[a](b)", "[a] (b)"), ("{0} {x} ${jndi:x}", "{ 0} {x} ${jndi:x}")])
def test_plain(text: str, shown: str) -> None:
    """No text of a message is a link or a placeholder."""
    assert shown == plain(text)


def test_read_by_sarif_tools(tmp_path: Path) -> None:
    """sarif-tools counts what is there by level, with the unfinished scan as an error."""
    document = make_document(
        make_run("clair", OK, make_finding(), make_finding("CVE-2016-7052", Severity.LOW)),
        make_run("trivy", Outcome.FAILED),
    )
    path = tmp_path / "out.sarif"
    path.write_text(render("sarif", document), encoding="utf-8")
    report = load_sarif_file(str(path)).get_report()
    counts = {level: report.get_issue_count_for_severity(level) for level in ("error", "warning", "note")}
    assert {"error": 2, "warning": 0, "note": 1} == counts


def test_no_links_in_help() -> None:
    """The help of a rule shows foreign text as text in Markdown as well."""
    log = log_of(make_finding(description="<script> [x](javascript:alert(1)) @everyone"))
    text = log["runs"][0]["tool"]["driver"]["rules"][0]["help"]["markdown"]
    assert (False, False) == ("<script>" in text, "](" in text)
    assert json.dumps(log).isascii()


@pytest.mark.parametrize(("number", "told"), [(20, 0), (21, 1)])
def test_more_images_than_github_takes(number: int, told: int) -> None:
    """The format's remark and a notification of the first run say that GitHub takes no more than 20 runs a file."""
    report = make_report(make_run("clair", OK))
    document = ReportDocument(reports=(report,) * (number - 1), errors=(UNRESOLVED,))
    first, *others = rendered_json("sarif", document)["runs"]
    remarks = list(SarifReporter().remarks(ReportJob(document=document)))
    notified = [one["message"]["text"] for one in first["invocations"][0]["toolExecutionNotifications"]]
    assert (told, told) == (len(remarks), len([text for text in notified if text in remarks]))
    assert all(f"{number} runs" in remark and "GitHub takes no file with more than 20" in remark for remark in remarks)
    assert "too-many-runs" not in json.dumps(others)
