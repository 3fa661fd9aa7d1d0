"""Reports in words that can't be misread. Pure functions; no foreign text in what they return but where they say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from portus_policy import UnusedRule
from portus_scanners import ImageReport, Outcome, Severity, Verdict, Vulnerability

from .doubts import verdict_of

_WHAT_HAPPENED = {
    Outcome.INCOMPLETE: "did not see all of it",
    Outcome.UNSUPPORTED: "can't read it",
    Outcome.PENDING: "still working",
    Outcome.TIMED_OUT: "timed out",
    Outcome.FAILED: "failed",
    Outcome.CANCELLED: "stopped",
}


def verdict_words(report: ImageReport) -> str:
    """Return the verdict and what it rests on: ``unknown: 1 of 2 scanners failed``."""
    verdict, doubts = verdict_of(report), doubt_words(report)
    if verdict is Verdict.CLEAN:
        return f"clean: {count(len(report.results), 'scanner')} found nothing"
    if verdict is Verdict.VULNERABLE:
        found = f"vulnerable: {found_words(report)}{_suppressed_words(report)}"
        return f"{found}; there may be more: {doubts}" if doubts else found
    return f"unknown: {doubts or ('the report says so' if report.results else 'no scanner has looked')}"


def found_words(report: ImageReport) -> str:
    """Return what was found in a vulnerable image: ``3 vulnerabilities (1 critical, 2 low)``."""
    if report.vulnerabilities:
        return severity_counts(report.vulnerabilities)
    return "a scanner found something, and this report does not list it"


def doubt_words(report: ImageReport) -> str:
    """Return how many scanners did not end ok, by what happened to them; empty when all did."""
    total = len(report.results)
    outcomes = [run.outcome for run in report.results]
    parts = [f"{outcomes.count(one)} {what}" for one, what in _WHAT_HAPPENED.items() if one in outcomes]
    if not parts:
        return ""
    first, *rest = parts
    number, _, what = first.partition(" ")
    return ", ".join([f"{number} of {count(total, 'scanner')} {what}", *rest])


def severity_counts(vulnerabilities: Iterable[Vulnerability]) -> str:
    """Return ``3 vulnerabilities (1 critical, 2 low)``, highest severity first."""
    vulnerabilities = tuple(vulnerabilities)
    return f"{count(len(vulnerabilities), 'vulnerability', 'vulnerabilities')} ({severity_parts(vulnerabilities)})"


def severity_parts(vulnerabilities: Iterable[Vulnerability]) -> str:
    """Return ``1 critical, 2 low``, highest severity first."""
    numbers = Counter(vulnerability.severity for vulnerability in vulnerabilities)
    return ", ".join(f"{numbers[one]} {one.value}" for one in reversed(Severity) if one in numbers)


def unused_rule_lines(rules: Sequence[UnusedRule]) -> Iterator[str]:
    """Yield how many suppressions did not apply, then a line for each; foreign text is in them."""
    yield f"{count(len(rules), 'suppression')} did not apply:"
    for rule in rules:
        yield f"{rule.rule}: {'expired' if rule.expired else 'unused'}: {rule.message}"


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: ``1 layer``, ``2 layers``."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def _suppressed_words(report: ImageReport) -> str:
    suppressed = sum(one.suppressed is not None for one in report.vulnerabilities)
    return f", {suppressed} of them suppressed" if suppressed else ""
