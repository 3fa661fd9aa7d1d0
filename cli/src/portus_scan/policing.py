"""The policies of one command: read before the scan, applied to its document after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import frozen
from portus_policy import Policies, Suppression, apply_policies, load_policies, load_suppressions
from portus_scanners import Outcome, ReportDocument, Settings

from .clock import now
from .exits import CommandFault, settings_faults
from .formats.gate_words import violation_words
from .policy_options import PolicyChoices


@frozen(kw_only=True)
class Policing:
    """What is asked of the document."""

    policies: Policies
    rules: tuple[Suppression, ...] | None = None
    """What takes vulnerabilities out of the gate; None where no file of rules is given."""
    baseline: ReportDocument | None = None
    """An earlier document to compare with."""

    @classmethod
    def prepare(cls, config: str | None, choices: PolicyChoices, baseline: ReportDocument | None) -> Policing:
        """Read the configuration's policies, and put what the options say in their place.

        Raises:
            CommandFault: Something is wrong with them, or there is nothing to compare with.
        """
        with settings_faults():
            policies = load_policies(config, gate=choices.gate, prefer=choices.prefer, sources=choices.sources)
            files: tuple[str | Path, ...] = (*policies.suppressions, *choices.suppressions_files)
            rules = load_suppressions(files) if files else None
        if policies.gate is not None and policies.gate.new_only and baseline is None:
            raise CommandFault(
                "only new vulnerabilities are to count (--new-only, or new_only: in the configuration), but there is "
                "nothing to compare with: give an earlier report with --baseline REPORT"
            )
        return cls(policies=policies, rules=rules, baseline=baseline)

    def check_scanners(self, settings: Settings) -> None:
        """Refuse required and preferred scanners that are not enabled.

        Args:
            settings: All that are enabled, not only those that are asked.

        Raises:
            CommandFault: Some is not, though others are.
        """
        names = [section.name for section in settings.enabled]
        if names:  # without any, how to enable one is said
            with settings_faults():
                self.policies.check_scanners(names)

    def apply(self, document: ReportDocument) -> ReportDocument:
        """Return the document as it is reported."""
        return apply_policies(document, self.policies, rules=self.rules, baseline=self.baseline, now=now())

    @property
    def allowed(self) -> frozenset[Outcome]:
        """The outcomes other than ok that the gate does not mind."""
        return self.policies.gate.allowed if self.policies.gate else frozenset()


def violation_lines(document: ReportDocument) -> Iterator[str]:
    """Yield a line for each rule of the gate that does not hold, for a user who does not see the table."""
    for violation in document.gate.violations if document.gate else ():
        yield f"gate: {violation_words(violation)}"
