"""What SARIF logs say: their findings, what is left out of them, and how far an image was seen."""

from __future__ import annotations

from typing import Any

import pytest
from portus_scanner_report_file.forms import read_report
from portus_scanners import Cvss, InvalidReportError, Package, ScannerReport, Severity
from standins import reports

BASE = {"ruleId": "X-1", "message": {"text": "x"}}


def read(*results: object, **more: Any) -> ScannerReport:
    """Return what is read of a log with one run and these results."""
    return read_report(reports.sarif({}, results=list(results), **more)).report


def log(*runs: dict[str, Any]) -> dict[str, Any]:
    """Return a log of several runs."""
    return {"version": "2.1.0", "runs": [run for one in runs for run in one["runs"]]}


TRIVYS = (
    "Package: openssl\nInstalled Version: 3.0.1-1\nVulnerability X\nSeverity: HIGH\nFixed Version: 3.0.2-1\nLink: X"
)
GRYPES = "Vulnerability X\nSeverity: High\nPackage: openssl\nVersion: 3.0.1-1\nFix Version: 3.0.2-1\nType: deb"


@pytest.mark.parametrize(
    ("rule_id", "message", "help_text"),
    [("CVE-2099-0001", TRIVYS, "Package: another"), ("CVE-2099-0001-openssl", "The path reports openssl", GRYPES)],
    ids=["trivy", "grype"],
)
def test_the_lines_that_trivy_and_grype_write_into_sarif(rule_id: str, message: str, help_text: str) -> None:
    """Package, version, fix and severity are read from the message, else from the help of the rule."""
    rule = {"id": rule_id, "help": {"text": help_text}, "properties": {"security-severity": "9.8"}}
    tool = {"driver": {"name": "any", "rules": [rule]}}
    results = [{"ruleId": rule_id, "ruleIndex": 0, "level": "error", "message": {"text": message}}]
    (finding,) = read_report(reports.sarif({}, tool=tool, results=results)).report.findings
    assert ("CVE-2099-0001", Severity.HIGH) == (finding.id, finding.severity)
    assert (Package("openssl", "3.0.1-1"), ("3.0.2-1",)) == (finding.package, finding.fixed_by)
    assert (Cvss(version="", score=9.8),) == finding.cvss


@pytest.mark.parametrize(
    ("result", "rule", "severity"),
    [
        ({"level": "note", "properties": {"security-severity": "9.8"}}, {}, Severity.CRITICAL),
        ({"properties": {"security-severity": "high"}}, {"defaultConfiguration": {"level": "error"}}, Severity.HIGH),
        ({}, {}, Severity.MEDIUM),
        ({"level": "gaudy"}, {}, Severity.UNKNOWN),
        ({"level": "none"}, {}, Severity.UNKNOWN),
        ({"kind": "review"}, {"defaultConfiguration": {"level": "error"}}, Severity.UNKNOWN),
        ({"kind": "fail"}, {"defaultConfiguration": {"level": "error"}}, Severity.HIGH),
    ],
    ids=["score", "rule's level", "default level", "unknown level", "none", "to review", "fail"],
)
def test_severity_in_sarif_is_a_score_else_a_level(result: Any, rule: Any, severity: Severity) -> None:
    """GitHub's property for scores counts before the level; without both, SARIF's default level does."""
    tool = {"driver": {"name": "any", "rules": [{"id": "X-1", **rule}]}}
    results = [{"ruleIndex": 0, "message": {"text": "x"}, **result}]
    (finding,) = read_report(reports.sarif({}, tool=tool, results=results)).report.findings
    assert ("X-1", severity) == (finding.id, finding.severity)


@pytest.mark.parametrize(
    ("result", "counts"),
    [
        ({}, True),
        ({"kind": "fail"}, True),
        ({"kind": "open"}, True),
        ({"kind": "review"}, True),
        ({"kind": "gaudy"}, True),
        ({"level": "none"}, True),
        ({"baselineState": "unchanged"}, True),
        ({"kind": "pass"}, False),
        ({"kind": "notApplicable"}, False),
        ({"kind": "informational"}, False),
        ({"baselineState": "absent"}, False),
    ],
    ids=str,
)
def test_a_result_is_a_finding_unless_it_says_that_there_is_no_problem(result: Any, *, counts: bool) -> None:
    """What is open or to be reviewed may be one; what only the baseline has is none."""
    report = read({**BASE, **result})
    assert (int(counts), True) == (len(report.findings), report.complete)


