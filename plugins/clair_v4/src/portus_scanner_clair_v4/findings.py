"""Makes findings of Clair's report. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from attrs import frozen
from portus_scanners import (
    Cvss,
    Finding,
    FixState,
    Image,
    InvalidReportError,
    Package,
    ScannerReport,
    Severity,
    UnsupportedImageError,
    VendorRating,
)
from portus_scanners.backends import one_line, read_time, unique_findings, web_links

from .coverage import ADVICE, ClairData, UpdaterCoverage, namespace_of, no_data_for
from .wire import Environment, Package as InstalledPackage, Vulnerability, VulnerabilityReport

WHAT = "Clair's vulnerability report"
_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}", re.ASCII)
_ALIAS = "https://osv.dev/vulnerability/"
"""How the addresses begin that Clair makes of the other names in OSV's advisories."""
_ENRICHER = re.compile(r"enricher=clair\.([a-z]+)", re.ASCII)
_VECTOR = "CVSS:"
_UNKNOWN = "unknown"
_LONGEST_ID = 200


def make_report(report: VulnerabilityReport, image: Image, data: ClairData) -> ScannerReport:
    """Return the scanner's report; incomplete where Clair has no data, or does not tell whether it has.

    Args:
        report: Clair's report.
        image: The image that was asked about.
        data: What is known of Clair's data since before the report was asked for.

    Raises:
        UnsupportedImageError: Clair recognised nothing, or has no data for anything that it recognised.
        InvalidReportError: The report is about another image, or contradicts itself.
    """
    _check_image(report, image)
    packages = report.packages or {}
    if not packages:
        names = ", ".join(namespace_of(one) for one in (report.distributions or {}).values())
        what = f"a distribution ({one_line(names)}), but none of its packages" if names else "nothing"
        raise UnsupportedImageError(f"Clair recognised {what} in this image: it is not known to be clean")
    findings = unique_findings(_findings(report, packages))
    coverage = UpdaterCoverage.of(report, data.updaters)
    if not findings and coverage.uncovered and not coverage.covered and not coverage.untold:
        raise UnsupportedImageError(f"{no_data_for(coverage.uncovered)}: nothing was checked; {ADVICE}")
    notes = tuple(coverage.notes)
    return ScannerReport(
        findings=findings,
        complete=not notes,
        notes=notes,
        database=data.database,
    )


def _check_image(report: VulnerabilityReport, image: Image) -> None:
    if report.manifest_hash != image.digest:
        fault = f"$.manifest_hash: expected {image.digest}, got {report.manifest_hash!r:.100}"
        raise InvalidReportError(f"{WHAT} is about another image", faults=[fault])
    layers = {layer.digest for layer in image.layers}
    for key, some in (report.environments or {}).items():
        for one in some or ():
            if one.introduced_in not in layers:
                fault = f"$.environments.{key:.40}: the image has no layer {one.introduced_in!r:.100}"
                raise InvalidReportError(f"{WHAT} is about the layers of another image", faults=[fault])


def _findings(report: VulnerabilityReport, packages: Mapping[str, InstalledPackage]) -> Iterator[Finding]:
    """Yield a finding for each vulnerability of each package; every one that the report has must belong to one."""
    enrichments, used = _Enrichments.of(report), set[str]()
    for package, keys in (report.package_vulnerabilities or {}).items():
        for key in keys or ():
            vulnerability = report.vulnerabilities.get(key)
            if vulnerability is None or package not in packages:
                fault = f"$.package_vulnerabilities.{package:.40}: {key!r:.40} or its package is not in the report"
                raise InvalidReportError(f"{WHAT} contradicts itself", faults=[fault])
            used.add(key)
            places = (report.environments or {}).get(package) or ()
            where = _Place.of(report, vulnerability, places)
            yield _finding(vulnerability, packages[package], where, enrichments.of_vulnerability(key))
    if left := report.vulnerabilities.keys() - used:
        fault = f"$.vulnerabilities: {len(left)} belong to no package, {min(left)!r:.40} is one"
        raise InvalidReportError(f"{WHAT} contradicts itself", faults=[fault])


@frozen
class _Place:
    """Where a vulnerable package is: its namespace, its file if it is a language's, its layer."""

    namespace: str
    path: str
    layer: str | None

    @classmethod
    def of(cls, report: VulnerabilityReport, one: Vulnerability, places: Sequence[Environment]) -> _Place:
        known_places = [one for one in places if one.distribution_id or one.repository_ids]  # rpm's come without, too
        place = next(iter((*known_places, *places)), Environment())
        layer, repository = place.introduced_in or None, one.repository
        if repository and repository.name and not repository.key:
            return cls(repository.name, place.package_db.partition(":")[2], layer)
        found = (report.distributions or {}).get(place.distribution_id)
        known = next((each for each in (one.distribution, found) if each and each.did), None)
        return cls(namespace_of(known) if known else "", "", layer)


def _finding(one: Vulnerability, installed: InstalledPackage, where: _Place, more: _Enrichments) -> Finding:
    names = _Names.of(one)
    word, vendor = one.normalized_severity or "", (one.severity or "").strip()
    ratings = more.cvss
    if vendor.startswith(_VECTOR):
        ratings, vendor = (Cvss.from_vector(vendor, source=one.updater or ""), *ratings), ""
    scores = [rating.score for rating in ratings if rating.score is not None]
    scored = bool(scores) and word.casefold() in {"", _UNKNOWN}
    fixes = _fixes(one.fixed_in_version or "")
    return Finding(
        id=names.id,
        aliases=names.aliases,
        title=names.title,
        severity=Severity.from_score(max(scores)) if scored else Severity.from_word(word),
        severity_label="" if scored else word,
        severity_source="CVSS" if scored else one.updater or "",
        vendor_ratings=_vendor_ratings(one.updater or "", vendor),
        package=Package(installed.name, installed.version, where.namespace),
        source_package=_source_of(installed, where.namespace),
        path=where.path,
        layer=where.layer,
        fix_state=FixState.FIXED if fixes else FixState.UNKNOWN,
        fixed_by=fixes,
        links=web_links((one.links or "").split()),
        description=one.description or "",
        cvss=ratings,
        published=_time(one.issued or ""),
        details=more.details,
    )


