"""How old the vulnerability data is that scanners used."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import ceil

from portus_images import one_line
from portus_scanners.models import GateViolation, ImageReport, ScannerReport

from .policy import GatePolicy, Treatment
from .rules import days

_CLOCKS_DIFFER = timedelta(days=1)
"""How far in the future a date may lie; one beyond is a mistake, and says nothing."""


def check_ages(report: ImageReport, policy: GatePolicy, now: datetime) -> GateViolation | None:
    """Return which scanners' data is too old, or of an age that nobody knows; those without a report have used none."""
    if policy.max_database_age is None:
        return None
    faults = [
        f"{one_line(run.scanner)} {fault}"
        for run in report.results
        if run.report is not None
        for fault in _faults(run.report, policy, policy.max_database_age, now)
    ]
    if not faults:
        return None
    message = f"{', '.join(faults)}; at most {days(policy.max_database_age)} are allowed"
    return GateViolation(rule="max_database_age", message=message, reference=report.image.reference.text)


def _faults(report: ScannerReport, policy: GatePolicy, limit: float, now: datetime) -> Iterator[str]:
    age = _age(report.database_updated, now)
    if age is None:
        if policy.unknown_database_age is Treatment.FAIL:
            yield "does not say how old its vulnerability data is"
    elif (number := age / timedelta(days=1)) > limit:
        yield f"has vulnerability data that is {days(ceil(number * 10) / 10)} old"


def _age(updated: datetime | None, now: datetime) -> timedelta | None:
    """Return the age; None where it is not known."""
    if updated is None:
        return None
    age = now - (updated if updated.tzinfo else updated.replace(tzinfo=UTC))
    return None if age < -_CLOCKS_DIFFER else age
