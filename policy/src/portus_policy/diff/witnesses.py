"""Whose silence means something: scanners that have looked at all of an image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen
from portus_scanners.models import ImageReport, Outcome, Vulnerability

_NOT_ASKED = "was not asked"


@frozen
class Witnesses:
    """The scanners of one image, in two documents."""

    old: dict[str, str]
    """What became of each in the old document, in words."""
    new: dict[str, str]
    old_ok: frozenset[str]
    """Who has looked at all of the old image."""
    new_ok: frozenset[str]

    @classmethod
    def of(cls, old: ImageReport, new: ImageReport) -> Witnesses:
        """Return those of two reports."""
        return cls(_endings(old), _endings(new), _ended_ok(old), _ended_ok(new))

    @property
    def both_ok(self) -> frozenset[str]:
        """Who has looked at all of both."""
        return self.old_ok & self.new_ok

    def doubtful(self) -> Iterator[tuple[str, str]]:
        """Yield each scanner that did not look at all of both, by name, with what became of it."""
        for name in sorted({*self.old, *self.new} - self.both_ok):
            old, new = self.old.get(name, _NOT_ASKED), self.new.get(name, _NOT_ASKED)
            yield name, f"it {old} both times" if old == new else f"it {old} in the old report and {new} in the new one"


def is_certain(vulnerability: Vulnerability, looked: Iterable[str]) -> bool:
    """Return whether a scanner that knows a vulnerability would have seen it in the document that does not have it."""
    return not set(vulnerability.scanners).isdisjoint(looked)


def _ended_ok(report: ImageReport) -> frozenset[str]:
    return frozenset(run.scanner for run in report.results if run.outcome is Outcome.OK)


def _endings(report: ImageReport) -> dict[str, str]:
    """Return how each scanner ended; of several runs of one, ok where one did."""
    endings = {run.scanner: f"ended {run.outcome.value}" for run in report.results}
    return endings | dict.fromkeys(_ended_ok(report), "ended ok")
