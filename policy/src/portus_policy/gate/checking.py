"""The gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from attrs import evolve
from portus_images import Image, one_line
from portus_scanners.models import GateResult, GateViolation, ImageReport, ReportDocument

from ..diff.images import BaselineImages
from .ages import check_ages
from .counting import Counting
from .fail_on import check_agreement, check_vulnerabilities
from .policy import GatePolicy
from .rules import rules_in_force
from .scanners import check_runs


def check_gate(
    document: ReportDocument, policy: GatePolicy, *, baseline: ReportDocument | None = None, now: datetime
) -> GateResult:
    """Judge a document by a policy.

    Args:
        document: The reports, with their suppressions applied.
        policy: What they have to fulfil.
        baseline: An earlier document, for `GatePolicy.new_only`; not looked at otherwise.
        now: The time, with its zone, that the age of vulnerability data is measured from.

    Returns:
        Whether all rules hold, the rules in words, and one violation for each image and rule that does not: those of
        images that could not be resolved first, then image by image in the order of the document.

    Raises:
        ValueError: `GatePolicy.new_only` is set and there is no baseline, or *now* has no time zone.
    """
    if policy.new_only and baseline is None:
        raise ValueError("new_only compares with an earlier report: give one as the baseline")
    if now.tzinfo is None:
        raise ValueError("now must be a time with a time zone")
    known = BaselineImages.of(baseline) if policy.new_only and baseline is not None else None
    violations = tuple(_violations(document, policy, known, now))
    return GateResult(passed=not violations, rules=tuple(rules_in_force(policy)), violations=violations)


def _violations(
    document: ReportDocument, policy: GatePolicy, known: BaselineImages | None, now: datetime
) -> Iterator[GateViolation]:
    for error in document.errors:
        message = f"it was not scanned: {one_line(error.message)}"
        yield GateViolation(rule="scanned", message=message, reference=error.reference)
    if not document.reports and not document.errors:
        yield GateViolation(rule="scanned", message="there is no image in this report")
    times = Counter(report.image.reference.text for report in document.reports)
    for report in document.reports:
        found = _of_image(report, policy, known, now)
        yield from found if times[report.image.reference.text] == 1 else _with_platform(report.image, found)


def _of_image(
    report: ImageReport, policy: GatePolicy, known: BaselineImages | None, now: datetime
) -> Iterator[GateViolation]:
    yield from check_runs(report, policy)
    counting = Counting(policy, None if known is None else known.earlier(report.image))
    checks = (check_agreement(report, policy), check_vulnerabilities(report, counting), check_ages(report, policy, now))
    yield from (violation for violation in checks if violation is not None)


def _with_platform(image: Image, violations: Iterator[GateViolation]) -> Iterator[GateViolation]:
    """Say which image is meant, where several have the same reference."""
    platform = one_line(str(image.platform)) if image.platform else "no platform"
    return (evolve(one, message=f"{platform}: {one.message}") for one in violations)
