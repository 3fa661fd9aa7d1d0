"""SARIF's results, which viewers show as alerts: one for each vulnerability, and one for each thing that is not known.

A result has its locations and, as properties, everything that is known of the vulnerability.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from portus_policy import Suppressed
from portus_scanners import Cvss, Image, Package, Rating, Reference, Vulnerability

from ...terminal import message, name
from ..doubts import END_OF_LIFE, Doubt
from ..foreign import all_safe, web_links
from ..provenance import moment
from ..words import fix_words, package_words, suppression_words, who_words
from .rules import NOT_COMPLETE, SarifObject, level_of, plain, text_message

_FIRST_LINE = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
"""GitHub requires a region; an image has none."""
_MOST_PATHS = 100


def vulnerability_results(
    image: Image, found: Iterable[Vulnerability], places: Mapping[str, int]
) -> Iterator[SarifObject]:
    """Yield the results of an image in their order; *places* has the index of each rule by id."""
    seen: Counter[str] = Counter()
    for one in found:
        fingerprint = _fingerprint(image_address(image), image.platform, one.id, one.package.name, one.package.version)
        seen[fingerprint] += 1
        yield _result(image, one, places[name(one.id)], f"{fingerprint}:{seen[fingerprint]}")


def doubt_results(address: str, about: str, doubts: Iterable[Doubt], place: int) -> Iterator[SarifObject]:
    """Yield a result for each thing that is not known, since many viewers show results only."""
    for doubt in doubts:
        text = f"Not everything is known of {about}; {doubt.sentence}"
        kind = (END_OF_LIFE,) if doubt.outcome == END_OF_LIFE else ()
        fingerprint = _fingerprint(address, NOT_COMPLETE, doubt.scanner, *kind)
        yield {
            "ruleId": NOT_COMPLETE,
            "ruleIndex": place,
            "level": "error",
            "message": text_message(text),
            "locations": [_image_location(address, about)],
            "partialFingerprints": {"primaryLocationLineHash": f"{fingerprint}:1"},
            "properties": {"outcome": doubt.outcome, "scanner": doubt.scanner},
        }


def _result(image: Image, found: Vulnerability, place: int, fingerprint: str) -> SarifObject:
    result: SarifObject = {
        "ruleId": name(found.id),
        "ruleIndex": place,
        "level": level_of(found.severity),
        "message": text_message(_sentence(found)),
        "locations": _package_locations(image, found),
        "partialFingerprints": {"primaryLocationLineHash": fingerprint},
        "properties": _vulnerability_facts(found),
    }
    if found.paths:
        result["relatedLocations"] = _file_locations(image, found)
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


def _suppression(rule: Suppressed) -> SarifObject:
    return {
        "kind": "external",
        "status": "accepted",
        "justification": plain(suppression_words(rule)),
        "properties": _suppression_facts(rule),
    }


def _fingerprint(*parts: object) -> str:
    """Return a fingerprint that stays the same from scan to scan, whatever tag, severity or description."""
    text = "\0".join("" if part is None else str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def image_address(image: Image) -> str:
    """Return a relative address that stays the same from tag to tag: ``registry.example/team/app``."""
    reference = image.reference
    if isinstance(reference, Reference):
        return relative_address(f"{reference.registry}/{reference.repository}")
    return relative_address(f"{reference.form}/{reference.path}")


def relative_address(text: str) -> str:
    """Return a string as a relative address: percent-encoded, without empty segments, ``.`` and ``..``."""
    parts = [part for part in name(text).split("/") if part not in {"", ".", ".."}]
    return "/".join(quote(part, safe="-._~") for part in parts) or "image"


def _image_location(address: str, text: str) -> SarifObject:
    """Return the location of a whole image."""
    return {
        "physicalLocation": {"artifactLocation": {"uri": address}, "region": dict(_FIRST_LINE)},
        "message": text_message(text),
    }


def _package_locations(image: Image, found: Vulnerability) -> list[SarifObject]:
    """Return the location of the image, with the packages as its logical parts."""
    place = _image_location(image_address(image), f"{name(image.reference.text)}: {package_words(found.package)}")
    parts = {part["fullyQualifiedName"]: part for part in _parts(image, found)}
    return [{**place, "logicalLocations": list(parts.values())}]


def _parts(image: Image, found: Vulnerability) -> Iterator[dict[str, str]]:
    whole = f"{name(image.reference.text)}@{name(image.digest)}"
    for package in found.packages or (found.package,):
        of = f" ({name(package.namespace)})" if package.namespace else ""
        yield {
            "name": name(package.name) or "package",
            "fullyQualifiedName": f"{whole}: {package_words(package)}{of}",
            "kind": "package",
        }


def _file_locations(image: Image, found: Vulnerability) -> list[SarifObject]:
    """Return the locations of the files that the package is known from, `_MOST_PATHS` at most."""
    base = image_address(image)
    return [
        {"id": number, **_image_location(f"{base}/{relative_address(path)}", f"known from {name(path)}")}
        for number, path in enumerate(sorted(found.paths)[:_MOST_PATHS])
    ]


def _vulnerability_facts(found: Vulnerability) -> SarifObject:
    """Return everything but title and description; strings are safe, and links are those that lead to the web."""
    return {
        "id": name(found.id),
        "aliases": all_safe(found.aliases),
        "severity": found.severity.value,
        "highestSeverity": found.highest.value,
        "package": _package(found.package),
        "matchedBy": found.matched_by.value,
        "packages": [_package(package) for package in found.packages],
        "sourcePackages": [_package(package) for package in found.source_packages],
        "purls": all_safe(found.purls),
        "fixStates": [state.value for state in found.fix_states],
        "fixedBy": all_safe(found.fixed_by),
        "foundBy": all_safe(found.scanners),
        "notFoundBy": all_safe(found.not_found_by),
        "notLookedBy": all_safe(found.not_looked_by),
        "ratings": [_rating(rating) for rating in found.ratings],
        "links": web_links(found.links),
        "paths": all_safe(found.paths),
        "layers": all_safe(found.layers),
        "published": moment(found.published),
        "modified": moment(found.modified),
        "suppressed": _suppression_facts(found.suppressed) if found.suppressed else None,
    }


def _suppression_facts(rule: Suppressed) -> SarifObject:
    """Return the properties of the rule that takes a vulnerability out of the gate."""
    return {
        "rule": name(rule.rule),
        "reason": message(rule.reason),
        "by": name(rule.by),
        "until": rule.until.isoformat() if rule.until else None,
    }


def _package(package: Package) -> SarifObject:
    return {"name": name(package.name), "version": name(package.version), "namespace": name(package.namespace)}


def _rating(rating: Rating) -> SarifObject:
    return {
        "scanner": name(rating.scanner),
        "id": name(rating.id),
        "severity": rating.severity.value,
        "label": name(rating.label),
        "source": name(rating.source),
        "cvss": [_cvss(one) for one in rating.cvss],
        "vendors": [
            {"source": name(one.source), "severity": one.severity.value, "label": name(one.label)}
            for one in rating.vendors
        ],
    }


def _cvss(cvss: Cvss) -> SarifObject:
    return {
        "version": name(cvss.version),
        "vector": name(cvss.vector),
        "score": cvss.score,
        "source": name(cvss.source),
    }
