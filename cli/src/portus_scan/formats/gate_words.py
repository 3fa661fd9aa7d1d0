"""The result of the gate in words; foreign text is made safe and cut to a readable length."""

from __future__ import annotations

from collections.abc import Iterator

from portus_policy import GateResult, GateViolation

from ..terminal import safe

MOST_IDS = 5
"""Vulnerabilities that are named in one line."""
_LONGEST_ID = 60
_LONGEST_NAME = 300
_LONGEST_MESSAGE = 1000


def gate_lines(result: GateResult) -> Iterator[str]:
    """Yield whether it passed and which rules were in force, then a line for each that does not hold."""
    rules = f" ({safe('; '.join(result.rules), _LONGEST_MESSAGE)})" if result.rules else ""
    yield f"gate: {'PASSED' if result.passed else 'FAILED'}{rules}"
    yield from map(violation_words, result.violations)


def violation_words(violation: GateViolation) -> str:
    """Return ``app:1: fail_on: 3 vulnerabilities of ...: CVE-1, CVE-2``."""
    named = [safe(one, _LONGEST_ID) for one in violation.vulnerabilities[:MOST_IDS]]
    more = len(violation.vulnerabilities) - len(named)
    ids = f": {', '.join(named)}{f' and {more} more' if more else ''}" if named else ""
    message = f"{safe(violation.rule, _LONGEST_ID)}: {safe(violation.message, _LONGEST_MESSAGE)}{ids}"
    return f"{safe(violation.reference, _LONGEST_NAME)}: {message}" if violation.reference else message
