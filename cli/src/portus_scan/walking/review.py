"""Policies applied to one image after another: suppressions, severities, the gate. What it keeps does not grow."""

from __future__ import annotations

from attrs import define, evolve, field
from portus_policy import GateResult, GateViolation, UnusedRule
from portus_scanners import ImageReport, ReportDocument, UnresolvedImage

from ..policing import Policing

MOST_VIOLATIONS = 1000
"""Violations that are kept of all images together."""


@define
class Review:
    """The policies of a walk, and what came of them so far.

    An image is judged as a document of its own: the gate's rules are about single images.
    """

    policing: Policing
    _unused: dict[str, UnusedRule] | None = field(default=None, init=False)
    _violations: list[GateViolation] = field(factory=list, init=False)
    _left_out: int = field(default=0, init=False)
    _rules: tuple[str, ...] = field(default=(), init=False)

    def judge(self, end: ImageReport | UnresolvedImage) -> ReportDocument:
        """Return the document of one image as it is reported."""
        alone = ReportDocument(reports=(end,)) if isinstance(end, ImageReport) else ReportDocument(errors=(end,))
        judged = self.policing.apply(alone)
        unused = {one.rule: one for one in judged.unused_rules}
        if self._unused is not None:
            unused = {rule: one for rule, one in self._unused.items() if rule in unused}
        self._unused = unused
        if judged.gate is not None:
            self._note(judged.gate)
        return judged

    def sum_up(self) -> ReportDocument:
        """Return the document of all images, without these: the rules that fit none, and the gate."""
        if self._unused is None:  # there was no image: nothing has passed
            return self.policing.apply(ReportDocument())
        return ReportDocument(unused_rules=tuple(self._unused.values()), gate=self._gate())

    def _note(self, gate: GateResult) -> None:
        self._rules = gate.rules
        room = MOST_VIOLATIONS - len(self._violations)
        self._violations.extend(gate.violations[:room])
        self._left_out += len(gate.violations[room:])

    def _gate(self) -> GateResult | None:
        if self.policing.policies.gate is None:
            return None
        violations = tuple(self._violations)
        if self._left_out:
            more = evolve(violations[-1], reference="", message=f"{self._left_out} more violations", vulnerabilities=())
            violations += (more,)
        return GateResult(passed=not violations, rules=self._rules, violations=violations)
