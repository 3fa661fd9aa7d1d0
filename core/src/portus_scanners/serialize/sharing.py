"""What a vulnerability shares with the findings that it was merged from is written once, with the findings.

In JSON a vulnerability says where its findings are: ``"findings": [[0, 17]]`` is ``results[0].report.findings[17]``.
What these say together is left out of it: the members in `SAID_TOGETHER`, the longest of a document. A member that is
there goes before, so that nothing is lost where a vulnerability says something else than its findings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ..merge import SAID_TOGETHER, finding_order
from ..models import Finding, ImageReport, Package, Vulnerability

Place = tuple[int, int]
"""Where a finding is: the number of its run, and its own in the report; both from 0."""
FINDINGS = "findings"
"""The member of a vulnerability that says where its findings are."""
_MOST_LOOKED_UP = 1_000
"""Names of a vulnerability times its packages; one with more says everything itself."""
_MOST_SHARED = 10_000_000
"""Links and findings, all vulnerabilities of a report together; a small file could else mean any number of them."""


class FindingPlaces:
    """Where the findings of each vulnerability of one report are."""

    def __init__(self, report: ImageReport) -> None:
        self._room = _MOST_SHARED
        self._places: dict[tuple[str, str, Package], list[tuple[Place, Finding]]] = defaultdict(list)
        for number, run in enumerate(report.results):
            for place, finding in enumerate(run.report.findings if run.report else ()):
                self._places[run.scanner, finding.id, finding.package].append(((number, place), finding))

    def leave_out_shared(self, found: Vulnerability, value: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON value of a vulnerability as it is written, without what its findings say."""
        places = self._find(found)
        findings = [finding for _, finding in places]
        self._room -= sum(len(finding.links) + 1 for finding in findings)
        if not places or self._room < 0:
            return value
        for name, (member, together) in SAID_TOGETHER.items():
            own = getattr(found, name)
            if own == together(getattr(finding, member) for finding in findings):
                value.pop(name, None)
            else:
                value[name] = own
        value[FINDINGS] = [place for place, _ in places]
        return value

    def _find(self, found: Vulnerability) -> Sequence[tuple[Place, Finding]]:
        """Return the findings with the names and packages of a vulnerability, in the order in which they are merged."""
        names = {(rating.scanner, rating.id): None for rating in found.ratings}
        if len(names) * len(found.packages) > _MOST_LOOKED_UP:
            return ()
        keys = [(*name, package) for name in names for package in found.packages]
        places = [(key[0], one) for key in keys if key in self._places for one in self._places[key]]
        if len(places) > 1:
            places.sort(key=lambda one: finding_order(one[0], one[1][1], found.id))
        return [one for _, one in places]


def fill_in_shared(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the JSON value of a report with every vulnerability whole.

    Raises:
        ValueError: A vulnerability names a finding that is not there.
    """
    found = report.get("vulnerabilities")
    if not isinstance(found, list):
        return report  # the converter says so
    filled, room = [], _MOST_SHARED
    for number, value in enumerate(found):
        whole = value
        if isinstance(value, Mapping) and FINDINGS in value:
            try:
                findings = [_finding(report, place) for place in value[FINDINGS]]
                room -= sum(len(finding.get("links", ())) + 1 for finding in findings)
                if room >= 0:
                    whole = {**_shared(findings), **value}
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                raise ValueError(f"vulnerabilities[{number}].{FINDINGS}: there is no such finding") from error
        filled.append(whole)
    if room < 0:
        raise ValueError(f"the vulnerabilities have more than {_MOST_SHARED:,} links and findings")
    return {**report, "vulnerabilities": filled}


def _shared(findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what findings say together, as JSON values; what their members are is checked where they stand."""
    return {
        name: together(finding.get(member, "") for finding in findings)
        for name, (member, together) in SAID_TOGETHER.items()
    }


def _finding(report: Mapping[str, Any], place: Any) -> Any:
    run, number = place
    if type(run) is not int or type(number) is not int or run < 0 or number < 0:
        raise LookupError(place)
    return report["results"][run]["report"]["findings"][number]
