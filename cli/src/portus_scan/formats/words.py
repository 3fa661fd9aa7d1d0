"""Reports in words that can't be misread. Pure functions; no foreign text in what they return."""

from __future__ import annotations

from collections.abc import Iterable

from portus_scanners import ImageReport, Outcome, Severity, Verdict, Vulnerability

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
    doubts = doubt_words(report)
    if report.verdict is Verdict.CLEAN:
        return f"clean: {count(len(report.results), 'scanner')} found nothing"
    if report.verdict is Verdict.VULNERABLE:
        found = f"vulnerable: {severity_counts(report.vulnerabilities)}"
        return f"{found}; there may be more: {doubts}" if doubts else found
    return f"unknown: {doubts or 'no scanner has looked'}"


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
    severities = [vulnerability.severity for vulnerability in vulnerabilities]
    parts = [f"{severities.count(one)} {one.value}" for one in reversed(Severity) if one in severities]
    return f"{count(len(severities), 'vulnerability', 'vulnerabilities')} ({', '.join(parts)})"


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: ``1 layer``, ``2 layers``."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
