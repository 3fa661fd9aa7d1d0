"""Findings of several scanners -> vulnerabilities and a verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portus_scanners import Finding, Outcome, Package, Rating, ScannerReport, ScannerRun, Severity, Verdict
from portus_scanners.merge import judge, merge

from .strategies import run_lists


def run(scanner: str, *findings: Finding, outcome: Outcome = Outcome.OK) -> ScannerRun:
    """Make a run."""
    complete = outcome is Outcome.OK
    report = ScannerReport(findings=findings, complete=complete)
    return ScannerRun(scanner=scanner, plugin="p", outcome=outcome, error=None if complete else "why", report=report)


def failed(scanner: str, outcome: Outcome = Outcome.FAILED) -> ScannerRun:
    """Make a run that found nothing because it did not look."""
    return ScannerRun(scanner=scanner, plugin="p", outcome=outcome, error="why")


OPENSSL = Package("openssl", "1.0", "debian:9")
HIGH = Finding(id="CVE-1", severity=Severity.HIGH, package=OPENSSL, fixed_by=("1.1",), links=("http://a",))


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], Verdict.UNKNOWN),
        ([run("a")], Verdict.CLEAN),
        ([run("a"), run("b")], Verdict.CLEAN),
        ([run("a", HIGH), failed("b")], Verdict.VULNERABLE),
        ([run("a", HIGH, outcome=Outcome.PENDING)], Verdict.VULNERABLE),
        ([run("a", outcome=Outcome.INCOMPLETE)], Verdict.UNKNOWN),
        *(
            ([run("a"), failed("b", outcome)], Verdict.UNKNOWN)
            for outcome in Outcome
            if outcome.value not in {"ok", "incomplete"}
        ),
    ],
)
def test_clean_needs_everybody_to_have_looked(runs: list[ScannerRun], expected: Verdict) -> None:
    """The verdict is clean only when at least one scanner ran, all ended ok, and none found anything."""
    assert expected == judge(runs)


def test_the_same_finding_of_two_scanners_is_one_vulnerability() -> None:
    """Ratings, fixes and links of both are kept; the highest severity is shown; who found it is named."""
    low = Finding(id="CVE-1", severity=Severity.LOW, severity_label="minor", package=OPENSSL, fixed_by=("1.2",))
    (merged,) = merge([run("b", HIGH), run("a", low)])
    assert Severity.HIGH == merged.severity
    assert ("1.2", "1.1") == merged.fixed_by
    assert (("a", "b"), ("http://a",)) == (merged.scanners, merged.links)
    assert (
        Rating(scanner="a", severity=Severity.LOW, label="minor"),
        Rating(scanner="b", severity=Severity.HIGH),
    ) == merged.ratings


def test_a_scanner_that_names_no_namespace_agrees_with_the_one_that_does() -> None:
    """A finding without a namespace means the same as the only one that has one."""
    plain = Finding(id="CVE-1", package=Package("openssl", "1.0"))
    (merged,) = merge([run("a", plain), run("b", HIGH)])
    assert (OPENSSL, ("a", "b")) == (merged.package, merged.scanners)


def test_two_namespaces_are_two_vulnerabilities() -> None:
    """One name in two distributions is kept apart, each with its own severity."""
    other = Finding(id="CVE-1", severity=Severity.LOW, package=Package("openssl", "1.0", "debian:10"))
    assert ["debian:9", "debian:10"] == [one.package.namespace for one in merge([run("a", HIGH, other)])]


@given(run_lists, st.randoms())
def test_the_order_of_the_scanners_does_not_matter(runs: list[ScannerRun], random: object) -> None:
    """Merging the runs in any order gives the same vulnerabilities."""
    shuffled = list(runs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merge(runs) == merge(shuffled)


@given(run_lists)
def test_nothing_that_was_found_is_lost(runs: list[ScannerRun]) -> None:
    """Each finding's id, package, severity, fixes and finder are in exactly one vulnerability."""
    merged = merge(runs)
    for one in runs:
        for finding in one.report.findings if one.report else ():
            package = finding.package
            homes = [
                found
                for found in merged
                if (found.id, found.package.name, found.package.version) == (finding.id, package.name, package.version)
                and package.namespace in {found.package.namespace, ""}
                and one.scanner in found.scanners
                and finding.severity in {rating.severity for rating in found.ratings if rating.scanner == one.scanner}
                and set(finding.fixed_by) <= set(found.fixed_by)
                and set(finding.links) <= set(found.links)
            ]
            assert [] != homes
