"""A policy in words."""

from __future__ import annotations

from collections.abc import Iterator

from portus_images import one_line
from portus_scanners.models import Severity

from .policy import CountedSeverity, GatePolicy, Treatment


def rules_in_force(policy: GatePolicy) -> Iterator[str]:
    """Yield a sentence for each rule, beginning with its key."""
    yield "scanned: every image is resolved, and some scanner looks into it"
    yield f"outcomes: every scanner ends ok{_allowed(policy)}"
    if policy.fail_on:
        yield f"fail_on: {', '.join(limit_words(*limit) for limit in limits_of(policy))} in an image"
        yield from _narrowing(policy)
    if policy.required:
        yield f"required: {', '.join(map(one_line, policy.required))} end ok on every image"
    if policy.min_scanners:
        yield f"min_scanners: at least {policy.min_scanners} end ok on every image"
    if policy.max_database_age is not None:
        unknown = "; unknown is allowed" if policy.unknown_database_age is Treatment.ALLOW else ""
        yield f"max_database_age: every scanner's data is at most {days(policy.max_database_age)} old{unknown}"


def limits_of(policy: GatePolicy) -> list[tuple[Severity, int]]:
    """Return the limits, highest severity first."""
    return sorted(policy.fail_on.items(), reverse=True)


def limit_words(severity: Severity, limit: int) -> str:
    """Return ``at most 5 of high or above``."""
    return f"at most {limit} of {severity.value} or above"


def days(number: float) -> str:
    """Return a number of days with its noun."""
    return f"{number:g} day{'' if number == 1 else 's'}"


def _allowed(policy: GatePolicy) -> str:
    words = sorted(outcome.value for outcome in policy.allowed)
    return f", or {' or '.join(words)}" if words else ""


def _narrowing(policy: GatePolicy) -> Iterator[str]:
    if policy.only_fixable:
        yield "only_fixable: only those count that have a fix"
    if policy.min_agreement > 1:
        yield f"min_agreement: only those count that {policy.min_agreement} scanners found, or may have"
    if policy.new_only:
        yield "new_only: only those count that the baseline does not have"
    if policy.severity is CountedSeverity.SHOWN:
        yield "severity: the one shown counts, not the highest"
