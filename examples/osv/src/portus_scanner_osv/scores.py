"""CVSS vectors and their scores. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cvss import CVSS2, CVSS3, CVSS4, CVSSError
from portus_scanners import Cvss

from .wire import Severity

_KINDS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "CVSS_V4": ("4.0", CVSS4),
    "CVSS_V3": ("3", CVSS3),
    "CVSS_V2": ("2.0", CVSS2),
}
"""The newest first."""


def read_ratings(severities: Iterable[Severity]) -> tuple[Cvss, ...]:
    """Return the CVSS ratings among OSV's severities, the newest version first; a wrong vector has no score."""
    found = [one for one in severities if one.type in _KINDS]
    return tuple(_rating(one) for one in sorted(found, key=lambda one: list(_KINDS).index(one.type)))


def read_word(severities: Iterable[Severity]) -> str:
    """Return the first severity that is a word: distributions have their own."""
    return next((one.score.strip() for one in severities if one.type not in _KINDS), "")


def _rating(one: Severity) -> Cvss:
    version, kind = _KINDS[one.type]
    try:
        score: float | None = float(kind(one.score).base_score)
    except CVSSError:
        score = None
    return Cvss.from_vector(one.score, version=version, score=score)
