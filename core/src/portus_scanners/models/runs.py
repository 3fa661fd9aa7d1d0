"""What one scanner returns, and how its run ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from itertools import chain, groupby
from operator import attrgetter, eq

from attrs import Attribute, field, frozen
from attrs.validators import ge, optional
from portus_images import BOOLEAN, STRING, all_of, exactly, moment_or_utc, nonempty_string, strings

from .findings import HIGHEST_FIRST, Finding, Severity


class Outcome(Enum):
    """How one scanner's run on one image ended."""

    OK = "ok"
    """The scanner looked at all of the image."""
    INCOMPLETE = "incomplete"
    """There is a report, but the scanner did not look at all of the image."""
    UNSUPPORTED = "unsupported"
    """The backend can't read an image of this kind."""
    PENDING = "pending"
    """When the time was up, the backend was still working: its last answer said so."""
    TIMED_OUT = "timed_out"
    """When the time was up, the backend had not answered."""
    FAILED = "failed"
    """There was an error: `ScannerRun.error`."""
    CANCELLED = "cancelled"
    """Stopped on request."""


_ID = attrgetter("id")


def _place(finding: Finding) -> tuple[str, str, str, str]:
    package = finding.package
    return package.name, package.version, package.namespace, finding.path


def _sorted_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    by_severity: dict[Severity, list[Finding]] = {one: [] for one in HIGHEST_FIRST}  # no other: none may be left out
    for finding in all_of(Finding, findings):
        by_severity[finding.severity].append(finding)
    return tuple(chain.from_iterable(map(_sorted_by_id, filter(None, by_severity.values()))))


def _sorted_by_id(findings: list[Finding]) -> Iterable[Finding]:
    """Sort by id, and by place only the few findings that share an id: other keys are never compared."""
    findings.sort(key=_ID)
    ids = list(map(_ID, findings))
    if not any(map(eq, ids, ids[1:])):
        return findings
    return chain.from_iterable(sorted(same, key=_place) for _, same in groupby(findings, key=_ID))


@frozen(kw_only=True)
class EndOfLife:
    """The support of an image's distribution has ended: nobody looks for vulnerabilities in its packages any longer.

    Attributes:
        source: Who says so: ``Trivy 0.76.0``.
        distribution: The distribution and its release: ``ubuntu 15.04``; empty where the source does not say.
    """

    source: str = field(validator=nonempty_string)
    distribution: str = field(default="", validator=STRING)

    @property
    def sentence(self) -> str:
        """The statement in one sentence; its names are the source's, and as hostile as those of a finding."""
        return f"the support of {self.distribution or 'the distribution'} has ended, says {self.source}"


@frozen(kw_only=True)
class Database:
    """The vulnerability data that a scanner answers from.

    Attributes:
        identity: Changes whenever the data does: ``2 2026-11-29T06:12:00Z``. The number of a schema alone is none.
        updated: When the data was last updated, with a time zone; None where nobody says.
    """

    identity: str = field(validator=nonempty_string)
    updated: datetime | None = field(default=None, converter=moment_or_utc)


@frozen(kw_only=True)
class ScannerReport:
    """What a scanner returns for one image.

    Attributes:
        findings: What was found, sorted by severity (highest first), then by id and package.
        complete: False if not all of the image was looked at, or not all of the answer could be read.
        notes: What a reader must know in order to trust the findings, one sentence each.
        scanner_version: Version of the backend; empty where it does not say.
        database: The vulnerability data that this was found with; None where the backend does not say.
        end_of_life: That the support of the image's distribution has ended, and who says so; None where the backend
            does not say that. Such an image is never clean, though the run may have ended `OK`.
    """

    findings: tuple[Finding, ...] = field(default=(), converter=_sorted_findings)
    complete: bool = field(default=True, validator=BOOLEAN)
    notes: tuple[str, ...] = field(default=(), converter=strings)
    scanner_version: str = field(default="", validator=STRING)
    database: Database | None = field(default=None, validator=optional(exactly(Database)))
    end_of_life: EndOfLife | None = field(default=None, validator=optional(exactly(EndOfLife)))


@frozen(kw_only=True)
class ScannerRun:
    """The engine's record of one scanner on one image.

    Attributes:
        scanner: The scanner's name in the configuration; two instances of one plugin have two names.
        plugin: The name of the plugin's entry point.
        outcome: How the run ended.
        error: Why it ended like this, in one line; None if the outcome is `OK`.
        report: What the scanner returned; never None if the outcome is `OK` or `INCOMPLETE`. For other outcomes it is
            what was found so far, or None.
        started: When the scanner got its slot (UTC); None if it never did.
        waited: Seconds until the scanner got its slot.
        elapsed: Seconds from then to the end.
        attempts: How often the scan was begun: more than once if the backend was unavailable.
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
            raise ValueError(f"a run that ended {self.outcome.value} has a report")
        if report is not None and report.complete != (self.outcome is Outcome.OK):
            msg = f"a run that ended {self.outcome.value} can't have a report with complete={report.complete}"
            raise ValueError(msg)

    @error.validator
    def _says_why(self, _attribute: Attribute[str | None], error: str | None) -> None:
        if (error is None) != (self.outcome is Outcome.OK):
            raise ValueError(f"a run that ended {self.outcome.value} can't have error={error!r}")