@pytest.mark.parametrize(
    ("statuses", "suppresses"),
    [
        (["accepted"], True),
        ([None], True),
        (["accepted", None], True),
        ([], False),
        (["rejected"], False),
        (["underReview"], False),
        (["accepted", "rejected"], False),
        ([None, "underReview"], False),
        (["gaudy"], False),
    ],
    ids=str,
)
def test_suppressions_that_are_all_accepted_suppress(statuses: list[str | None], *, suppresses: bool) -> None:
    """One without a status is accepted; one that is rejected or under review keeps the result. A note counts."""
    suppressions = [{"kind": "external", **({"status": status} if status else {})} for status in statuses]
    report = read({**BASE, "suppressions": suppressions})
    assert (not suppresses, suppresses) == (bool(report.findings), bool(report.notes))
    assert suppresses == any("left out: 1" in note for note in report.notes)


def test_suppressions_that_are_null() -> None:
    """Nobody knows whether the result is suppressed, so it counts."""
    assert 1 == len(read({**BASE, "suppressions": None}).findings)


def test_an_old_grype_that_suppresses_every_result() -> None:
    """It wrote a suppression into each of its results, and meant none."""
    name = "Anchore Container Vulnerability Report (T0)"
    rule = {
        "id": "ANCHOREVULN_team/app:1_CVE-2099-0001_deb_openssl_3.0",
        "help": {"text": "Severity: High\nPackage: openssl\nVersion: 3.0\nFix Version: \nType: deb"},
    }
    result = {"ruleId": rule["id"], "ruleIndex": 0, "message": {"text": "x"}, "suppressions": [{"kind": "external"}]}
    report = read(result, tool={"driver": {"name": name, "rules": [rule]}})
    assert [("CVE-2099-0001", Package("openssl", "3.0"))] == [(one.id, one.package) for one in report.findings]
    assert report.complete


@pytest.mark.parametrize(
    ("invocation", "told"),
    [
        ({"executionSuccessful": False}, "does not say that it ended well"),
        ({}, "does not say that it ended well"),
        ({"toolExecutionNotifications": [{"level": "error", "message": {"text": "no disk"}}]}, "no disk"),
        ({"toolConfigurationNotifications": [{"level": "error", "message": {"text": "no rule"}}]}, "no rule"),
        ({"toolExecutionNotifications": [{"level": "error"}]}, "reports an error"),
    ],
    ids=["failed", "does not say", "error", "configuration", "no message"],
)
def test_a_program_that_did_not_see_everything(invocation: Any, told: str) -> None:
    """Its log is incomplete, and a note says why."""
    successful = {} if not invocation else {"executionSuccessful": True}
    report = read(invocations=[{"executionSuccessful": True}, {**successful, **invocation}])
    assert (False, True) == (report.complete, any(told in note for note in report.notes))


def test_warnings_of_a_program_are_no_errors() -> None:
    """A notification of another level, or without one, leaves the log complete."""
    told = [{"message": {"text": "slow"}}, {"level": "warning", "message": {"text": "slow"}}]
    assert read(invocations=[{"executionSuccessful": True, "toolExecutionNotifications": told}]).complete


def test_results_in_other_files() -> None:
    """A log that keeps results elsewhere is incomplete."""
    assert not read(externalPropertyFileReferences={"results": [{"itemCount": 3}]}).complete


def test_one_run_of_several_that_failed() -> None:
    """The findings of all runs are there, the log is incomplete, and it names all programs."""
    failed = reports.sarif({}, tool={"driver": {"name": "other"}}, invocations=[{"executionSuccessful": False}])
    report = read_report(log(reports.sarif({"CVE-2099-0001": "High"}), failed)).report
    assert (1, False, "acme 1.2.3, other") == (len(report.findings), report.complete, report.scanner_version)


