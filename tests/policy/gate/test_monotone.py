"""Knowing more, or having looked less, never turns a failed gate into one that passes."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given, strategies as st
from portus_policy import GatePolicy, Treatment, check_gate
from portus_scanners import Finding, Outcome, ReportDocument, ScannerRun, Severity

from ..judged import NOW, SCANNERS, UNRESOLVED, document, documents, findings, run, run_lists

can_be_allowed = st.sampled_from([one for one in Outcome if one not in {Outcome.OK, Outcome.CANCELLED}])
limits = st.dictionaries(st.sampled_from(Severity), st.integers(0, 2), min_size=1, max_size=2)
policies = st.builds(
    GatePolicy,
    fail_on=limits,
    only_fixable=st.booleans(),
    min_agreement=st.integers(1, 3),
    new_only=st.booleans(),
    outcomes=st.dictionaries(can_be_allowed, st.sampled_from(Treatment), max_size=3),
    required=st.lists(st.sampled_from(SCANNERS), max_size=1).map(tuple),
    min_scanners=st.integers(0, 2),
)


def passes(found: ReportDocument, policy: GatePolicy, baseline: ReportDocument) -> bool:
    """Return whether the gate passes."""
    return check_gate(found, policy, baseline=baseline, now=NOW).passed


def with_findings(one: ScannerRun, *given: Finding) -> ScannerRun:
    """Return the run with these findings."""
    assert one.report is not None
    return evolve(one, report=evolve(one.report, findings=given))


@given(policies, run_lists, documents, findings, st.data())
def test_another_finding(
    policy: GatePolicy, runs: list[ScannerRun], baseline: ReportDocument, more: Finding, data: st.DataObject
) -> None:
    """Another finding never turns fail into pass."""
    with_report = [place for place, one in enumerate(runs) if one.report is not None]
    if not with_report:
        return
    place = data.draw(st.sampled_from(with_report))
    grown = list(runs)
    grown[place] = with_findings(runs[place], *runs[place].report.findings, more)  # type: ignore[union-attr]
    assert passes(document(*runs), policy, baseline) or not passes(document(*grown), policy, baseline)


@given(policies, run_lists, documents, st.sampled_from(Severity))
def test_a_higher_severity(
    policy: GatePolicy, runs: list[ScannerRun], baseline: ReportDocument, least: Severity
) -> None:
    """Raising severities never turns fail into pass."""
    raised = [
        one
        if one.report is None
        else with_findings(one, *(evolve(it, severity=max(it.severity, least)) for it in one.report.findings))
        for one in runs
    ]
    assert passes(document(*runs), policy, baseline) or not passes(document(*raised), policy, baseline)


@given(policies, run_lists, documents, st.sampled_from(SCANNERS), st.sampled_from(Outcome))
def test_a_scanner_that_fails(
    policy: GatePolicy, runs: list[ScannerRun], baseline: ReportDocument, scanner: str, outcome: Outcome
) -> None:
    """A scanner that ends otherwise than ok fails the gate, unless its outcome is allowed."""
    others = [one for one in runs if one.scanner != scanner]
    if outcome not in {Outcome.OK, *policy.allowed}:
        assert not passes(document(*others, run(scanner, outcome=outcome)), policy, baseline)


@given(policies, run_lists, documents, st.sampled_from(SCANNERS))
def test_a_required_scanner_that_is_missing(
    policy: GatePolicy, runs: list[ScannerRun], baseline: ReportDocument, scanner: str
) -> None:
    """Without a required scanner, and with fewer scanners than have to end ok, the gate fails."""
    left = [one for one in runs if one.scanner != scanner]
    assert not passes(document(*left), evolve(policy, required=(scanner,)), baseline)
    assert not passes(document(*left), evolve(policy, min_scanners=len(left) + 1), baseline)


@given(policies, documents, documents)
def test_what_was_not_scanned(policy: GatePolicy, found: ReportDocument, baseline: ReportDocument) -> None:
    """An image that could not be resolved fails, and so does one that no scanner was asked about."""
    assert not passes(evolve(found, errors=(UNRESOLVED,)), policy, baseline)
    assert not passes(evolve(found, reports=(*found.reports, *document().reports)), policy, baseline)


@given(policies, documents, documents)
def test_every_image_has_to_pass(policy: GatePolicy, found: ReportDocument, baseline: ReportDocument) -> None:
    """A document passes only where each of its images does alone."""
    alone = [passes(ReportDocument(reports=(one,)), policy, baseline) for one in found.reports]
    whole = bool(found.reports) and not found.errors and all(alone)
    assert whole == passes(found, policy, baseline)
