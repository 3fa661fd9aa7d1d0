"""Which severity of a vulnerability is shown, where scanners differ."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen
from portus_images import strings

from .vulnerabilities import Rating
from .words import Severity

__all__ = ["SeverityPolicy"]


@frozen(kw_only=True)
class SeverityPolicy:
    """Which of the ratings of a vulnerability is shown and counts: a pure function of them.

    The first preferred scanner that found it, and gave a severity other than unknown, decides; of several ratings of
    its own, the highest. Where none of them did, the highest rating of all is shown.

    Attributes:
        prefer: Scanners by their names in the configuration, the most trusted first; without any, the highest is shown.
    """

    prefer: tuple[str, ...] = field(default=(), converter=strings)

    def choose(self, ratings: Iterable[Rating]) -> Severity:
        """Return the severity that is shown; `Severity.UNKNOWN` where there are no ratings."""
        ratings = tuple(ratings)
        decided = self._decide(ratings)
        return decided[1] if decided else _highest(ratings)

    def explain(self, ratings: Iterable[Rating]) -> str:
        """Return in words why that severity is shown; holds names of scanners, and no other foreign text."""
        ratings = tuple(ratings)
        decided = self._decide(ratings)
        if decided:
            return f"preferred: {decided[0]} says {decided[1].value}{self._passed_over(decided[0])}"
        shown = _highest(ratings)
        scanners = sorted({rating.scanner for rating in ratings if rating.severity is shown})
        who = f" of all ratings, by {', '.join(scanners)}" if scanners else ": there is no rating"
        why = f"no preferred scanner ({', '.join(self.prefer)}) says how bad it is; " if self.prefer else ""
        return f"{why}the highest{who}"

    def _decide(self, ratings: tuple[Rating, ...]) -> tuple[str, Severity] | None:
        """Return the preferred scanner that decides, and what it says."""
        for scanner in self.prefer:
            severity = _highest(rating for rating in ratings if rating.scanner == scanner)
            if severity is not Severity.UNKNOWN:
                return scanner, severity
        return None

    def _passed_over(self, scanner: str) -> str:
        before = self.prefer[: self.prefer.index(scanner)]
        return f"; {', '.join(before)} would go before, but did not say how bad it is" if before else ""


def _highest(ratings: Iterable[Rating]) -> Severity:
    return max((rating.severity for rating in ratings), default=Severity.UNKNOWN)
