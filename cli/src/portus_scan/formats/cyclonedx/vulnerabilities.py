"""Entries of CycloneDX: vulnerabilities with every rating and the decision about them as VEX, and what is not known."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from portus_policy import Suppressed
from portus_scanners import Severity, Vulnerability

from ...terminal import message, name
from ..doubts import Doubt
from ..foreign import paragraphs, web_links
from ..provenance import PROGRAM, moment
from ..words import fix_words, suppression_words

NOT_COMPLETE = "PORTUS-SCAN-NOT-COMPLETE"
"""The id of entries that are not vulnerabilities: they say that not every vulnerability is known."""
_NAMESPACE = "portus-scanners"
_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}", re.ASCII)
_SOURCES = {"GHSA": "GitHub Advisories", "RHSA": "Red Hat", "SUSE": "SUSE", "DSA": "Debian", "DLA": "Debian"}
_STATES = {
    "false positive": "false_positive",
    "false_positive": "false_positive",
    "fixed": "resolved",
    "not affected": "not_affected",
    "not_affected": "not_affected",
}
_JUSTIFICATIONS = {
    "component_not_present": "code_not_present",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
    "vulnerable_code_cannot_be_controlled_by_adversary": None,
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "vulnerable_code_not_present": "code_not_present",
}
"""OpenVEX' reasons for ``not_affected``, and what CycloneDX calls them."""
_SEVERITIES = {
    Severity.UNKNOWN: "unknown",
    Severity.NEGLIGIBLE: "info",
    Severity.LOW: "low",
    Severity.MEDIUM: "medium",
    Severity.HIGH: "high",
    Severity.CRITICAL: "critical",
    Severity.DEFCON1: "critical",
}
_HEIGHTS = {_SEVERITIES[severity]: height for height, severity in enumerate(Severity)}
"""How high each word is; critical and defcon1 are one."""
_METHODS = {
    "2": "CVSSv2",
    "2.0": "CVSSv2",
    "3": "CVSSv3",
    "3.0": "CVSSv3",
    "3.1": "CVSSv31",
    "4": "CVSSv4",
    "4.0": "CVSSv4",
}
_OTHER = "other"

PropertyFacts = Iterable[tuple[str, str]]
CycloneDxObject = dict[str, Any]
"""An object of the document; members whose value is None, empty or a list without entries are not written."""


def vulnerability_entry(found: Vulnerability, affects: Iterable[CycloneDxObject], ref: str) -> CycloneDxObject:
    """Return the entry of one vulnerability of one image."""
    return without_empty(
        {
            "bom-ref": ref,
            "id": name(found.id),
            "source": _source(found.id),
            "references": [{"id": name(alias), "source": _source(alias)} for alias in found.aliases if alias],
            "ratings": _make_ratings(found),
            "description": paragraphs(found.description) or message(found.title),
            "detail": message(found.title),
            "recommendation": fix_words(found),
            "advisories": [{"url": link} for link in web_links(found.links)],
            "published": moment(found.published),
            "updated": moment(found.modified),
            "analysis": _analysis(found.suppressed) if found.suppressed else None,
            "affects": each_once(affects),
            "properties": properties(_facts(found)),
        }
    )


def without_empty(value: CycloneDxObject) -> CycloneDxObject:
    """Return an object without the members that say nothing."""
    return {key: one for key, one in value.items() if one or one == 0}


def each_once(values: Iterable[CycloneDxObject]) -> list[CycloneDxObject]:
    """Return each object once, in order: the lists of CycloneDX are sets."""
    return list({json.dumps(value): value for value in values}.values())


def _source(text: str) -> CycloneDxObject:
    """Return who gives ids of this kind: NVD, with a page, for a CVE; for others the name only."""
    if _CVE.fullmatch(text):
        return {"name": "NVD", "url": f"https://nvd.nist.gov/vuln/detail/{text}"}
    prefix = re.match(r"[A-Z]{2,10}(?=-)", text)
    return {"name": _SOURCES.get(prefix[0], prefix[0]) if prefix else "unknown"}


def _analysis(rule: Suppressed) -> CycloneDxObject:
    """Return the decision of a rule as VEX analysis, with a state only where the rule's reason begins with one.

    A reason that comes from an OpenVEX statement begins with its justification or its status, and a colon.
    """
    first = rule.reason.partition(":")[0].strip().casefold()
    state = "not_affected" if first in _JUSTIFICATIONS else _STATES.get(first)
    justification = _JUSTIFICATIONS.get(first)
    return without_empty({"state": state, "justification": justification, "detail": suppression_words(rule)})


