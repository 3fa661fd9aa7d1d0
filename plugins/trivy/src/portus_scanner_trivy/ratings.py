"""Severities and CVSS ratings, by their sources. No I/O.

Nothing in the two free-form mappings is an error: what can't be understood is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from portus_scanners import Cvss, Severity, VendorRating

_LEVELS = ("UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL")
"""What the numbers of ``VendorSeverity`` mean."""
_KINDS = {"V2": "2.0", "V3": "3", "V40": "4.0"}
"""Trivy's keys; whether the third version is 3.0 or 3.1, only the vector says."""
_HIGHEST_SCORE = 10
_NO_YEAR = 1
"""Go writes the first year for a time that was never set."""


def read_severity(word: str, cvss: Iterable[Cvss]) -> Severity:
    """Return the severity that a word means; if it means none, the severity of the highest CVSS score.

    Args:
        word: Trivy's word, such as ``HIGH``; ``UNKNOWN`` and an empty word mean no severity.
        cvss: The ratings.
    """
    if word.strip().upper() not in {"", "UNKNOWN"}:
        return Severity.from_word(word)
    return max((Severity.from_score(one.score) for one in cvss if one.score is not None), default=Severity.UNKNOWN)


def read_vendor_ratings(severities: Mapping[str, object]) -> tuple[VendorRating, ...]:
    """Return the severities of all sources, sorted by source."""
    levels = {source: level for source, level in severities.items() if source and type(level) is int}
    return tuple(_vendor_rating(source, levels[source]) for source in sorted(levels))


def read_cvss(ratings: Mapping[str, object]) -> tuple[Cvss, ...]:
    """Return the CVSS ratings by source, then by version, without those that have neither vector nor score."""
    known = {source: scores for source, scores in ratings.items() if isinstance(scores, dict)}
    return tuple(one for source in sorted(known) for one in _cvss_of(source, known[source]))


def read_moment(text: str | None) -> datetime | None:
    """Return a time in Trivy's form (RFC 3339, up to nine digits of a second); None if it is not a time."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if moment.year == _NO_YEAR:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _vendor_rating(source: str, level: int) -> VendorRating:
    label = _LEVELS[level] if 0 <= level < len(_LEVELS) else str(level)
    return VendorRating(source=source, severity=Severity.from_word(label), label=label)


def _cvss_of(source: str, scores: Mapping[str, object]) -> Iterator[Cvss]:
    for key, version in _KINDS.items():
        vector, score = scores.get(f"{key}Vector"), _score(scores.get(f"{key}Score"))
        vector = vector if isinstance(vector, str) else ""
        rating = Cvss.from_vector(vector, version=version, score=score, source=source)
        if rating.vector or rating.score:
            yield rating


def _score(value: object) -> float | None:
    """Return a score of 0 to 10; None for anything else, such as an integer that no float can hold."""
    if isinstance(value, bool) or not isinstance(value, float | int):
        return None
    return float(value) if 0 <= value <= _HIGHEST_SCORE else None
