"""Which severity of a vulnerability is shown, where scanners differ."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from .fields import texts
from .vulnerabilities import Rating
from .words import Severity

__all__ = ["SeverityPolicy"]


@frozen(kw_only=True)
class SeverityPolicy:
    """Which of the ratings of a vulnerability is shown: a pure function of them.

    The first preferred scanner that found it, and gave a severity other than unknown, decides; of several ratings of
    its own, the highest. Where none of them did, the highest rating of all is shown.
    """

    prefer: tuple[str, ...] = field(default=(), converter=texts)
    """Scanners by their names in the configuration, the most trusted first; without any, the highest is shown."""

    def choose(self, ratings: Iterable[Rating]) -> Severity:
        """Return the severity that is shown; `Severity.UNKNOWN` where there are no ratings."""
        ratings = tuple(ratings)
        for scanner in self.prefer:
            severity = _highest(rating for rating in ratings if rating.scanner == scanner)
            if severity is not Severity.UNKNOWN:
                return severity
        return _highest(ratings)


def _highest(ratings: Iterable[Rating]) -> Severity:
    return max((rating.severity for rating in ratings), default=Severity.UNKNOWN)
