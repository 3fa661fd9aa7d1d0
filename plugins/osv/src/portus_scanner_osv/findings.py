"""Makes findings of OSV's records, with scores of CVSS vectors. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cvss import CVSS2, CVSS3, CVSS4, CVSSError
from portus_scanners import Cvss, Finding, Package, Severity
from portus_scanners.backends import web_links

from .queries import Query
from .wire import Affected, Severity as OsvSeverity, Vulnerability

PAGE = "https://osv.dev/vulnerability/{}"
_KINDS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "CVSS_V4": ("4.0", CVSS4),
    "CVSS_V3": ("3", CVSS3),
    "CVSS_V2": ("2.0", CVSS2),
}
"""CVSS versions by OSV's types, the newest first."""
_WORDS = {"moderate": Severity.MEDIUM}


def make_finding(one: Vulnerability, query: Query, package: Package) -> Finding:
    """Return the finding that a record means for a package.

    Args:
        one: The record.
        query: The query, with the package's name in the record.
        package: The package, as the SBOM names it.
    """
    affected = [entry for entry in one.affected or () if _is_about(entry, query)]
    severities = [*(each for entry in affected for each in entry.severity or ()), *(one.severity or ())]
    ratings = _read_ratings(severities)
    word = _word(one.database_specific, *(entry.database_specific for entry in affected)) or _read_word(severities)
    name = find_id(one)
    return Finding(
        id=name,
        aliases=tuple(dict.fromkeys(other for other in names_of(one) if other != name)),
        severity=_WORDS.get(word.casefold(), Severity.from_word(word)) if word else _severity_of(ratings),
        severity_label=word,
        package=package,
        fixed_by=tuple(dict.fromkeys(_fixes(affected))),
        links=web_links([PAGE.format(one.id), *(link.url for link in one.references or ())]),
        title=" ".join((one.summary or "").split()),
        description=one.details or "",
        cvss=ratings,
        details={"osv_id": one.id},
    )


def find_id(one: Vulnerability) -> str:
    """Return the only CVE that a record is about, so that several scanners' findings match, or else its own id."""
    cves = {name for name in names_of(one) if name.startswith("CVE-")}
    return cves.pop() if len(cves) == 1 else one.id


def names_of(one: Vulnerability) -> Iterator[str]:
    """Yield the names of the vulnerabilities that a record is about.

    ``aliases`` are names of the same vulnerability, ``upstream`` what a distribution's record or advisory is about.
    ``related`` are other vulnerabilities, by the schema.
    """
    yield one.id
    yield from (name for name in (*(one.aliases or ()), *(one.upstream or ())) if name.strip())


def _is_about(entry: Affected, query: Query) -> bool:
    package = entry.package
    if package is None or package.name.casefold() != query.name.casefold():
        return False
    return bool(query.purl) or package.ecosystem == query.ecosystem


def _fixes(affected: list[Affected]) -> Iterator[str]:
    for entry in affected:
        for versions in entry.ranges or ():
            if versions.type != "GIT":
                yield from (event.fixed for event in versions.events if event.fixed)


def _word(*specific: Any) -> str:
    """Return the severity that a database adds outside of the schema, such as GitHub's ``MODERATE``."""
    words = [one.get("severity") for one in specific if isinstance(one, Mapping)]
    return next((word.strip() for word in words if isinstance(word, str) and word.strip()), "")


def _severity_of(ratings: tuple[Cvss, ...]) -> Severity:
    return next((Severity.from_score(one.score) for one in ratings if one.score is not None), Severity.UNKNOWN)


def _read_ratings(severities: Iterable[OsvSeverity]) -> tuple[Cvss, ...]:
    """Return the CVSS ratings among OSV's severities, the newest version first; an invalid vector has no score."""
    found = [one for one in severities if one.type in _KINDS]
    return tuple(_rating(one) for one in sorted(found, key=lambda one: list(_KINDS).index(one.type)))


def _read_word(severities: Iterable[OsvSeverity]) -> str:
    """Return the first severity that is a word, as distributions use them."""
    return next((one.score.strip() for one in severities if one.type not in _KINDS), "")


def _rating(one: OsvSeverity) -> Cvss:
    version, kind = _KINDS[one.type]
    try:
        score: float | None = float(kind(one.score).base_score)
    except CVSSError:
        score = None
    return Cvss.from_vector(one.score, version=version, score=score)
