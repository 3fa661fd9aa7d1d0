"""What one scanner returns, and how its run ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from itertools import chain, groupby
from operator import attrgetter, eq

from attrs import Attribute, field, frozen
from attrs.validators import ge, instance_of, optional
from portus_images import BOOLEAN, STRING, all_of, nonempty_string, strings

from .findings import Finding
from .words import Severity

__all__ = [
    "Outcome",
    "ScannerReport",
    "ScannerRun",
]


class Outcome(Enum):
    """How one scanner's run on one image ended."""

    OK = "ok"
    """All of the image was seen."""
    INCOMPLETE = "incomplete"
    """There are findings, but not all was seen."""
    UNSUPPORTED = "unsupported"
    """The backend can't read such an image."""
    PENDING = "pending"
    """The backend said that it was still working when the time was up."""
    TIMED_OUT = "timed_out"
    """Nothing was heard of the backend before the time was up."""
    FAILED = "failed"
    """An error; `ScannerRun.error` says which."""
    CANCELLED = "cancelled"
    """Stopped on request."""


_ID = attrgetter("id")


def _place(finding: Finding) -> tuple[str, str, str, str]:
    package = finding.package
    return package.name, package.version, package.namespace, finding.path


def _sorted_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    by_severity: dict[Severity, list[Finding]] = {severity: [] for severity in reversed(Severity)}
    for finding in all_of(Finding, findings):
        by_severity[finding.severity].append(finding)
    return tuple(chain.from_iterable(map(_sorted_by_id, by_severity.values())))


def _sorted_by_id(findings: list[Finding]) -> Iterable[Finding]:
    """Sort by id, then by place: of the few that share an id, so that no other key is looked at."""
    findings.sort(key=_ID)
    ids = list(map(_ID, findings))
    if not any(map(eq, ids, ids[1:])):
        return findings
    return chain.from_iterable(sorted(same, key=_place) for _, same in groupby(findings, key=_ID))


@frozen(kw_only=True)
class ScannerReport:
    """What a scanner returns for one image.

    Attributes:
        findings: By severity, highest first, then by id and package.
        complete: False when not all of the image was seen, or not all of the answer could be read.
        notes: What a reader must know in order to trust the findings: one sentence each.
        database_updated: When the vulnerability data was last updated, where the backend says.
    """

    findings: tuple[Finding, ...] = field(default=(), converter=_sorted_findings)
    complete: bool = field(default=True, validator=BOOLEAN)
    notes: tuple[str, ...] = field(default=(), converter=strings)
    scanner_version: str = field(default="", validator=STRING)
    database_version: str = field(default="", validator=STRING)
    database_updated: datetime | None = field(default=None, validator=optional(instance_of(datetime)))


@frozen(kw_only=True)
class ScannerRun:
    """The engine's record of one scanner on one image.

    Attributes:
        scanner: The name in the configuration; two instances of one plugin have two names.
        plugin: The name of the entry point.
        error: Why the outcome is what it is; None when it is `OK`.
        report: Always there when the outcome is `OK` or `INCOMPLETE`; with the others, what was found so far.
        started: When the scanner got its slot (UTC); None if it never did.
        waited: Seconds until it got its slot.
        elapsed: Seconds from then to the end.
        attempts: How often the scan was begun: more than once when the backend was unavailable.
    """

    scanner: str = field(validator=nonempty_string)
    plugin: str = field(validator=nonempty_string)
    outcome: Outcome
    error: str | None = field(default=None)
    report: ScannerReport | None = field(default=None)
    started: datetime | None = None
    waited: float = field(default=0.0, validator=ge(0))
    elapsed: float = field(default=0.0, validator=ge(0))
    attempts: int = field(default=0, validator=ge(0))

    @report.validator
    def _fits_outcome(self, _attribute: Attribute[ScannerReport | None], report: ScannerReport | None) -> None:
        if self.outcome in {Outcome.OK, Outcome.INCOMPLETE} and report is None:
            msg = f"a run that ended {self.outcome.value} has a report"
            raise ValueError(msg)
        if report is not None and report.complete != (self.outcome is Outcome.OK):
            msg = f"a run that ended {self.outcome.value} can't have a report with complete={report.complete}"
            raise ValueError(msg)

    @error.validator
    def _says_why(self, _attribute: Attribute[str | None], error: str | None) -> None:
        if (error is None) != (self.outcome is Outcome.OK):
            msg = f"a run that ended {self.outcome.value} can't have error={error!r}"
            raise ValueError(msg)
