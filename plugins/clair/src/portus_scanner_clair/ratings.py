"""CVSS ratings in the free-form metadata of a vulnerability.

No metadata is an error: what can't be understood is left out. The known form is
``{"NVD": {"CVSSv2": {"Vectors": "AV:N/...", "Score": 7.5}, "CVSSv3": {...}}}``.

Source: Clair v2.0.x, ``ext/vulnmdsrc/nvd``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from portus_scanners import Cvss, Severity

_VERSIONS = {"CVSSv2": "2.0", "CVSSv3": "3"}
"""Clair's keys; whether the third version is 3.0 or 3.1, only the vector says."""
_VECTOR_VERSION = re.compile(r"CVSS:(\d{1,2}\.\d{1,2})/", re.ASCII)
_HIGHEST_SCORE = 10.0


class RatingsByText(dict[bytes, tuple[Cvss, ...]]):
    """The ratings in a vulnerability's metadata, sorted by source, then by version.

    The key is the metadata, any JSON value as bytes, or empty. Metadata that many vulnerabilities share is read once.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ratings: dict[tuple[str, str, str, float | None], Cvss] = {}

    def __missing__(self, text: bytes) -> tuple[Cvss, ...]:
        ratings = self[text] = tuple(self._read(text))
        return ratings

    def _read(self, text: bytes) -> list[Cvss]:
        document = _decode(text)
        if not isinstance(document, dict):
            return []
        found = [self._rating(*words) for words in _words(document)]
        return sorted(found, key=rating_order) if len(document) > 1 else found

    def _rating(self, source: str, key: str, vector: str, score: float | None) -> Cvss:
        identity = (source, key, vector, score)
        known = self._ratings.get(identity)
        if known is None:
            known = Cvss(version=_version(key, vector), vector=vector, score=score, source=source)
            self._ratings[identity] = known
        return known


def rating_order(rating: Cvss) -> tuple[str, str, str, float]:
    """Return the sort key of a rating."""
    return rating.source, rating.version, rating.vector, -1.0 if rating.score is None else rating.score


def severity_of(ratings: Iterable[Cvss]) -> Severity:
    """Return the severity of the newest version of rating that has a score; `UNKNOWN` if none has.

    Clair writes a score of 0 and no vector if it has no rating of a version: that is not a score.
    """
    scores = [
        (rating.version, rating.score)
        for rating in ratings
        if rating.score is not None and (rating.score or rating.vector)
    ]
    return Severity.from_score(max(scores)[1]) if scores else Severity.UNKNOWN


def _decode(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _decode_slowly(text)


def _decode_slowly(text: bytes) -> Any:
    """Read what msgspec rejects: a number too large for a float must not cost the vector beside it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _words(document: dict[str, Any]) -> Iterator[tuple[str, str, str, float | None]]:
    """Yield source, key, vector and score of each rating that has a vector or a score."""
    for source, ratings in document.items():
        if isinstance(ratings, dict):
            for key in _VERSIONS:
                rating = ratings.get(key)
                if isinstance(rating, dict):
                    vector, score = rating.get("Vectors"), _score(rating.get("Score"))
                    vector = vector if isinstance(vector, str) else ""
                    if vector or score is not None:
                        yield source, key, vector, score


def _version(key: str, vector: str) -> str:
    found = _VECTOR_VERSION.match(vector)
    return found[1] if found else _VERSIONS[key]


def _score(value: object) -> float | None:
    """Return a score of 0.0 to 10.0, given as a number or a string; None for anything else, NaN included."""
    if isinstance(value, bool) or not isinstance(value, float | int | str):
        return None
    try:
        score = float(value)
    except (ValueError, OverflowError):
        return None
    return score if 0.0 <= score <= _HIGHEST_SCORE else None
