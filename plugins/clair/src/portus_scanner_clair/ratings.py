"""CVSS ratings in the free-form metadata of a vulnerability.

Whatever the metadata is, it is no fault: a rating that can't be understood is left out. The known form is
``{"NVD": {"CVSSv2": {"Vectors": "AV:N/...", "Score": 7.5}, "CVSSv3": {...}}}``.

Source: Clair v2.0.x, ``ext/vulnmdsrc/nvd``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from portus_scanners import Cvss, Severity

_VERSIONS = {"CVSSv2": "2.0", "CVSSv3": "3"}
"""Clair's keys; of the third version it does not say whether it is 3.0 or 3.1, the vector does."""
_VECTOR_VERSION = re.compile(r"CVSS:(\d{1,2}\.\d{1,2})/", re.ASCII)
_HIGHEST_SCORE = 10


def read_ratings(metadata: bytes) -> tuple[Cvss, ...]:
    """Return the ratings that a vulnerability's metadata holds, by source, then by version.

    Args:
        metadata: Any JSON value.
    """
    document = _decode(metadata)
    if not isinstance(document, dict):
        return ()
    sources = ((name, body) for name, body in document.items() if isinstance(body, dict))
    return tuple(sorted((rating for source in sources for rating in _ratings_of(*source)), key=rating_order))


def rating_order(rating: Cvss) -> tuple[str, str, str, float]:
    """Return the key to sort ratings by."""
    return rating.source, rating.version, rating.vector, -1.0 if rating.score is None else rating.score


def severity_of(ratings: Iterable[Cvss]) -> Severity:
    """Return the severity of the newest kind of rating that has a score; `UNKNOWN` without one.

    Clair writes a score of 0 and no vector where it has no rating of that kind: that is not a score.
    """
    scores = [(rating.version, rating.score) for rating in ratings if rating.score is not None and _is_rated(rating)]
    return Severity.from_score(max(scores)[1]) if scores else Severity.UNKNOWN


def _is_rated(rating: Cvss) -> bool:
    return bool(rating.score or rating.vector)


def _decode(metadata: bytes) -> Any:
    try:
        return msgspec.json.decode(metadata)
    except (msgspec.MsgspecError, RecursionError):
        return _decode_slowly(metadata)


def _decode_slowly(metadata: bytes) -> Any:
    """Read what msgspec refuses: a number too large for a float must not cost the vector beside it."""
    try:
        return json.loads(metadata)
    except (ValueError, RecursionError):
        return None


def _ratings_of(source: str, body: dict[str, Any]) -> Iterator[Cvss]:
    for key, version in _VERSIONS.items():
        rating = body.get(key)
        if isinstance(rating, dict):
            vector, score = _text(rating.get("Vectors")), _score(rating.get("Score"))
            if vector or score is not None:
                yield Cvss(version=_version(vector) or version, vector=vector, score=score, source=source)


def _version(vector: str) -> str:
    found = _VECTOR_VERSION.match(vector)
    return found[1] if found else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _score(value: object) -> float | None:
    """Return a score of 0.0 to 10.0 that is written as a number or a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        score = float(value)
    except (ValueError, OverflowError):
        return None
    return score if math.isfinite(score) and 0 <= score <= _HIGHEST_SCORE else None
