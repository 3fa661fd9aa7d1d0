"""A document and a policy -> the document as it is reported."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from attrs import evolve
from portus_policy import GatePolicy, GateResult, Policy, Suppression, UnusedRule, apply_policy
from portus_scanners import Severity, SeverityPolicy, dump_document, load_document

from .judged import NOW, document, finding, run

FOUND = document(run("a", finding(severity=Severity.LOW)), run("b", finding(severity=Severity.HIGH)))


def test_nothing_is_asked() -> None:
    """Without a policy the document stays as it is, an earlier gate's result included."""
    judged = evolve(FOUND, gate=GateResult(passed=True))
    assert judged == apply_policy(judged, Policy(), now=NOW)


RULE = Suppression(rule="s.yml:1", reason="why", ids=("CVE-2024-0001",))


@pytest.mark.parametrize(
    "policy", [Policy(severity=SeverityPolicy(prefer=("a",)), suppressions=()), Policy(suppressions=(RULE,))]
)
def test_an_earlier_gate_does_not_outlive_what_it_judged(policy: Policy) -> None:
    """With other severities or other marks its result would be about another document."""
    judged = evolve(FOUND, gate=GateResult(passed=True))
    assert apply_policy(judged, policy, now=NOW).gate is None


def test_suppressed_vulnerabilities_do_not_count_for_the_gate() -> None:
    """They stay in the report with their mark, which a severity policy does not take away either."""
    policy = Policy(gate=GatePolicy(fail_on=Severity.UNKNOWN), suppressions=(RULE,))
    judged = apply_policy(FOUND, policy, now=NOW)
    assert judged.gate is not None
    assert judged.gate.passed
    again = apply_policy(judged, Policy(severity=SeverityPolicy(prefer=("a",))), now=NOW)
    assert ["s.yml:1"] == [one.suppressed.rule for one in again.reports[0].vulnerabilities if one.suppressed]


def test_rules_that_are_gone_leave_no_marks() -> None:
    """A file of rules that no longer has any takes away what it suppressed before; no file at all does not."""
    marked = apply_policy(FOUND, Policy(suppressions=(RULE,)), now=NOW)
    assert marked == apply_policy(marked, Policy(), now=NOW)
    assert FOUND == apply_policy(marked, Policy(suppressions=()), now=NOW)


def test_the_gate_does_not_believe_an_expired_mark() -> None:
    """Without rules the marks of an earlier report stand through their last day; then the gate counts what they hid."""
    last = date(2026, 1, 30)
    ending = Policy(suppressions=(evolve(RULE, until=last),))
    marked = apply_policy(FOUND, ending, now=NOW - timedelta(days=1))
    assert marked == apply_policy(marked, Policy(), now=NOW)
    gate = Policy(gate=GatePolicy(fail_on=Severity.HIGH))
    results = [apply_policy(marked, gate, now=NOW - timedelta(days=days)) for days in (0, 1)]
    assert [False, True] == [result.gate.passed for result in results if result.gate]
    message = "expired after 2026-01-30; suppressed CVE-2024-0001"
    assert (UnusedRule(rule="s.yml:1", expired=True, message=message),) == results[0].unused_rules
    assert [None] == [one.suppressed for one in results[0].reports[0].vulnerabilities]


@pytest.mark.parametrize(
    ("policy", "shown"), [(SeverityPolicy(prefer=("a",)), Severity.LOW), (SeverityPolicy(), Severity.HIGH)]
)
def test_severity(policy: SeverityPolicy, shown: Severity) -> None:
    """Vulnerabilities are merged anew, whatever was preferred before; the highest stays known."""
    before = apply_policy(FOUND, Policy(severity=SeverityPolicy(prefer=("b",))), now=NOW)
    (vulnerability,) = apply_policy(before, Policy(severity=policy), now=NOW).reports[0].vulnerabilities
    assert (shown, Severity.HIGH) == (vulnerability.severity, vulnerability.highest)


def test_gate() -> None:
    """The document has the gate's result, and keeps it as JSON; a preferred severity does not soften it."""
    policy = Policy(gate=GatePolicy(fail_on=Severity.HIGH), severity=SeverityPolicy(prefer=("a",)))
    judged = apply_policy(FOUND, policy, now=NOW)
    assert judged.gate is not None
    assert (False, judged) == (judged.gate.passed, load_document(dump_document(judged)))


def test_baseline() -> None:
    """The gate is given the baseline."""
    policy = Policy(gate=GatePolicy(fail_on=Severity.HIGH, new_only=True))
    judged = apply_policy(FOUND, policy, baseline=FOUND, now=NOW)
    assert judged.gate is not None
    assert judged.gate.passed
