"""Findings that a script asks for."""

from __future__ import annotations

from hypothesis import given, strategies as st
from portus_scanner_dummy import ScriptedFinding, Step
from portus_scanner_dummy.findings import DEFAULT_FINDINGS, make_report
from portus_scanners import Finding, Package, Severity


def test_default_findings_are_those_of_portus():
    """Without a script: the three CVEs of Portus' own dummy, with their severities, a fix and a link."""
    findings = make_report(Step()).findings

    assert [
        ("CVE-2016-6304", Severity.HIGH, ("1.0.2i",)),
        ("CVE-2016-7052", Severity.MEDIUM, ("1.0.2j",)),
        ("CVE-2016-2178", Severity.LOW, ("1.0.2i",)),
    ] == [(finding.id, finding.severity, finding.fixed_by) for finding in findings]
    assert all(finding.id in finding.links[0] for finding in findings)
    assert all(finding.title and finding.description for finding in findings)


def test_every_member_of_a_scripted_finding_arrives():
    """Nothing that the script says of a finding is lost."""
    scripted = ScriptedFinding(
        id="X-1",
        aliases=("CVE-1", "CVE-2"),
        severity="Defcon1",
        package="bash",
        version="5.1",
        namespace="debian:12",
        fixed_by=("5.2",),
        links=("https://x.example/1",),
        title="T",
        description="D",
    )

    expected = Finding(
        id="X-1",
        aliases=("CVE-1", "CVE-2"),
        severity=Severity.DEFCON1,
        severity_label="Defcon1",
        package=Package("bash", "5.1", "debian:12"),
        fixed_by=("5.2",),
        links=("https://x.example/1",),
        title="T",
        description="D",
    )
    assert (expected,) == make_report(Step(findings=(scripted,))).findings


def test_unknown_severity_keeps_its_word():
    """An unknown word becomes the severity unknown, and is kept besides."""
    (finding,) = make_report(Step(findings=(ScriptedFinding(id="X", severity="purple"),))).findings

    assert (Severity.UNKNOWN, "purple") == (finding.severity, finding.severity_label)


def test_an_empty_list_is_not_the_default():
    """`findings: []` means none, only leaving it out means Portus' three."""
    assert () == make_report(Step(findings=())).findings


@given(count=st.integers(0, 300), scripted=st.none() | st.integers(0, 5))
def test_counts_add_up(count, scripted):
    """Scripted and generated findings are all there, each id once, the same in every run."""
    findings = None if scripted is None else tuple(ScriptedFinding(id=f"X-{number}") for number in range(scripted))
    step = Step(count=count, findings=findings)

    ids = [finding.id for finding in make_report(step).findings]

    expected = len(DEFAULT_FINDINGS) if scripted is None and not count else count + (scripted or 0)
    assert expected == len(set(ids)) == len(ids)
    assert make_report(step) == make_report(step)
