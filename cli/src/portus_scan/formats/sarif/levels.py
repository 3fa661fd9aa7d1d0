"""Severities in the words of SARIF and the numbers of GitHub.

Source: GitHub, "SARIF support for code scanning": a ``security-severity`` over 9.0 is critical, 7.0 to 8.9 high, 4.0 to
6.9 medium, 0.1 to 3.9 low.
"""

from __future__ import annotations

from collections.abc import Iterable

from portus_scanners import Severity, Vulnerability

_LEVELS = {
    Severity.UNKNOWN: "warning",
    Severity.NEGLIGIBLE: "note",
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
    Severity.DEFCON1: "error",
}
_BANDS = {
    Severity.NEGLIGIBLE: (0.1, 0.1, 0.1),
    Severity.LOW: (0.1, 2.0, 3.9),
    Severity.MEDIUM: (4.0, 5.5, 6.9),
    Severity.HIGH: (7.0, 8.0, 8.9),
    Severity.CRITICAL: (9.1, 9.5, 10.0),
    Severity.DEFCON1: (10.0, 10.0, 10.0),
}
"""Lowest number, the number without a fitting score, highest number."""


def level_of(severity: Severity) -> str:
    """Return ``note``, ``warning`` or ``error``; an unknown severity is no small one."""
    return _LEVELS[severity]


def security_severity(found: Iterable[Vulnerability]) -> str | None:
    """Return the number by which GitHub shows the highest severity of some vulnerabilities.

    Returns:
        The highest CVSS score that lies within the shown severity, else a number of its middle; None where the severity
        is unknown.
    """
    found = tuple(found)
    severity = max(one.severity for one in found)
    if severity is Severity.UNKNOWN:
        return None
    low, middle, high = _BANDS[severity]
    scores = [cvss.score for one in found for rating in one.ratings for cvss in rating.cvss if cvss.score is not None]
    return f"{max((score for score in scores if low <= score <= high), default=middle):.1f}"
