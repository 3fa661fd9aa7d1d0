"""The policy of a whole registry, applied image by image."""

from __future__ import annotations

from portus_policy import GatePolicy, Policy, Suppression
from portus_scan.policy import CommandPolicy, WalkPolicy
from portus_scanners import Outcome, Severity

from ..documents import make_finding, make_report, make_run

RULE = Suppression(rule="rules.yml:2", reason="not reachable", ids=("CVE-2099-1",))
POLICY = CommandPolicy(Policy(gate=GatePolicy(fail_on=Severity.CRITICAL), suppressions=(RULE,)))


def test_no_image_at_all() -> None:
    """Where there is no image nothing passes, and no rule fits anything: as for a document that has none."""
    summed = WalkPolicy(POLICY).sum_up()
    assert summed.gate is not None
    assert ["there is no image in this report"] == [one.message for one in summed.gate.violations]
    assert (False, ["rules.yml:2"]) == (summed.gate.passed, [one.rule for one in summed.unused_rules])


def test_an_image_that_passes() -> None:
    """The gate's result for all images is that of each; a rule that fits none is named."""
    policy = WalkPolicy(POLICY)
    policy.judge(make_report(make_run("clair", Outcome.OK, make_finding())))
    summed = policy.sum_up()
    assert summed.gate is not None
    assert (True, ["rules.yml:2"]) == (summed.gate.passed, [one.rule for one in summed.unused_rules])
