"""The vulnerabilities of an image against the limits."""

from __future__ import annotations

from portus_scanners.models import GateViolation, ImageReport

from .counting import Counting
from .policy import GatePolicy
from .rules import limits_of


def check_vulnerabilities(report: ImageReport, counting: Counting) -> GateViolation | None:
    """Return what is too much, with the ids of all that count towards a limit that does not hold."""
    counted = counting.counted(report)
    faults, ids = [], []
    for severity, limit in limits_of(counting.policy):
        above = [one.id for one in counted if counting.severity_of(one) >= severity]
        if len(above) > limit:
            faults.append(
                f"{_number(len(above), counting.policy)} of severity {severity.value} or above, {_allowed(limit)}"
            )
            ids = above  # the next limit is of a lower severity: its ids are these and more
    if not faults:
        return None
    message = f"{'; '.join(faults)}{_agreement(counting.policy)}"
    return GateViolation(
        rule="fail_on",
        message=message,
        reference=report.image.reference.text,
        vulnerabilities=tuple(dict.fromkeys(ids)),
    )


def check_agreement(report: ImageReport, policy: GatePolicy) -> GateViolation | None:
    """Return that fewer scanners were asked than have to agree: then nothing could ever count."""
    asked = len({run.scanner for run in report.results})
    if policy.min_agreement == 1 or asked >= policy.min_agreement:
        return None
    message = f"{policy.min_agreement} scanners have to agree, but only {asked} {'was' if asked == 1 else 'were'} asked"
    return GateViolation(rule="min_agreement", message=message, reference=report.image.reference.text)


def _number(count: int, policy: GatePolicy) -> str:
    words = ["new"] * policy.new_only + ["fixable"] * policy.only_fixable
    return " ".join([str(count), *words, "vulnerability" if count == 1 else "vulnerabilities"])


def _allowed(limit: int) -> str:
    return f"{limit} {'is' if limit == 1 else 'are'} allowed"


def _agreement(policy: GatePolicy) -> str:
    return f" (found by {policy.min_agreement} scanners, or nobody can tell)" if policy.min_agreement > 1 else ""
