"""The gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from ..diff.images import BaselineImages
from ..models import GateResult, GateViolation, ImageReport, ReportDocument
from ..text import one_line
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
        name = report.image.reference.text
        yield from _of_image(report, name if times[name] == 1 else _long_name(report), policy, known, now)


def _of_image(
    report: ImageReport, name: str, policy: GatePolicy, known: BaselineImages | None, now: datetime
) -> Iterator[GateViolation]:
    yield from check_runs(report, name, policy)
    counting = Counting(policy, None if known is None else known.vulnerabilities(report.image))
    checks = (
        check_agreement(report, name, policy),
        check_vulnerabilities(report, name, counting),
        check_ages(report, name, policy, now),
    )
    yield from (violation for violation in checks if violation is not None)


def _long_name(report: ImageReport) -> str:
    """Return the reference with the platform, where several images have the same reference."""
    return f"{report.image.reference.text} ({report.image.platform or 'no platform'})"
