"""Makes findings of Grype's matches. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portus_scanners import Cvss, Finding, FixState, Package, Severity, VendorRating
from portus_scanners.backends import one_line, web_links

from .wire import Artifact, Distro, Fix, Match, Rating, Vulnerability

_NO_SEVERITY = frozenset({"", "unknown"})
_MOST_DETAILS = 20


class FindingMaker:
    """Makes findings.

    Args:
        distro: The distribution, if one was recognised.
        layers: Digests of the layers by what Grype calls them: the digests of their archives (diff ids).
    """

    def __init__(self, distro: Distro | None, layers: Mapping[str, str]) -> None:
        self._distro = distro
        self._layers = layers

    def make(self, match: Match) -> Finding:
        """Return the finding of a match."""
        one, package = match.vulnerability, match.artifact
        related = match.relatedVulnerabilities or ()
        cvss = tuple(
            dict.fromkeys(_ratings([*(one.cvss or ()), *(each for other in related for each in other.cvss or ())]))
        )
        word = (one.severity or "").strip()
        fix = one.fix or Fix(versions=(one.fixedInVersion,) if one.fixedInVersion else ())
        return Finding(
            id=one.id,
            aliases=tuple(
                dict.fromkeys(name for name in (other.id.strip() for other in related) if name not in {"", one.id})
            ),
            severity=_severity(word, cvss),
            severity_label=word,
            severity_source=one.source,
            vendor_ratings=tuple(_vendor_ratings(one, *related)),
            package=Package(package.name.strip(), (package.version or "").strip(), self._namespace(package)),
            source_package=_source_package(package),
            purl=(package.purl or "").strip(),
            path=_path(package),
            fix_state=FixState.from_word(fix.state or ""),
            fixed_by=tuple(dict.fromkeys(version for version in fix.versions or () if version)),
            links=web_links(_links(one, *related)),
            description=next((each.description for each in (one, *related) if each.description), ""),
            cvss=cvss,
            layer=self._layer(package),
            details=dict(_details(match, fix)),
        )

    def _namespace(self, package: Artifact) -> str:
        """Return the distribution and its release, or the type of a language's packages."""
        if package.of_distribution and self._distro:
            return ":".join(part for part in (self._distro.name, self._distro.version) if part)
        return package.type or ""

    def _layer(self, package: Artifact) -> str | None:
        """Return the digest of the layer that all files of a package are in; None if they are in several.

        The first location is the list of packages where there is one: it is in the last layer that has changed it,
        so that the files of the package itself count, where Grype names some.
        """
        layers = list(dict.fromkeys(layer for _, layer in package.places if layer))
        own = [layer for _, layer in list(package.places)[1:] if layer] if package.of_distribution else []
        chosen = list(dict.fromkeys(own)) or layers
        return self._layers.get(chosen[0]) if len(chosen) == 1 else None


def _severity(word: str, cvss: tuple[Cvss, ...]) -> Severity:
    """Return what the word means, or the severity of the highest score where the word means nothing."""
    if word.casefold() not in _NO_SEVERITY:
        return Severity.from_word(word)
    scores = (one.score for one in cvss if one.score is not None)
    return max(map(Severity.from_score, scores), default=Severity.UNKNOWN)


def _vendor_ratings(*several: Vulnerability) -> Iterator[VendorRating]:
    """Yield the severity that each source states; the first one of a source counts, and ``Unknown`` states none."""
    words = {one.source: (one.severity or "").strip() for one in reversed(several) if one.source}
    for source, word in sorted(words.items()):
        if word.casefold() not in _NO_SEVERITY:
            yield VendorRating(source=source, severity=Severity.from_word(word), label=word)


def _ratings(ratings: list[Rating]) -> Iterator[Cvss]:
    for rating in ratings:
        if rating.vector:
            score = rating.metrics.baseScore if rating.metrics else None
            yield Cvss.from_vector(rating.vector, version=rating.version or "", score=score, source=rating.source or "")


def _source_package(package: Artifact) -> Package | None:
    """Return the package that a distribution's package was built from; several say nothing certain."""
    names = {(one.name, one.version or package.version or "") for one in package.upstreams or () if one.name}
    if not package.of_distribution or len(names) != 1:
        return None
    ((name, version),) = names
    return Package(name or "", version)


def _path(package: Artifact) -> str:
    """Return the file in which a language's package was found; a distribution's are all in one list."""
    return "" if package.of_distribution else next((path for path, _ in package.places if path), "")


def _links(*several: Vulnerability) -> Iterator[str]:
    for one in several:
        yield one.dataSource or ""
        yield from one.urls or ()
        yield from (advisory.link or "" for advisory in one.advisories or ())


def _details(match: Match, fix: Fix) -> Iterator[tuple[str, str]]:
    """Yield what has no other member."""
    one = match.vulnerability
    ways = (" ".join(filter(None, (each.type, each.matcher))) for each in match.matchDetails or ())
    decorated = (one, *(match.relatedVulnerabilities or ()))
    values = {
        "namespace": [one.namespace],
        "match": ways,
        "advisories": (advisory.id for advisory in one.advisories or ()),
        "fix_available": _members([fix], "available", "version", "date", "kind"),
        "risk": [one.risk if isinstance(one.risk, int | float) and one.risk else ""],
        "epss": _members(decorated, "epss", "cve", "epss", "percentile", "date"),
        "known_exploited": _members(
            decorated, "knownExploited", "cve", "dateAdded", "dueDate", "knownRansomwareCampaignUse"
        ),
        "cwe_ids": _members(decorated, "cwes", "cwe"),
    }
    for name, found in values.items():
        words = dict.fromkeys(one_line(str(value)) for value in found if value)
        if words:
            yield name, ", ".join(list(words)[:_MOST_DETAILS])


def _members(several: Any, attribute: str, *names: str) -> Iterator[str]:
    """Yield the named members of each object in a free-form list, as one string."""
    for one in several:
        listed = getattr(one, attribute)
        for each in listed if isinstance(listed, list) else ():
            values = [each.get(name) for name in names] if isinstance(each, dict) else []
            yield " ".join(str(value) for value in values if isinstance(value, str | int | float) and value)
