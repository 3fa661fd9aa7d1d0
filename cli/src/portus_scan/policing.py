"""The policies of one command: read before the scan, applied to its document after it."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen
from portus_scanners import Outcome, Policies, ReportDocument, Settings, apply_policies, load_policies

from .clock import now
from .faults import CommandFault, settings_faults
from .formats.gate_words import violation_words
from .policy_options import PolicyChoices
from .terminal import say


@frozen(kw_only=True)
class Policing:
    """What is asked of the document."""

    policies: Policies
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
        if policies.gate is not None and policies.gate.new_only and baseline is None:
            raise CommandFault(
                "only new vulnerabilities are to count (--new-only, or new_only: in the configuration), but there is "
                "nothing to compare with: give an earlier report with --baseline REPORT"
            )
        return cls(policies=policies, baseline=baseline)

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
        return apply_policies(document, self.policies, baseline=self.baseline, now=now())

    @property
    def allowed(self) -> frozenset[Outcome]:
        """The outcomes other than ok that the gate does not mind."""
        return self.policies.gate.allowed if self.policies.gate else frozenset()


def say_violations(document: ReportDocument) -> None:
    """Say on stderr what does not hold, one line each."""
    for line in _lines(document):
        say(line)


def _lines(document: ReportDocument) -> Iterable[str]:
    return (f"gate: {violation_words(one)}" for one in (document.gate.violations if document.gate else ()))
