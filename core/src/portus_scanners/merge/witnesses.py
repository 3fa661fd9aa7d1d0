"""Who looked for vulnerabilities, and who could not."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from ..models import Outcome, ScannerRun


@frozen
class Witnesses:
    """The scanners of one image, by what a silence of theirs means."""

    looked: tuple[str, ...]
    """Who has a run that ended `ok`, sorted."""
    others: tuple[str, ...]
    """Who has none, sorted."""

    @classmethod
    def of(cls, runs: Iterable[ScannerRun]) -> Witnesses:
        """Return those of some runs, in any order."""
        runs = tuple(runs)
        looked = {run.scanner for run in runs if run.outcome is Outcome.OK}
        return cls(tuple(sorted(looked)), tuple(sorted({run.scanner for run in runs} - looked)))

    def not_found_by(self, scanners: Iterable[str]) -> tuple[str, ...]:
        """Return who looked and is not among those that found something."""
        return tuple(name for name in self.looked if name not in scanners)

    def not_looked_by(self, scanners: Iterable[str]) -> tuple[str, ...]:
        """Return who could not look at all, and is not among those that found something."""
        return tuple(name for name in self.others if name not in scanners)
