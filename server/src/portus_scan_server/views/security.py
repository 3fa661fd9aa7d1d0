"""What is shown of an image's security: Portus' words where it is known, and other ones where it is not. Pure.

What is not known is never shown as passed: a summary that is not current is outdated, an image without one is pending,
in progress, failed or unknown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import field, frozen
from portus_scanners import Severity, Verdict

from ..answers import AnswerDoubt
from .paging import from_row

HIGHEST_FIRST = (
    *(Severity.DEFCON1, Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW),
    *(Severity.UNKNOWN, Severity.NEGLIGIBLE),
)
"""The severities as Portus orders them: what nobody has rated comes before what somebody calls negligible."""


class SecurityState(Enum):
    """What is known of an image's security, in a word."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    VULNERABLE = "vulnerable"
    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    INCOMPLETE = "incomplete"
    OUTDATED = "outdated"
    UNKNOWN = "unknown"

    @property
    def word(self) -> str:
        """The word that people read: ``In progress``."""
        return self.value.replace("_", " ").capitalize()


class Activity(Enum):
    """What is being done about an image now."""

    QUEUED = "queued"
    RUNNING = "running"


_OF_ACTIVITY = {Activity.QUEUED: SecurityState.PENDING, Activity.RUNNING: SecurityState.IN_PROGRESS}
_OF_DOUBTS = {
    AnswerDoubt.OUTDATED: SecurityState.OUTDATED,
    AnswerDoubt.UNSUPPORTED: SecurityState.UNSUPPORTED,
    AnswerDoubt.INCOMPLETE: SecurityState.INCOMPLETE,
    AnswerDoubt.NO_ANSWER: SecurityState.FAILED,
    AnswerDoubt.NOT_SCANNED: SecurityState.UNKNOWN,
    AnswerDoubt.END_OF_LIFE: SecurityState.UNKNOWN,
}
"""What one scanner's doubts come to: the first of these that it has."""
_WORST_FIRST = (
    *(SecurityState.FAILED, SecurityState.INCOMPLETE, SecurityState.UNSUPPORTED, SecurityState.OUTDATED),
    SecurityState.UNKNOWN,
)


@frozen(kw_only=True)
class Security:
    """What is shown of an image.

    Attributes:
        state: The word.
        verdict: The verdict; unknown where the summary is not current.
        counts: How many merged vulnerabilities of each severity there are, as the summary has it, none left out.
        total: How many there are.
        fixable: How many have a fix.
        suppressed: How many the policy does not count.
        gate: Whether the policy's gate lets the image pass; None without a gate, and where it is not known.
        violations: ``rule: message`` of the gate.
        doubts: For each scanner in doubt, why.
        is_current: Whether the numbers are true under the rules of now.
        activity: What is being done about it.
        has_failed: Whether the newest request for it has ended without a scan.
        oldest_database: When the oldest vulnerability data behind it was updated; None where that is not known.
        checked_at: When the oldest answer behind it was checked; None without an answer of each scanner.
    """

    state: SecurityState
    verdict: Verdict = Verdict.UNKNOWN
    counts: Mapping[Severity, int] = field(factory=dict)
    total: int = 0
    fixable: int = 0
    suppressed: int = 0
    gate: bool | None = None
    violations: tuple[str, ...] = ()
    doubts: Mapping[str, tuple[AnswerDoubt, ...]] = field(factory=dict)
    is_current: bool = False
    activity: Activity | None = None
    has_failed: bool = False
    oldest_database: datetime | None = None
    checked_at: datetime | None = None

    @property
    def highest(self) -> Severity | None:
        """The highest severity that was found."""
        return next((one for one in HIGHEST_FIRST if self.counts.get(one)), None)

    @property
    def gate_word(self) -> str | None:
        """``pass`` or ``fail``; None where there is no gate, or what it says is not known."""
        return None if self.gate is None else "pass" if self.gate else "fail"

    @property
    def words(self) -> str:
        """What people read: ``2 Critical - 37 total``, ``Passed``, ``Outdated: 2 Critical - 37 total``."""
        found = ""
        if (highest := self.highest) is not None:
            found = f"{self.counts[highest]} {highest.value.capitalize()} - {self.total} total"
        if self.state is SecurityState.VULNERABLE and found:
            return found
        return f"{self.state.word}: {found}" if found else self.state.word


def security_of(
    summary: Any | None, *, is_current: bool = False, activity: Activity | None = None, failed: bool = False
) -> Security:
    """Return what is shown of an image.

    Args:
        summary: Its row of `summaries`; None without one.
        is_current: Whether `is_current` holds for it.
        activity: What is being done about it.
        failed: Whether the newest request for it has ended without a scan.
    """
    if summary is None:
        state = SecurityState.FAILED if failed else SecurityState.UNKNOWN
        state = _OF_ACTIVITY[activity] if activity else state
        return Security(state=state, activity=activity, has_failed=failed)
    doubts = {name: tuple(AnswerDoubt(word) for word in words) for name, words in json.loads(summary.doubts).items()}
    violations = tuple(json.loads(summary.violations))
    return from_row(
        Security,
        summary,
        state=_state_of(summary, doubts, violations, activity) if is_current else SecurityState.OUTDATED,
        verdict=Verdict(summary.verdict) if is_current else Verdict.UNKNOWN,
        counts={severity: getattr(summary, severity.value) for severity in HIGHEST_FIRST},
        gate={"pass": True, "fail": False}.get(summary.gate) if is_current else None,
        violations=violations if is_current else (),
        doubts=doubts,
        is_current=is_current,
        activity=activity,
        has_failed=failed,
    )


def _state_of(
    summary: Any,
    doubts: Mapping[str, tuple[AnswerDoubt, ...]],
    violations: tuple[str, ...],
    activity: Activity | None,
) -> SecurityState:
    """Return the word for a summary that is current."""
    if summary.total or summary.verdict == Verdict.VULNERABLE.value:
        return SecurityState.VULNERABLE
    if activity and any(AnswerDoubt.NOT_SCANNED in why for why in doubts.values()):
        return _OF_ACTIVITY[activity]
    found = {next((state for doubt, state in _OF_DOUBTS.items() if doubt in why), None) for why in doubts.values()}
    if worst := next((state for state in _WORST_FIRST if state in found), None):
        return worst
    if summary.verdict != Verdict.CLEAN.value:
        return _OF_ACTIVITY[activity] if activity else SecurityState.UNKNOWN
    if summary.gate == "fail":  # nothing was found, but not by what the policy asks for
        is_old = any(one.startswith("max_database_age:") for one in violations)
        return SecurityState.OUTDATED if is_old else SecurityState.UNKNOWN
    return SecurityState.PASSED