def test_a_log_is_as_old_as_its_oldest_run() -> None:
    """A run that does not say when it ended leaves the age of the log unknown."""
    old = reports.sarif({}, invocations=[{"executionSuccessful": True, "endTimeUtc": "2025-01-01T00:00:00Z"}])
    silent = reports.sarif({}, invocations=[])
    made = [read_report(log(reports.sarif({}), other)).made for other in (old, silent)]
    assert [2025, None] == [one and one.year for one in made]


def _trivys(*names: str | None) -> dict[str, Any]:
    """Return the members of a run of Trivy with a suppressed result for each rule of these names."""
    rules = [{"id": f"CVE-{number}", "name": name} for number, name in enumerate(names)]
    results = [{**BASE, "ruleId": rule["id"], "suppressions": [{"kind": "external"}]} for rule in rules]
    return {"tool": {"driver": {"name": "Trivy", "rules": rules}}, "results": results}


@pytest.mark.parametrize(
    ("run", "complete"),
    [
        (_trivys(), False),
        (_trivys("LanguageSpecificPackageVulnerability"), False),
        (_trivys("LanguageSpecificPackageVulnerability", "OsPackageVulnerability"), True),
        (_trivys(None), True),
        ({"tool": {"driver": {"name": "grype"}}, "results": []}, False),
        ({"tool": {"driver": {"name": "Grype"}}, "results": []}, False),
        ({"tool": {"driver": {"name": "trivy vulnerability scanner"}}, "results": []}, False),
        ({"tool": {"driver": {"name": "acme"}}, "results": []}, True),
    ],
    ids=[
        *("trivy nothing", "trivy language", "trivy distribution", "trivy unnamed", "grype nothing"),
        *("grype otherwise", "trivy otherwise", "other nothing"),
    ],
)
def test_an_empty_log_of_trivy_or_grype_is_not_complete(run: dict[str, Any], *, complete: bool) -> None:
    """It is the same for a clean image and for a distribution that they did not recognise."""
    assert complete is read_report(reports.sarif({}, **run)).report.complete


def test_results_beside_the_runs_are_not_read() -> None:
    """SARIF lets a run's results stand in the log itself: what is not read is not complete."""
    tool = {"driver": {"name": "acme"}}
    document = reports.sarif({}, tool=tool, results=[])
    assert read_report({**document, "inlineExternalProperties": [{"addresses": []}]}).report.complete
    report = read_report({**document, "inlineExternalProperties": [{"results": [BASE]}]}).report
    assert not report.complete
    assert "inlineExternalProperties" in report.notes[0]


def test_the_rule_of_a_result_may_be_an_object() -> None:
    """A result names its rule by ``ruleId`` or by ``rule``, by id or by index."""
    tool = {"driver": {"name": "acme", "rules": [{"id": "X-1"}, {"id": "X-2"}]}}
    results = [{"message": {"text": "x"}, "rule": {"id": "X-1"}}, {"message": {"text": "x"}, "rule": {"index": 1}}]
    assert ["X-1", "X-2"] == [one.id for one in read(*results, tool=tool).findings]


def test_a_result_without_a_rule() -> None:
    """It is invalid, and so is the log; one that is no finding may have none."""
    assert () == read({"message": {"text": "x"}, "kind": "pass"}).findings
    with pytest.raises(InvalidReportError, match="has no rule"):
        read({"message": {"text": "x"}})


def test_a_result_keeps_its_own_name() -> None:
    """A rule that is found by its place does not give its name to a result that has another one."""
    tool = {"driver": {"name": "acme", "rules": [{"id": "CVE-2099-0001"}]}}
    report = read({"ruleId": "CVE-2099-0002", "ruleIndex": 0, "message": {"text": "x"}}, tool=tool)
    assert ["CVE-2099-0002"] == [one.id for one in report.findings]


def test_what_every_result_repeats_is_short() -> None:
    """Many results of one rule do not multiply its strings."""
    long = "x" * 100_000
    rule = {"id": "X-1", "shortDescription": {"text": long}, "fullDescription": {"text": long}}
    rule |= {"help": {"text": f"Package: {long}\nSeverity: {long}"}, "helpUri": f"https://acme.example/{long}"}
    (finding,) = read({**BASE, "ruleIndex": 0}, tool={"driver": {"name": "acme", "rules": [rule]}}).findings
    assert len(repr(finding)) < 20_000
