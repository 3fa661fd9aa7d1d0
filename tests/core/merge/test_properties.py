"""What holds for the merge of any findings."""

from __future__ import annotations

from random import Random

from attrs import evolve
from hypothesis import given, settings, strategies as st
from portus_policy import combine_reports
from portus_scan.explanation import why_shown
from portus_scanners import (
    Finding,
    Image,
    ImageReport,
    Outcome,
    Package,
    Reference,
    ScannerReport,
    ScannerRun,
    Severity,
    SeverityPolicy,
    Verdict,
    make_image_report,
)
from properties import at_most

from ..strategies import findings, packages, run_lists
from .merging import merge

few = settings(max_examples=at_most(30))
IMAGE = Image(reference=Reference.parse("app:1"), digest="sha256:" + "b" * 64)
WORLD = {
    "CVE-1": (),
    "CVE-2": ("GHSA-b",),
    "GHSA-b": ("CVE-2",),
    "RHSA-9": ("CVE-1", "CVE-2"),
    "TEMP-1": ("DSA-1",),
    "DSA-1": ("TEMP-1",),
}
"""Each name with all its aliases, whoever says it."""
SOURCES = {"libc6": "glibc", "libc-bin": "glibc"}


def in_world(name: str, package: Package, severity: Severity) -> Finding:
    """Make a finding whose aliases and source package depend on its id and package alone."""
    source = Package(SOURCES[package.name], package.version) if package.name in SOURCES else None
    return Finding(id=name, aliases=WORLD[name], severity=severity, package=package, source_package=source)


world = st.builds(in_world, st.sampled_from(sorted(WORLD)), packages, st.sampled_from(Severity))
found_lists = st.lists(st.tuples(st.sampled_from("abc"), world), max_size=8)


def runs_with(found: list[tuple[str, Finding]]) -> list[ScannerRun]:
    """Make a run of each scanner; all end ok."""
    return [
        ScannerRun(
            scanner=name,
            plugin="p",
            outcome=Outcome.OK,
            report=ScannerReport(findings=[finding for scanner, finding in found if scanner == name]),
        )
        for name in "abc"
    ]


def counts(runs: list[ScannerRun]) -> list[int]:
    """Return the number of vulnerabilities at or above each severity, the lowest first."""
    shown = [one.severity for one in merge(runs)]
    return [sum(one >= severity for one in shown) for severity in Severity]


@few
@given(run_lists, st.randoms())
def test_the_order_of_runs_and_findings_does_not_matter(runs: list[ScannerRun], random: Random) -> None:
    """Merging the runs in any order, with their findings in any order, gives the same vulnerabilities."""
    shuffled = [_shuffled(run, random) for run in random.sample(runs, len(runs))]
    assert merge(runs) == merge(shuffled)


def _shuffled(run: ScannerRun, random: Random) -> ScannerRun:
    if run.report is None:
        return run
    mixed = random.sample(run.report.findings, len(run.report.findings))
    return evolve(run, report=evolve(run.report, findings=mixed))


@few
@given(st.lists(findings, max_size=6))
def test_two_cves_are_never_one(found: list[Finding]) -> None:
    """Each CVE that somebody names is a vulnerability of its own, and no alias of another."""
    merged = merge(runs_with([("a", finding) for finding in found]))
    named = {name for one in found for name in (one.id, *one.aliases) if name.startswith("CVE-")}
    assert named == {one.id for one in merged if one.id.startswith("CVE-")}
    assert [] == [alias for one in merged for alias in one.aliases if alias.startswith("CVE-")]


@given(found_lists, st.sampled_from("abc"), world)
def test_another_finding_never_lowers_a_count(found: list[tuple[str, Finding]], scanner: str, one: Finding) -> None:
    """Where names and sources are fixed, a finding more never makes fewer vulnerabilities, at or above any severity."""
    before, after = counts(runs_with(found)), counts(runs_with([*found, (scanner, one)]))
    assert [] == [(less, more) for less, more in zip(before, after, strict=True) if more < less]


@few
@given(found_lists, st.sampled_from("abc"))
def test_a_scanner_that_fails_makes_nothing_look_better(found: list[tuple[str, Finding]], scanner: str) -> None:
    """Without its findings the image is not clean, and every vulnerability says that this scanner could not look."""
    lost = [
        ScannerRun(scanner=run.scanner, plugin="p", outcome=Outcome.FAILED, error="why")
        if run.scanner == scanner
        else run
        for run in runs_with(found)
    ]
    report = make_image_report(IMAGE, lost)
    assert report.verdict is not Verdict.CLEAN
    assert {(scanner,)} >= {one.not_looked_by for one in report.vulnerabilities}
    assert all(scanner not in (*one.scanners, *one.not_found_by) for one in report.vulnerabilities)
    assert [one for one in zip(counts(runs_with(found)), counts(lost), strict=True) if one[1] > one[0]] == []


@few
@given(run_lists)
def test_every_scanner_is_named_once_by_each_vulnerability(runs: list[ScannerRun]) -> None:
    """Who found it, who looked without finding it, and who could not look are all scanners, each once."""
    for one in merge(runs):
        assert sorted(run.scanner for run in runs) == sorted((*one.scanners, *one.not_found_by, *one.not_looked_by))


@few
@given(run_lists, st.lists(st.sampled_from(["clair", "trivy", "nobody"]), max_size=2))
def test_the_policy_shows_one_of_the_ratings(runs: list[ScannerRun], prefer: list[str]) -> None:
    """What is shown is what the policy chooses of the ratings, and says why; the highest stays known."""
    policy = SeverityPolicy(prefer=tuple(prefer))
    for one, plain in zip(
        sorted(merge(runs, policy), key=repr_of_place), sorted(merge(runs), key=repr_of_place), strict=True
    ):
        assert one.severity is policy.choose(one.ratings)
        assert one.severity in {rating.severity for rating in one.ratings}
        assert one.highest is plain.severity
        assert why_shown(policy, one.ratings)
    shown = [one.severity for one in merge(runs, policy)]
    assert sorted(shown, reverse=True) == shown


def repr_of_place(one: object) -> str:
    """Return what a vulnerability is told apart by."""
    return repr((one.id, one.package))  # type: ignore[attr-defined]


reports = st.builds(make_image_report, st.just(IMAGE) | st.just(evolve(IMAGE, media_type="x")), run_lists)


@settings(max_examples=at_most(15))
@given(reports, reports, reports)
def test_combining_is_associative_commutative_and_idempotent(
    one: ImageReport, two: ImageReport, three: ImageReport
) -> None:
    """Reports of one image give the same, in whatever order, grouping and number they are combined."""
    together = combine_reports([one, two, three])
    assert together == combine_reports([combine_reports([one, two]), three])
    assert together == combine_reports([one, combine_reports([two, three])])
    assert together == combine_reports([three, one, two, one])
    assert together == combine_reports([together])
    runs = [run for report in (one, two, three) for run in report.results]
    assert all(run in together.results for run in runs)
