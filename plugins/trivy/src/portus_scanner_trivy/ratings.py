"""Severities and CVSS ratings: whose they are. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from portus_scanners import Cvss, Severity, VendorRating

from .wire import CvssScores

_LEVELS = ("UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL")
"""What the numbers of ``VendorSeverity`` mean."""
_VECTOR_VERSION = re.compile(r"CVSS:(\d{1,2}\.\d{1,2})/", re.ASCII)
_HIGHEST_SCORE = 10.0
_NO_YEAR = 1
"""Go writes the first year for a time that was never set."""


def read_severity(word: str, cvss: Iterable[Cvss]) -> Severity:
    """Return the severity that a word means; where it says nothing, that of the highest CVSS score.

    Args:
        word: Trivy's: ``HIGH``; ``UNKNOWN`` and an empty one say nothing.
        cvss: The ratings.
    """
    if word.strip().upper() not in {"", "UNKNOWN"}:
        return Severity.from_word(word)
    return max((Severity.from_score(one.score) for one in cvss if one.score is not None), default=Severity.UNKNOWN)


def read_vendor_ratings(severities: Mapping[str, int]) -> tuple[VendorRating, ...]:
    """Return the severities of all sources, by source."""
    return tuple(_vendor_rating(source, level) for source, level in sorted(severities.items()) if source)


def read_cvss(ratings: Mapping[str, CvssScores]) -> tuple[Cvss, ...]:
    """Return the CVSS ratings by source, then by version; what has neither vector nor score is left out."""
    return tuple(one for source in sorted(ratings) for one in _cvss_of(source, ratings[source]))


def read_moment(text: str | None) -> datetime | None:
    """Return a time as Trivy writes it (RFC 3339, up to nine digits of a second); None where there is none."""
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


def _cvss_of(source: str, scores: CvssScores) -> Iterator[Cvss]:
    kinds = (
        ("2.0", scores.V2Vector, scores.V2Score),
        ("3", scores.V3Vector, scores.V3Score),
        ("4.0", scores.V40Vector, scores.V40Score),
    )
    for version, vector, score in kinds:
        usable = score if score is not None and 0.0 <= score <= _HIGHEST_SCORE else None
        if vector or usable:
            match = _VECTOR_VERSION.match(vector or "")
            yield Cvss(version=match[1] if match else version, vector=vector or "", score=usable, source=source)
