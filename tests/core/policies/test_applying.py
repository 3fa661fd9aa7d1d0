"""Policies and a document -> the document as it is reported."""

from __future__ import annotations

import pytest
from attrs import evolve
from portus_scanners import (
    GatePolicy,
    GateResult,
    Policies,
    Severity,
    SeverityPolicy,
    apply_policies,
    dump_document,
    load_document,
)

from ..judged import NOW, document, finding, run

FOUND = document(run("a", finding(severity=Severity.LOW)), run("b", finding(severity=Severity.HIGH)))


def test_nothing_is_asked() -> None:
    """Without policies the document stays as it is; a result of an earlier gate is not kept."""
    judged = evolve(FOUND, gate=GateResult(passed=True))
    assert FOUND == apply_policies(judged, Policies(), now=NOW)


@pytest.mark.parametrize(
    ("policy", "shown"), [(SeverityPolicy(prefer=("a",)), Severity.LOW), (SeverityPolicy(), Severity.HIGH)]
)
def test_severity(policy: SeverityPolicy, shown: Severity) -> None:
    """Vulnerabilities are merged anew, whatever was preferred before; the highest stays known."""
    before = apply_policies(FOUND, Policies(severity=SeverityPolicy(prefer=("b",))), now=NOW)
    (vulnerability,) = apply_policies(before, Policies(severity=policy), now=NOW).reports[0].vulnerabilities
    assert (shown, Severity.HIGH) == (vulnerability.severity, vulnerability.highest)


def test_gate() -> None:
    """The document has the gate's result, and keeps it as JSON; a preferred severity does not soften it."""
    policies = Policies(gate=GatePolicy(fail_on=Severity.HIGH), severity=SeverityPolicy(prefer=("a",)))
    judged = apply_policies(FOUND, policies, now=NOW)
    assert judged.gate is not None
    assert (False, judged) == (judged.gate.passed, load_document(dump_document(judged)))


def test_baseline() -> None:
    """The gate is given the baseline."""
    policies = Policies(gate=GatePolicy(fail_on=Severity.HIGH, new_only=True))
    judged = apply_policies(FOUND, policies, baseline=FOUND, now=NOW)
    assert judged.gate is not None
    assert judged.gate.passed
