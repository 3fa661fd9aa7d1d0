"""Findings that leave out in which package they are, and who decides how bad it is."""

from __future__ import annotations

import pytest
from attrs import evolve
from portus_policy import CombineError, combine_reports
from portus_scan.explanation import why_shown
from portus_scanners import (
    Finding,
    Image,
    Outcome,
    Package,
    Rating,
    Reference,
    ScannerReport,
    ScannerRun,
    Severity,
    SeverityPolicy,
    Verdict,
    make_image_report,
)
from portus_scanners.merge import packages as groups

from .merging import merge

IMAGE = Image(reference=Reference.parse("app:1"), digest="sha256:" + "b" * 64)


def run(scanner: str, *packages: Package, severity: Severity = Severity.LOW) -> ScannerRun:
    """Make a run that found one vulnerability in some packages."""
    findings = [Finding(id="CVE-1", severity=severity, package=package) for package in packages]
    return ScannerRun(scanner=scanner, plugin="p", outcome=Outcome.OK, report=ScannerReport(findings=findings))


ONE, TWO = Package("bash", "1", "debian:12"), Package("bash", "2", "debian:12")


@pytest.mark.parametrize(
    ("less", "known", "expected"),
    [
        (Package("bash"), [ONE], ["a b"]),
        (Package("bash"), [ONE, TWO], ["a b", "a b"]),
        (Package("bash", "", "debian:11"), [ONE], ["a", "b"]),
        (Package("zsh"), [ONE], ["b", "a"]),
        (Package(), [ONE, TWO], ["a", "b", "b"]),
        (Package("", "7"), [ONE], ["a", "b"]),
        (Package("", "", "npm"), [ONE], ["a", "b"]),
        (Package("bash", "1"), [ONE, Package("bash", "1", "debian:11")], ["a b", "a b"]),
        (Package(), [], ["a"]),
        (Package("bash"), [], ["a"]),
    ],
    ids=[
        "no version",
        "no version, of two",
        "no version, other release",
        "no version, other name",
        "no package",
        "no name but a version",
        "no package, other ecosystem",
        "no namespace, of two",
        "no package, alone",
        "no version, alone",
    ],
)
def test_a_finding_that_says_less_counts_for_all_that_it_can_mean(
    less: Package, known: list[Package], expected: list[str]
) -> None:
    """It joins each package that it may mean, and stands by itself only where there is none."""
    merged = merge([run("a", less), run("b", *known)])
    assert expected == [" ".join(one.scanners) for one in merged]


def test_a_finding_that_says_less_counts_for_another_that_says_little() -> None:
    """What may mean a package without a version, counts for that as well as for those with one."""
    bare, other = Package("bash", "", "debian:11"), Package("bash", "1", "debian:12")
    merged = merge([run("a", Package("bash"), severity=Severity.HIGH), run("b", bare), run("c", other)])
    expected = [("a b", Severity.HIGH), ("a c", Severity.HIGH)]
    assert expected == [(" ".join(one.scanners), one.severity) for one in merged]


def test_too_many_that_say_less_stand_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where joining would grow without measure, findings that say less are a vulnerability of their own."""
    monkeypatch.setattr(groups, "MOST_JOINED", 1)
    assert ["a", "b", "b"] == [" ".join(one.scanners) for one in merge([run("a", Package("bash")), run("b", ONE, TWO)])]


RATINGS = (
    Rating(scanner="clair", severity=Severity.UNKNOWN),
    Rating(scanner="trivy", severity=Severity.LOW),
    Rating(scanner="trivy", severity=Severity.MEDIUM),
    Rating(scanner="zypper", severity=Severity.HIGH),
)


@pytest.mark.parametrize(
    ("prefer", "shown", "why"),
    [
        ((), Severity.HIGH, "the highest of all ratings, by zypper"),
        (("trivy",), Severity.MEDIUM, "preferred: trivy says medium"),
        (
            ("clair", "trivy"),
            Severity.MEDIUM,
            "preferred: trivy says medium; clair would go before, but did not say how bad it is",
        ),
        (
            ("clair", "acme"),
            Severity.HIGH,
            "no preferred scanner (clair, acme) says how bad it is; the highest of all ratings, by zypper",
        ),
    ],
)
def test_the_first_preferred_scanner_that_says_decides(prefer: tuple[str, ...], shown: Severity, why: str) -> None:
    """A scanner that did not find it, or calls it unknown, decides nothing; then the highest is shown."""
    policy = SeverityPolicy(prefer=prefer)
    assert (shown, why) == (policy.choose(RATINGS), why_shown(policy, RATINGS))


def test_no_rating_is_unknown() -> None:
    """Without ratings there is no severity, and the policy says so."""
    policy = SeverityPolicy()
    assert (Severity.UNKNOWN, "the highest: there is no rating") == (policy.choose(()), why_shown(policy, ()))


def test_a_report_is_made_with_the_policy() -> None:
    """The severity that is shown follows the preferred scanner, the highest is still known."""
    runs = [run("a", ONE), run("b", ONE, severity=Severity.HIGH)]
    (one,) = make_image_report(IMAGE, runs, severity=SeverityPolicy(prefer=("a",))).vulnerabilities
    assert (Severity.LOW, Severity.HIGH) == (one.severity, one.highest)


def test_a_scanner_that_failed_once_and_ended_ok_once_has_looked() -> None:
    """In a combined report it counts as one that looked without finding it; the image is not clean all the same."""
    failed = ScannerRun(scanner="b", plugin="p", outcome=Outcome.FAILED, error="why")
    both = [make_image_report(IMAGE, runs) for runs in ([run("a", ONE), failed], [run("b")])]
    (one,) = combine_reports(both).vulnerabilities
    assert (("b",), ()) == (one.not_found_by, one.not_looked_by)
    alone = combine_reports([make_image_report(IMAGE, [failed]), make_image_report(IMAGE, [run("b")])])
    assert Verdict.UNKNOWN is alone.verdict


def test_other_images_are_not_combined() -> None:
    """Reports of two digests, or none at all, are refused in one line."""
    other = evolve(IMAGE, digest="sha256:" + "c" * 64)
    with pytest.raises(CombineError, match="different images can't be combined: sha256:bb"):
        combine_reports([make_image_report(image, []) for image in (IMAGE, other)])
    with pytest.raises(ValueError, match="no report"):
        combine_reports([])


def test_runs_that_differ_in_their_errors_alone_have_an_order() -> None:
    """Two failed runs of one scanner with different errors stand in one order, however their reports are given."""
    runs = [ScannerRun(scanner="a", plugin="p", outcome=Outcome.FAILED, error=error) for error in ("y", "x")]
    reports = [make_image_report(IMAGE, [one]) for one in runs]
    orders = [combine_reports(given).results for given in (reports, reports[::-1])]
    assert (2, orders[0]) == (len(orders[0]), orders[1])
