"""Findings of several scanners -> vulnerabilities and a verdict."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import evolve
from hypothesis import given
from portus_scanners import (
    EndOfLife,
    Finding,
    FixState,
    MatchedBy,
    Outcome,
    Package,
    Rating,
    ScannerReport,
    ScannerRun,
    Severity,
    VendorRating,
    Verdict,
    Vulnerability,
)
from portus_scanners.merge import canonical_namespace as comparable, judge

from ..strategies import run_lists
from .merging import merge


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


ENDED = EndOfLife(source="Trivy 0.76.0", distribution="ubuntu 15.04")


@pytest.mark.parametrize(("findings", "expected"), [((), Verdict.UNKNOWN), ((HIGH,), Verdict.VULNERABLE)])
def test_an_ended_support_is_never_clean(findings: tuple[Finding, ...], expected: Verdict) -> None:
    """One scanner that says that the support has ended is enough: nothing found is unknown, and the run stays ok."""
    report = ScannerReport(findings=findings, end_of_life=ENDED)
    ended = ScannerRun(scanner="a", plugin="p", outcome=Outcome.OK, report=report)
    assert expected == judge([run("b"), ended]) == judge([ended, run("b")])


def test_the_same_finding_of_two_scanners_is_one_vulnerability() -> None:
    """Ratings, fixes and links of both are kept; the highest severity is shown; who found it is named."""
    low = Finding(id="CVE-1", severity=Severity.LOW, severity_label="minor", package=OPENSSL, fixed_by=("1.2",))
    (merged,) = merge([run("b", HIGH), run("a", low)])
    assert Severity.HIGH == merged.severity
    assert ("1.2", "1.1") == merged.fixed_by
    assert (("a", "b"), ("http://a",)) == (merged.scanners, merged.links)
    assert (
        Rating(scanner="a", id="CVE-1", severity=Severity.LOW, label="minor"),
        Rating(scanner="b", id="CVE-1", severity=Severity.HIGH),
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


GLIBC = Package("glibc", "2.36-9", "debian:12")


def of_source(name: str, **rest: object) -> Finding:
    """Make a finding in a binary package of glibc, as Trivy has it."""
    package = Package(name, "2.36-9", "debian:12.5")
    return Finding(id="CVE-1", package=package, source_package=Package("glibc", "2.36-9"), **rest)  # type: ignore[arg-type]


def test_binary_packages_meet_in_their_source_package() -> None:
    """What one scanner says of a source package and another of two binary ones is one vulnerability, which says so."""
    clair = Finding(id="CVE-1", severity=Severity.HIGH, package=GLIBC, fixed_by=("2.36-10",))
    (merged,) = merge([run("trivy", of_source("libc6", purl="pkg:a"), of_source("libc-bin")), run("clair", clair)])
    assert (("clair", "trivy"), MatchedBy.SOURCE, Severity.HIGH) == (
        merged.scanners,
        merged.matched_by,
        merged.severity,
    )
    assert Package("glibc", "2.36-9", "debian:12.5") == merged.package
    assert ["glibc", "libc-bin", "libc6"] == [package.name for package in merged.packages]
    assert ((Package("glibc", "2.36-9"),), ("pkg:a",), ("2.36-10",)) == (
        merged.source_packages,
        merged.purls,
        merged.fixed_by,
    )


def test_a_scanner_that_names_no_source_meets_by_both_ways() -> None:
    """Who names the binary package alone, who names the source package alone, and who knows both: one vulnerability."""
    binary = Finding(id="CVE-1", package=Package("libc6", "2.36-9"))
    runs = [run("a", binary), run("clair", Finding(id="CVE-1", package=GLIBC)), run("trivy", of_source("libc6"))]
    assert [("a", "clair", "trivy")] == [one.scanners for one in merge(runs)]


@pytest.mark.parametrize(
    "other",
    [
        [],
        [Finding(id="CVE-2", package=GLIBC)],
        [Finding(id="CVE-1", package=Package("glibc", "2.31-1", "debian:12"))],
        [Finding(id="CVE-1", package=Package("glibc", "2.36-9", "debian:11"))],
    ],
    ids=["nobody", "other id", "other version", "other release"],
)
def test_binary_packages_meet_in_their_source_whoever_reports_it(other: list[Finding]) -> None:
    """What was built from one source package is one vulnerability, also where nobody reports the source itself."""
    merged = merge([run("trivy", of_source("libc6"), of_source("libc-bin")), run("clair", *other)])
    assert [("glibc", "2.36-9", MatchedBy.SOURCE, ["libc-bin", "libc6"])] == [
        (one.package.name, one.package.version, one.matched_by, [package.name for package in one.packages])
        for one in merged
        if "trivy" in one.scanners
    ]
    assert len(other) == len([one for one in merged if "clair" in one.scanners])


def test_a_source_is_known_from_a_finding_of_another_vulnerability() -> None:
    """What one scanner says of a binary package holds for what others find in it."""
    unsaid = [Finding(id="CVE-2", package=Package(name, "2.36-9", "debian:12")) for name in ("libc6", "libc-bin")]
    merged = merge([run("a", *unsaid), run("trivy", of_source("libc6"), of_source("libc-bin"))])
    assert [("CVE-1", "glibc"), ("CVE-2", "glibc")] == [(one.id, one.package.name) for one in merged]


def test_sources_of_another_ecosystem_do_not_count() -> None:
    """A package of the same name and version of another namespace keeps its own name."""
    stranger = Finding(id="CVE-1", package=Package("libc6", "2.36-9", "npm"))
    merged = merge([run("a", stranger), run("trivy", of_source("libc6"))])
    assert [("glibc", "debian:12.5"), ("libc6", "npm")] == [(one.package.name, one.package.namespace) for one in merged]


def test_a_source_package_keeps_its_name_where_a_binary_one_has_it_too() -> None:
    """Who reports a name from which others were built means these, not the binary package of that name."""
    apart = Finding(id="CVE-1", package=GLIBC, source_package=Package("glibc-meta", "1"))
    merged = merge([run("clair", Finding(id="CVE-1", package=GLIBC)), run("trivy", of_source("libc6"), apart)])
    assert [("glibc", ("clair", "trivy")), ("glibc-meta", ("trivy",))] == [
        (one.package.name, one.scanners) for one in merged
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("debian:12", "debian:12.5", True),
        ("alpine:v3.19", "alpine:3.19.1", True),
        ("ubuntu:22.04", "ubuntu:22.04", True),
        ("ubuntu:22.04", "ubuntu:22.10", False),
        ("debian:12", "debian:11.9", False),
        ("alpine:v3.19", "alpine:3.18.2", False),
        ("debian:12", "ubuntu:12", False),
        ("centos:7", "centos:7.9.2009", True),
        ("npm", "pip", False),
        ("debian:12", "debian:unstable", False),
    ],
)
def test_releases_are_compared_not_their_names(one: str, other: str, same: bool) -> None:
    """Two names of one release do not keep findings apart; two releases do."""
    found = [Finding(id="CVE-1", package=Package("bash", "1", namespace)) for namespace in (one, other)]
    assert same == (len(merge([run("a", found[0]), run("b", found[1])])) == 1)


def test_what_scanners_know_more_is_kept_side_by_side() -> None:
    """Sources of severities, states of fixes, paths, layers and dates: nothing of one scanner overwrites another's."""
    early, late = (datetime(2025, month, 1, tzinfo=UTC) for month in (1, 2))
    vendors = (VendorRating(source="nvd", severity=Severity.CRITICAL), VendorRating(source="debian", label="1"))
    one = evolve(
        HIGH, severity_source="debian", vendor_ratings=vendors, fix_state=FixState.FIXED, path="a", published=late
    )
    other = evolve(HIGH, fix_state=FixState.WILL_NOT_FIX, path="b", layer="sha256:1", published=early, modified=early)
    (merged,) = merge([run("a", one), run("b", other)])
    assert ((FixState.FIXED, FixState.WILL_NOT_FIX), ("a", "b"), ("sha256:1",)) == (
        merged.fix_states,
        merged.paths,
        merged.layers,
    )
    assert (early, early) == (merged.published, merged.modified)
    assert (Severity.HIGH, [("debian", vendors[::-1]), ("", ())]) == (
        merged.severity,
        [(rating.source, rating.vendors) for rating in merged.ratings],
    )