def _source_of(installed: InstalledPackage, namespace: str) -> Package | None:
    """Return what a package was built from, where that is another one."""
    source = installed.source
    if source is None or not source.name or (source.name, source.version) == (installed.name, installed.version):
        return None
    return Package(source.name, source.version or "", namespace)


@frozen
class _Names:
    """What a vulnerability is called: the only CVE that it is about, or else its own name, an advisory's."""

    id: str
    aliases: tuple[str, ...]
    title: str

    @classmethod
    def of(cls, one: Vulnerability) -> _Names:
        """Read the names in ``RHSA-2023:5837: nghttp2 security update (Important)``, or else in the links.

        Raises:
            InvalidReportError: It has no name.
        """
        text = one_line(one.name, _LONGEST_ID).strip()
        if not text:
            raise InvalidReportError(f"{WHAT} has a vulnerability without a name")
        first, _, rest = text.partition(" ")
        own = first.rstrip(":,") if any(letter.isdigit() for letter in first) else text
        others = dict.fromkeys(_CVE.findall(text) or _names_in_links(one.links or ""))
        cves = [name for name in others if _CVE.fullmatch(name)]
        name = cves[0] if len(cves) == 1 else own
        aliases = tuple(each for each in dict.fromkeys((own, *others)) if each != name)
        return cls(name, aliases, rest.strip() if own != text and rest else "")


def _names_in_links(links: str) -> list[str]:
    """Return the other names of an OSV advisory; of any other, the CVEs whose pages are linked."""
    exact = [link.removeprefix(_ALIAS) for link in links.split() if link.startswith(_ALIAS)]
    if exact:
        return [name for name in exact if name]
    return [name for link in links.split() for name in _CVE.findall(link.rpartition("/")[2])]


def _vendor_ratings(updater: str, word: str) -> tuple[VendorRating, ...]:
    if not updater or not word:
        return ()
    return (
        VendorRating(source=updater, severity=_VENDOR_WORDS.get(word.casefold(), Severity.from_word(word)), label=word),
    )


_VENDOR_WORDS = {"important": Severity.HIGH, "moderate": Severity.MEDIUM}
"""Words of vendors that are not among ours."""


def _fixes(text: str) -> tuple[str, ...]:
    """Return the versions that fix a vulnerability: a version, or the value of ``fixed`` in a URL's query."""
    if "=" not in text:
        return (text,) if text else ()
    return tuple(parse_qs(text).get("fixed", ()))


def _time(text: str) -> datetime | None:
    """Return when an advisory was issued; None for the zero of Go's time and for other nonsense."""
    found = read_time(text)
    return found if found and found.year > 1 else None


@frozen
class _Enrichments:
    """What enrichers add: objects by enricher and by the id of a vulnerability."""

    by_enricher: Mapping[str, Mapping[str, Sequence[Any]]]

    @classmethod
    def of(cls, report: VulnerabilityReport) -> _Enrichments:
        """Sort the enrichments of a report; those of enrichers without a place in a finding are left out."""
        found: dict[str, dict[str, list[Any]]] = {}
        for kind, parts in (report.enrichments or {}).items():
            if match := _ENRICHER.search(kind):
                by_id = found.setdefault(match[1], {})
                for part in parts or ():
                    for key, objects in part.items():
                        by_id.setdefault(key, []).extend(one for one in objects or () if isinstance(one, dict))
        return cls(found)

    def of_vulnerability(self, key: str) -> _Enrichments:
        """Return those of one vulnerability alone."""
        return _Enrichments({name: {"": by_id[key]} for name, by_id in self.by_enricher.items() if key in by_id})

    def _objects(self, enricher: str) -> Sequence[Any]:
        return self.by_enricher.get(enricher, {}).get("", ())

    @property
    def cvss(self) -> tuple[Cvss, ...]:
        """The ratings, each once; without a vector or a score it is none."""
        return tuple(dict.fromkeys(filter(None, map(_rating, self._objects("cvss")))))

    @property
    def details(self) -> Mapping[str, str]:
        """What has no member of its own in a finding, in the form of other scanners here."""
        epss = [_line(one, "cve", "epss", "percentile", "date") for one in self._objects("epss")]
        kev = [_line(one, "cve", "date_added", "known_ransomware_campaign_use") for one in self._objects("kev")]
        found = {"epss": ", ".join(filter(None, epss)), "known_exploited": ", ".join(filter(None, kev))}
        return {name: value for name, value in found.items() if value}


def _line(one: Mapping[str, Any], *names: str) -> str:
    values = [one.get(name) for name in names]
    return one_line(" ".join(str(value) for value in values if isinstance(value, str | int | float)), _LONGEST_ID)


def _rating(one: Mapping[str, Any]) -> Cvss | None:
    vector, version, score = one.get("vectorString"), one.get("version"), one.get("baseScore")
    vector = vector if isinstance(vector, str) else ""
    number = float(score) if isinstance(score, int | float) and not isinstance(score, bool) else None
    if not vector and number is None:
        return None
    return Cvss.from_vector(vector, version=version if isinstance(version, str) else "", score=number, source="NVD")
