"""The policy of a command: what its options and the configuration ask for, and how it is applied.

Where nobody asks for anything, no module of the policy's own distribution is imported.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from .exits import CommandFault

if TYPE_CHECKING:
    from portus_policy import GateResult, GateViolation, Policy, UnusedRule
    from portus_scanners import ImageReport, Outcome, ReportDocument, Settings, UnresolvedImage

    from .options import PolicyChoices

MOST_VIOLATIONS = 1000
"""Violations that are kept of all images of a walk together."""


class CommandPolicy(NamedTuple):
    """The policy of one command: read before the scan, applied to its document after it."""

    policy: Policy | None
    """None where neither an option nor a configuration asks for anything."""
    baseline: ReportDocument | None = None
    """An earlier document to compare with."""

    @classmethod
    def read(cls, config: str | None, choices: PolicyChoices, baseline: ReportDocument | None) -> CommandPolicy:
        """Read what the configuration asks for, and put what the options say in its place, key by key.

        Raises:
            CommandFault: There is nothing to compare with.
            SettingsError: Something is wrong with it.
        """
        keys = tuple(choices.gate_keys())
        if config is None and not (keys or choices.prefer or choices.suppressions_files):
            return cls(None, baseline)
        from portus_policy import load_policy

        policy = load_policy(
            config,
            gate={key: value for key, value, _ in keys},
            prefer=choices.prefer,
            suppressions=choices.suppressions_files,
            sources={key: option for key, _, option in keys},
        )
        if policy.gate is not None and policy.gate.new_only and baseline is None:
            raise CommandFault(
                "only new vulnerabilities are to count (--new-only, or new_only: in the configuration), but there is "
                "nothing to compare with: give an earlier report with --baseline REPORT"
            )
        return cls(policy, baseline)

    def check_scanners(self, settings: Settings) -> None:
        """Reject required and preferred scanners that are not enabled.

        Args:
            settings: All that are enabled, not only those that are asked.

        Raises:
            SettingsError: Some scanner is not enabled, though others are.
        """
        if self.policy is None:
            return
        names = [section.name for section in settings.enabled]
        if names:  # without any, the command says how to enable one
            self.policy.check_scanners(names)

    def apply(self, document: ReportDocument) -> ReportDocument:
        """Return the document as it is reported."""
        if self.policy is None:
            return document
        from portus_policy import apply_policy

        now = datetime.now(UTC).replace(microsecond=0)
        return apply_policy(document, self.policy, baseline=self.baseline, now=now)

    @property
    def allowed(self) -> frozenset[Outcome]:
        """The outcomes other than ok that do not fail the gate."""
        return self.policy.gate.allowed if self.policy and self.policy.gate else frozenset()


class WalkPolicy:
    """The policy of a walk, applied to one image after another, and what came of it so far; that does not grow.

    An image is judged as a document of its own: the gate's rules are about single images.

    Args:
        policy: What the command asks for.
    """

    def __init__(self, policy: CommandPolicy) -> None:
        self._policy = policy
        self._unused: dict[str, UnusedRule] | None = None
        self._violations: list[GateViolation] = []
        self._left_out = 0
        self._rules: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether anything is asked of the images; without, none is changed."""
        policy = self._policy.policy
        return policy is not None and (policy.severity, policy.gate, policy.suppressions) != (None, None, None)

    @property
    def allowed(self) -> frozenset[Outcome]:
        """The outcomes other than ok that do not fail the gate."""
        return self._policy.allowed

    def judge(self, end: ImageReport | UnresolvedImage) -> ReportDocument:
        """Return the document of one image as it is reported."""
        from portus_scanners import ImageReport, ReportDocument

        alone = ReportDocument(reports=(end,)) if isinstance(end, ImageReport) else ReportDocument(errors=(end,))
        judged = self._policy.apply(alone)
        unused = {one.rule: one for one in judged.unused_rules}
        if self._unused is not None:
            unused = {rule: one for rule, one in self._unused.items() if rule in unused}
        self._unused = unused
        if judged.gate is not None:
            self._note(judged.gate)
        return judged

    def sum_up(self) -> ReportDocument:
        """Return the document of all images, without these: the rules that fit none, and the gate."""
        from portus_scanners import ReportDocument

        if self._unused is None:  # there was no image: nothing has passed
            return self._policy.apply(ReportDocument())
        return ReportDocument(unused_rules=tuple(self._unused.values()), gate=self._gate())

    def _note(self, gate: GateResult) -> None:
        self._rules = gate.rules
        room = MOST_VIOLATIONS - len(self._violations)
        self._violations.extend(gate.violations[:room])
        self._left_out += len(gate.violations[room:])

    def _gate(self) -> GateResult | None:
        from attrs import evolve
        from portus_policy import GateResult

        if self._policy.policy is None or self._policy.policy.gate is None:
            return None
        violations = tuple(self._violations)
        if self._left_out:
            more = evolve(violations[-1], reference="", message=f"{self._left_out} more violations", vulnerabilities=())
            violations += (more,)
        return GateResult(passed=not violations, rules=self._rules, violations=violations)