def is_in(finding: Finding, scanner: str, found: Vulnerability) -> bool:
    """Whether a vulnerability has all that one scanner says of a finding."""
    ratings = [rating for rating in found.ratings if rating.scanner == scanner]
    single = [(finding.path, found.paths), (finding.purl, found.purls), (finding.layer or "", found.layers)]
    return (
        scanner in found.scanners
        and bool({finding.id, *finding.aliases} & {found.id, *found.aliases})
        and finding.id in {rating.id for rating in found.ratings if rating.scanner == scanner}
        and finding.package in found.packages
        and (finding.source_package is None or finding.source_package in found.source_packages)
        and any(set(finding.vendor_ratings) == set(r.vendors) and finding.severity is r.severity for r in ratings)
        and set(finding.fixed_by) - {""} <= set(found.fixed_by)
        and set(finding.links) - {""} <= set(found.links)
        and (finding.fix_state is FixState.UNKNOWN or finding.fix_state in found.fix_states)
        and all(not text or text in texts for text, texts in single)
    )


@given(run_lists)
def test_nothing_that_was_found_is_lost(runs: list[ScannerRun]) -> None:
    """All that a finding says is in at least one vulnerability; each says how its findings met."""
    merged = merge(runs)
    stated: set[Package] = set()  # nothing is put under what nobody names
    for one in runs:
        for finding in one.report.findings if one.report else ():
            assert [] != [found for found in merged if is_in(finding, one.scanner, found)]
            stated |= {finding.package, finding.source_package or finding.package}
    for found in merged:
        name, version = found.package.name, found.package.version
        direct = all(one.name in {name, ""} and one.version in {version, ""} for one in found.packages)
        assert (found.matched_by is MatchedBy.PACKAGE) == direct
        assert name in {one.name for one in stated}
        assert version in {"", *(one.version for one in stated)}
        assert {comparable(found.package.namespace), ""} >= {comparable(one.namespace) for one in found.packages}
