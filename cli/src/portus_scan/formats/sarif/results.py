"""Results: one for each vulnerability of an image, and one for each thing that is not known of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from portus_policy import Suppressed
from portus_scanners import Image, Vulnerability

from ..doubts import Doubt
from ..facts import suppression_facts, vulnerability_facts
from ..foreign import name
from ..sentences import fix_words, package_words, suppression_words, who_words
from .levels import level_of
from .locations import file_locations, image_address, image_location, package_locations
from .messages import text_message
from .rules import NOT_COMPLETE

Result = dict[str, Any]


def vulnerability_results(image: Image, found: Iterable[Vulnerability], places: Mapping[str, int]) -> Iterator[Result]:
    """Give the results in their order; *places* says where each rule stands."""
    seen: Counter[str] = Counter()
    for one in found:
        print_ = _fingerprint(image_address(image), image.platform, one.id, one.package.name, one.package.version)
        seen[print_] += 1
        yield _result(image, one, places[name(one.id)], f"{print_}:{seen[print_]}")


def doubt_results(address: str, about: str, doubts: Iterable[Doubt], place: int) -> Iterator[Result]:
    """Give a result for each thing that is not known, since many viewers show nothing else."""
    for doubt in doubts:
        text = f"The scan of {about} is not complete; {doubt.sentence}"
        print_ = _fingerprint(address, NOT_COMPLETE, doubt.scanner)
        yield {
            "ruleId": NOT_COMPLETE,
            "ruleIndex": place,
            "level": "error",
            "message": text_message(text),
            "locations": [image_location(address, about)],
            "partialFingerprints": {"primaryLocationLineHash": f"{print_}:1"},
            "properties": {"outcome": doubt.outcome, "scanner": doubt.scanner},
        }


def _result(image: Image, found: Vulnerability, place: int, print_: str) -> Result:
    result: Result = {
        "ruleId": name(found.id),
        "ruleIndex": place,
        "level": level_of(found.severity),
        "message": text_message(_sentence(found)),
        "locations": package_locations(image, found),
        "partialFingerprints": {"primaryLocationLineHash": print_},
        "properties": vulnerability_facts(found),
    }
    if found.paths:
        result["relatedLocations"] = file_locations(image, found)
    if found.suppressed:
        result["suppressions"] = [_suppression(found.suppressed)]
    return result


def _sentence(found: Vulnerability) -> str:
    parts = [
        f"{package_words(found.package)} has {name(found.id)}, severity {found.severity.value}",
        fix_words(found),
        who_words(found),
    ]
    if found.suppressed:
        parts.append(suppression_words(found.suppressed))
    return "; ".join(parts)


def _suppression(rule: Suppressed) -> dict[str, Any]:
    return {
        "kind": "external",
        "status": "accepted",
        "justification": text_message(suppression_words(rule))["text"],
        "properties": suppression_facts(rule),
    }


def _fingerprint(*parts: object) -> str:
    """Return the same for the same thing in each scan, whatever its tag, severity or description."""
    text = "\0".join("" if part is None else str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]
