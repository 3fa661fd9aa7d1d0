"""Which vulnerabilities of an image count, and how much."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from portus_scanners.models import ImageReport, Outcome, Severity, Vulnerability

from ..diff.matching import VulnerabilityIndex, has_fix
from .policy import CountedSeverity, GatePolicy


@frozen
class Counting:
    """What of an image's vulnerabilities counts.

    Args:
        policy: The gate's.
        known: What the baseline has for this image, or for each that may have been it; None where new ones are not
            told apart.
    """

    policy: GatePolicy
    known: Sequence[VulnerabilityIndex] | None

    def counted(self, report: ImageReport) -> list[Vulnerability]:
        """Return those that count, highest severity first; suppressed ones never do."""
        silent = _silent_scanners(report)
        counted = [one for one in report.vulnerabilities if self._counts(one, silent)]
        return sorted(counted, key=self.severity_of, reverse=True)

    def severity_of(self, vulnerability: Vulnerability) -> Severity:
        """Return the severity that is compared with the limits."""
        if self.policy.severity is CountedSeverity.SHOWN:
            return vulnerability.severity
        return vulnerability.highest

    def _counts(self, one: Vulnerability, silent: frozenset[str]) -> bool:
        policy = self.policy
        return (
            one.suppressed is None
            and (not policy.only_fixable or has_fix(one))
            and len(silent.union(one.scanners)) >= policy.min_agreement
            and not self._is_known(one)
        )

    def _is_known(self, one: Vulnerability) -> bool:
        """Return whether it is not new: every image that may have been this one has it."""
        return bool(self.known) and all(index.find(one) for index in self.known or ())


def _silent_scanners(report: ImageReport) -> frozenset[str]:
    """Return the scanners without a run that ended ok: nobody knows what they would have found."""
    asked = {run.scanner for run in report.results}
    return frozenset(asked - {run.scanner for run in report.results if run.outcome is Outcome.OK})
