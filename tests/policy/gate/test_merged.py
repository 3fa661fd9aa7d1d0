"""The gate counts what the merge makes of findings: names and packages that mean one thing count once."""

from __future__ import annotations

from portus_policy import GatePolicy, Treatment, check_gate
from portus_scanners import Finding, Outcome, Package, ReportDocument, Severity

from ..judged import IDS, NOW, document, finding, run

GHSA = "GHSA-aaaa-bbbb-cccc"
ADVISORY = "RHSA-2024:0001"
ONE = GatePolicy(fail_on={Severity.HIGH: 1}, outcomes={Outcome.FAILED: Treatment.ALLOW})
NEW = GatePolicy(fail_on=Severity.HIGH, new_only=True)
PACKAGE = Package("package-1", "1.0", "debian:12")


def here(name: str, *aliases: str) -> Finding:
    """Make a finding in one package."""
    return finding(name, aliases=aliases, package=PACKAGE)


def passes(found: ReportDocument, policy: GatePolicy = ONE, baseline: ReportDocument | None = None) -> bool:
    """Return whether the gate passes."""
    return check_gate(found, policy, baseline=baseline, now=NOW).passed


def test_two_names_count_once() -> None:
    """What one scanner calls by its CVE and another by an advisory counts once; two CVEs count twice."""
    assert passes(document(run("a", here(IDS[0])), run("b", here(GHSA, IDS[0]))))
    assert not passes(document(run("a", here(IDS[0])), run("b", here(IDS[1]))))


def test_binary_packages_count_once() -> None:
    """One vulnerability in two packages of one source counts once, whoever names the source."""
    binaries = [finding(package=Package(name, "1.0", "debian:12"), source_package=PACKAGE) for name in ("lib", "bin")]
    assert passes(document(run("a", here(IDS[0])), run("b", *binaries)))
    assert passes(document(run("a", outcome=Outcome.FAILED), run("b", *binaries)))


def test_a_baseline_by_another_name() -> None:
    """What the baseline has by another name is not new, nor is it where its source package is named now."""
    baseline = document(run("a", here(GHSA, IDS[0])))
    binary = finding(package=Package("lib", "2.0", "debian:13"), source_package=PACKAGE)
    assert passes(document(run("b", binary)), NEW, baseline)


def test_the_advisory_alone_does_not_make_it_known() -> None:
    """Another vulnerability of an advisory that the baseline knows is new: an advisory may be about several."""
    baseline = document(run("a", here(ADVISORY, IDS[0])))
    assert not passes(document(run("a", here(ADVISORY, IDS[1]))), NEW, baseline)
    assert passes(document(run("a", here(ADVISORY))), NEW, baseline)
