"""What a walk reads of an image in its file of results: as much as it counts.

The members have the names that they have in an `ImageReport`, and of what is read the same is rejected: what is unknown
must not count as finished. Most of the time that a whole report takes goes into members at which only a policy looks.
"""

from __future__ import annotations

from typing import Any, cast

from attrs import field, frozen
from portus_images import nonempty_string
from portus_scanners import ImageReference, ImageReport, Outcome, ScannerRun, Severity, Verdict
from portus_scanners.merge import judge


@frozen(kw_only=True)
class CountedImage:
    """Which image it is."""

    reference: ImageReference
    digest: str = field(validator=nonempty_string)
    index_digest: str | None = None
    local: Any = None

    def __attrs_post_init__(self) -> None:
        """Reject an image that no walk has written, and whose reference has another meaning."""
        if self.local is not None:
            raise ValueError("it is a local image: no registry has it")


@frozen(kw_only=True)
class CountedAnswer:
    """What a scanner returned, as far as a verdict follows from it."""

    findings: tuple[Any, ...]
    complete: bool
    end_of_life: Any = None


@frozen(kw_only=True)
class CountedRun:
    """How a scanner's run ended."""

    scanner: str = field(validator=nonempty_string)
    outcome: Outcome
    report: CountedAnswer | None
    error: str | None = None

    def __attrs_post_init__(self) -> None:
        """Reject what a `ScannerRun` rejects: an outcome that the rest denies."""
        whole = self.outcome is Outcome.OK
        if self.report is None:
            fits = self.outcome not in {Outcome.OK, Outcome.INCOMPLETE}
        else:
            fits = self.report.complete is whole
        if not fits or (self.error is None) is not whole:
            raise ValueError(f"a run with this report and this error can't have ended {self.outcome.value}")


@frozen(kw_only=True)
class CountedVulnerability:
    """How severe a vulnerability is."""

    severity: Severity


@frozen(kw_only=True)
class CountedReport:
    """How one image ended."""

    image: CountedImage
    verdict: Verdict
    results: tuple[CountedRun, ...]
    vulnerabilities: tuple[CountedVulnerability, ...]

    def __attrs_post_init__(self) -> None:
        """Reject what says less than its runs."""
        verdict = judge(cast("tuple[ScannerRun, ...]", self.results))  # it looks at what a `CountedRun` has too
        if self.verdict is not verdict:
            raise ValueError(f"the verdict is {self.verdict.value}, but by the runs it is {verdict.value}")
        if verdict is Verdict.VULNERABLE and not self.vulnerabilities:
            raise ValueError("there are findings, but no vulnerabilities")


AnyReport = ImageReport | CountedReport
"""A report as a walk counts it: of this walk, or of the one that it goes on with."""
