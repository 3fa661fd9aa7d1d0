"""Everything that is known of a vulnerability, as JSON: for formats with a place for what they have no word for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from portus_policy import Suppressed
from portus_scanners import Cvss, Package, Rating, Vulnerability

from .foreign import all_safe, message, name, web_links

Facts = dict[str, Any]


def vulnerability_facts(found: Vulnerability) -> Facts:
    """Return all but title and description; every text is safe, links are those that lead to the web."""
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
        "suppressed": suppression_facts(found.suppressed) if found.suppressed else None,
    }


def suppression_facts(rule: Suppressed) -> Facts:
    """Return the rule that takes a vulnerability out of the gate."""
    return {
        "rule": name(rule.rule),
        "reason": message(rule.reason),
        "by": name(rule.by),
        "until": rule.until.isoformat() if rule.until else None,
    }


def moment(when: datetime | None) -> str | None:
    """Return a time in ISO 8601."""
    return when.isoformat() if when else None


def _package(package: Package) -> Facts:
    return {"name": name(package.name), "version": name(package.version), "namespace": name(package.namespace)}


def _rating(rating: Rating) -> Facts:
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


def _cvss(cvss: Cvss) -> Facts:
    return {
        "version": name(cvss.version),
        "vector": name(cvss.vector),
        "score": cvss.score,
        "source": name(cvss.source),
    }
