"""The exit code of a walk is that of a scan of the same images with the same options."""

from __future__ import annotations

from typing import Any

from hypothesis import given, strategies as st
from portus_policy import GatePolicy, Policy, Treatment
from portus_scan.exits import ExitCode, judge_document, look_at
from portus_scan.policy import CommandPolicy, WalkPolicy
from portus_scan.walking import Tally
from portus_scanners import Outcome, ReportDocument, UnresolvedImage

from ..documents import UNRESOLVED, make_image, make_report, make_run

RUNS = st.lists(st.sampled_from(Outcome), max_size=2)
ENDS = st.lists(st.none() | RUNS, max_size=4)
ALLOWED = st.sets(st.sampled_from([one for one in Outcome if one not in {Outcome.OK, Outcome.CANCELLED}]))


def make_end(outcomes: list[Outcome] | None, number: int) -> Any:
    """Return how one image ended; None: it could not be resolved."""
    if outcomes is None:
        return UNRESOLVED
    runs = [make_run(f"scanner{place}", outcome) for place, outcome in enumerate(outcomes)]
    return make_report(*runs, image=make_image(f"registry.example/app:{number}"))


def judge_walk(ends: list[Any], policy: CommandPolicy) -> ExitCode:
    """Judge images as a walk does: one after another."""
    walked, tally = WalkPolicy(policy), Tally()
    for end in ends:
        tally.add(end, look_at(walked.judge(end), policy.allowed))
    gate = walked.sum_up().gate
    return tally.judge(listed=True, passed=gate is None or gate.passed)


@given(ENDS, ALLOWED, st.booleans())
def test_a_walk_ends_as_a_scan_of_its_images(
    outcomes: list[list[Outcome] | None], allowed: set[Outcome], gate: bool
) -> None:
    """Whatever each image ended with: what the policy allows is allowed in both."""
    ends = [make_end(one, number) for number, one in enumerate(outcomes)]
    policy = CommandPolicy(Policy(gate=GatePolicy(outcomes=dict.fromkeys(allowed, Treatment.ALLOW))) if gate else None)
    errors = tuple(end for end in ends if isinstance(end, UnresolvedImage))
    document = ReportDocument(reports=tuple(end for end in ends if end not in errors), errors=errors)
    assert judge_document(policy.apply(document), policy.allowed) == judge_walk(ends, policy)
