"""Which vulnerabilities of an image count, and how much."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from ..diff.matching import VulnerabilityIndex, has_fix
from ..models import ImageReport, Outcome, Severity, Vulnerability
from .policy import CountedSeverity, GatePolicy

Count = Callable[[Vulnerability], bool]


@frozen
class Counting:
    """What of an image's vulnerabilities counts.

    Args:
        policy: The gate's.
        known: What the baseline has for this image; None where new ones are not told apart.
    """

    policy: GatePolicy
    known: VulnerabilityIndex | None

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
            and (self.known is None or self.known.find(one) is None)
        )


def _silent_scanners(report: ImageReport) -> frozenset[str]:
    """Return the scanners without a run that ended ok: nobody knows what they would have found."""
    asked = {run.scanner for run in report.results}
    return frozenset(asked - {run.scanner for run in report.results if run.outcome is Outcome.OK})
