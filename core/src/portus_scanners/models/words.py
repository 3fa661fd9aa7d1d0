"""The words of findings: how bad, whether there is a fix."""

from __future__ import annotations

from enum import Enum
from functools import total_ordering

__all__ = [
    "FixState",
    "Severity",
]


@total_ordering
class Severity(Enum):
    """How bad a vulnerability is, lowest first: Clair's scale, which Portus shows."""

    UNKNOWN = "unknown"
    NEGLIGIBLE = "negligible"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    DEFCON1 = "defcon1"

    __hash__ = object.__hash__  # Enum's own is a function in Python, and severities are keys everywhere

    @classmethod
    def from_word(cls, word: str) -> Severity:
        """Return the severity of that name, in any case; a word that nobody knows is `UNKNOWN`."""
        return _BY_WORD.get(word.strip().casefold(), cls.UNKNOWN)

    @classmethod
    def from_score(cls, score: float) -> Severity:
        """Return the severity of a CVSS score, 0.0 to 10.0; anything else is `UNKNOWN`."""
        if not 0.0 <= score <= HIGHEST_SCORE:
            return cls.UNKNOWN
        if score == 0:
            return cls.NEGLIGIBLE
        return next((severity for limit, severity in _BELOW if score < limit), cls.CRITICAL)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Severity):
            return NotImplemented
        return RANK[self] < RANK[other]


RANK = {severity: rank for rank, severity in enumerate(Severity)}
"""The place of each severity, the lowest is 0."""
_BY_WORD = {severity.value: severity for severity in Severity}
HIGHEST_SCORE = 10.0
_BELOW = ((4.0, Severity.LOW), (7.0, Severity.MEDIUM), (9.0, Severity.HIGH))


class FixState(Enum):
    """Whether there is a fix for a vulnerability in a package, as the distribution says."""

    UNKNOWN = "unknown"
    """The backend does not say, or in a word that nobody knows."""
    FIXED = "fixed"
    """`Finding.fixed_by` says in which versions."""
    AFFECTED = "affected"
    """No fix so far."""
    UNDER_INVESTIGATION = "under_investigation"
    """Whether it is affected at all is not known yet."""
    WILL_NOT_FIX = "will_not_fix"
    FIX_DEFERRED = "fix_deferred"
    """A fix may come one day; it is not urgent."""
    END_OF_LIFE = "end_of_life"
    """Nobody looks after this package any more."""
    NOT_AFFECTED = "not_affected"

    @classmethod
    def from_word(cls, word: str) -> FixState:
        """Return the state of that name, in any case; a word that nobody knows is `UNKNOWN`."""
        return _STATE_BY_WORD.get(word.strip().casefold(), cls.UNKNOWN)


_STATE_BY_WORD = {state.value: state for state in FixState}