def _facts(found: Vulnerability) -> PropertyFacts:
    yield "severity", found.severity.value
    yield "severity:highest", found.highest.value
    yield from (("found-by", name(scanner)) for scanner in found.scanners)
    yield from (("not-found-by", name(scanner)) for scanner in found.not_found_by)
    yield from (("not-looked-by", name(scanner)) for scanner in found.not_looked_by)
    yield from (("fixed-by", name(version)) for version in found.fixed_by)
    yield from (("fix-state", state.value) for state in found.fix_states)
    yield from (("path", name(path)) for path in found.paths)
    yield from (("layer", name(layer)) for layer in found.layers)
    yield from (("purl", name(purl)) for purl in found.purls)
    for package in found.source_packages:
        yield "source-package", " ".join(map(name, filter(None, (package.name, package.version))))
    if found.suppressed:
        yield "suppressed", name(found.suppressed.rule)
        yield "suppressed:until", found.suppressed.until.isoformat() if found.suppressed.until else ""
        yield "suppressed:by", name(found.suppressed.by)


def _make_ratings(found: Vulnerability) -> list[CycloneDxObject]:
    """Return the severity that is shown, then the ratings of all scanners and vendors, the highest first.

    Programs that take the first one, or the first with a severity, read what is shown; those that go on to the next
    never start with a lower one.
    """
    shown = {
        "source": {"name": PROGRAM},
        "severity": _SEVERITIES[found.severity],
        "method": _OTHER,
        "justification": f"the severity that is shown, {found.severity.value}; the highest is {found.highest.value}",
    }
    return [shown, *sorted(each_once(map(without_empty, _ratings(found))), key=_height, reverse=True)]


def _height(rating: Mapping[str, Any]) -> int:
    """Return how high a written rating is; one that has a score only, by the score."""
    if "severity" in rating:
        return _HEIGHTS[rating["severity"]]
    return _HEIGHTS[_SEVERITIES[Severity.from_score(float(rating.get("score", -1)))]]


def _ratings(found: Vulnerability) -> Iterator[CycloneDxObject]:
    """Yield of each scanner its rating, its scores, and those of vendors that it names."""
    for rating in found.ratings:
        words = [f"severity {rating.severity.value}"]
        words += [f"label {name(rating.label)}"] if rating.label else []
        words += [f"of {name(rating.source)}"] if rating.source else []
        yield {
            "source": _who(rating.scanner, rating.source),
            "severity": _SEVERITIES[rating.severity],
            "method": _OTHER,
            "justification": ", ".join(words),
        }
        for cvss in rating.cvss:
            yield {
                "source": _who(rating.scanner, cvss.source),
                "score": cvss.score,
                "method": _METHODS.get(cvss.version, _OTHER),
                "vector": name(cvss.vector),
            }
        for vendor in rating.vendors:
            yield {
                "source": _who(rating.scanner, vendor.source),
                "severity": _SEVERITIES[vendor.severity],
                "method": _OTHER,
                "justification": f"label {name(vendor.label)}" if vendor.label else None,
            }


def _who(scanner: str, source: str) -> CycloneDxObject:
    """Return ``nvd (as trivy says)``, or the scanner alone."""
    return {"name": f"{name(source)} (as {name(scanner)} says)" if source else name(scanner)}


def doubt_entry(doubt: Doubt, image_ref: str, number: int) -> CycloneDxObject:
    """Return the entry of one doubt about an image: severity unknown, in triage."""
    source = {"name": PROGRAM}
    return {
        "bom-ref": f"{image_ref}-doubt-{number}",
        "id": NOT_COMPLETE,
        "source": source,
        "ratings": [{"source": source, "severity": _SEVERITIES[Severity.UNKNOWN]}],
        "description": f"Not everything is known of this image: {doubt.sentence}",
        "recommendation": f"{doubt.advice} Until then nobody knows what is missing.",
        "analysis": {"state": "in_triage", "detail": doubt.sentence},
        "affects": [{"ref": image_ref}],
        "properties": properties([("outcome", doubt.outcome), ("scanner", doubt.scanner)]),
    }


def properties(facts: PropertyFacts) -> list[CycloneDxObject]:
    """Return properties ``portus-scanners:NAME``, each once; empty values are left out. Values must be safe."""
    given = dict.fromkeys((f"{_NAMESPACE}:{name}", value) for name, value in facts if value)
    return [{"name": name, "value": value} for name, value in given]
