"""JUnit XML: what CI systems show."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from attrs import evolve
from hypothesis import Phase, given, settings
from junitparser import JUnitXml, TestCase
from portus_policy import GateResult, GateViolation
from portus_scanners import Outcome, Package, ReportDocument
from properties import at_most

from ..documents import UNRESOLVED, make_document, make_finding, make_report, make_run
from .rendered import any_document, render, suppress

OK = Outcome.OK


def read(document: ReportDocument) -> JUnitXml:
    """Return the suites."""
    return JUnitXml.fromstring(render("junit", document).encode())


def cases(document: ReportDocument) -> list[tuple[str, str]]:
    """Return the tests' names, and how each ended."""
    return [(case.name, _ended(case)) for suite in read(document) for case in suite]


def _ended(case: TestCase) -> str:
    return " ".join(f"{type(one).__name__}:{one.type}" for one in case.result) or "passed"


@pytest.mark.parametrize("outcome", list(Outcome), ids=lambda one: one.value)
def test_run_is_a_test(outcome: Outcome) -> None:
    """A scanner run is a test: it passes only when it ended ok, and is an error otherwise."""
    expected = "passed" if outcome is OK else f"Error:{outcome.value}"
    assert [("scanner clair", expected)] == cases(make_document(make_run("clair", outcome)))


def test_vulnerability_is_a_failure() -> None:
    """A vulnerability is a failed test, of a type that is its severity."""
    document = make_document(make_run("clair", OK, make_finding()))
    expected = [("scanner clair", "passed"), ("CVE-2016-6304 in openssl 1.0.2h", "Failure:high")]
    assert expected == cases(document)


def test_names_are_told_apart() -> None:
    """Two vulnerabilities that would have one name are numbered."""
    other = make_finding(package=Package("openssl", "1.0.2h", "debian:9"))
    names = [name for name, _ in cases(make_document(make_run("clair", OK, make_finding(), other)))]
    assert ["CVE-2016-6304 in openssl 1.0.2h", "CVE-2016-6304 in openssl 1.0.2h #2"] == names[1:]


def test_suppressed_is_skipped() -> None:
    """A suppressed vulnerability is skipped with its reason."""
    document = ReportDocument(reports=(suppress(make_report(make_run("clair", OK, make_finding()))),))
    (suite,) = read(document)
    _, case = suite
    (result,) = case.result
    assert ("suppressed", True) == (result.type, "the code is never called" in result.message)


def test_unresolved_is_an_error() -> None:
    """An image that could not be scanned is a suite with an error."""
    assert [("resolve", "Error:unresolved")] == cases(ReportDocument(errors=(UNRESOLVED,)))


def test_nothing_is_an_error() -> None:
    """Without image or without scanner there is an error, never a suite without tests."""
    assert [("scan", "Error:not_scanned")] == cases(ReportDocument())
    assert [("scanners", "Error:not_scanned")] == cases(ReportDocument(reports=(make_report(),)))


def test_gate() -> None:
    """The gate is a suite: a failed test for each rule that does not hold, one that passed when all hold."""
    document = make_document(make_run("clair", OK))
    failed = GateResult(passed=False, violations=(GateViolation(rule="fail_on", message="2 are too many"),))
    assert ("fail_on: all images", "Failure:gate") == cases(evolve(document, gate=failed))[-1]
    assert ("passed", "passed") == cases(evolve(document, gate=GateResult(passed=True)))[-1]
    assert ("failed", "Failure:gate") == cases(evolve(document, gate=GateResult(passed=False)))[-1]


def test_suites_are_told_apart() -> None:
    """An image that is there twice is two suites of different names: the failure of the second is not hidden."""
    reports = [make_report(make_run("clair", outcome)) for outcome in (OK, Outcome.FAILED)]
    document = ReportDocument(reports=tuple(reports))
    names = [(suite.name, case.classname) for suite in read(document) for case in suite]
    about = "registry.example/team/app:1.0 (linux/amd64)"
    assert [(about, about), (f"{about} #2", f"{about} #2")] == names


def test_gate_names_are_told_apart() -> None:
    """A rule that does not hold for two platforms of one image is two tests: CI systems show one of each name."""
    amd64, arm64 = (GateViolation(rule="fail_on", message=one, reference="app:1") for one in ("amd64", "arm64"))
    document = evolve(make_document(make_run("clair", OK)), gate=GateResult(passed=False, violations=(amd64, arm64)))
    names = [name for name, _ in cases(document)]
    assert ["fail_on: app:1", "fail_on: app:1 #2"] == names[-2:]


def test_totals() -> None:
    """The numbers at suites and on top are those of the tests within."""
    report = suppress(make_report(make_run("clair", OK, make_finding(), make_finding("CVE-2016-7052"))))
    suites = read(ReportDocument(reports=(report,), errors=(UNRESOLVED,)))
    said = (suites.tests, suites.failures, suites.errors, suites.skipped)
    suites.update_statistics()
    assert (4, 1, 1, 1) == said == (suites.tests, suites.failures, suites.errors, suites.skipped)


@pytest.mark.parametrize(("outcome", "code"), [(OK, 0), (Outcome.PENDING, 1)], ids=["ok", "pending"])
def test_verified_by_junitparser(outcome: Outcome, code: int, tmp_path: Path) -> None:
    """junitparser's own check passes a clean image, and fails one of which not everything is known."""
    path = tmp_path / "junit.xml"
    path.write_text(render("junit", make_document(make_run("clair", outcome))), encoding="utf-8")
    command = [sys.executable, "-m", "junitparser", "verify", str(path)]
    assert code == subprocess.run(command, check=False).returncode


ATTRIBUTES = {
    "testsuites": "name time tests failures errors",
    "testsuite": "name tests failures errors group time skipped timestamp hostname id package file log url",
    "testcase": "name time classname group",
    "property": "name value",
    **dict.fromkeys(("failure", "error", "skipped"), "type message"),
}
CHILDREN = {
    "testsuites": "testsuite",
    "testsuite": "testsuite properties testcase system-out system-err",
    "testcase": "skipped error failure system-out system-err",
    "properties": "property",
}
TIME = re.compile(r"[0-9]+(\.[0-9]*)?")


@given(document=any_document)
@settings(max_examples=at_most(25), phases=(Phase.generate,))
def test_jenkins_xunit_plugin_takes_it(document: ReportDocument) -> None:
    """No element has an attribute or a child that its schema, ``junit-10.xsd``, does not have; times have its form."""
    for element in ElementTree.fromstring(render("junit", document)).iter():  # noqa: S314 (our own)
        assert set() == set(element.keys()) - set(ATTRIBUTES.get(element.tag, "").split())
        assert set() == {child.tag for child in element} - set(CHILDREN.get(element.tag, "").split())
        assert TIME.fullmatch(element.get("time", "0"))
