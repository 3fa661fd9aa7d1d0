"""Grype's own JSON.

Grype lists no packages: where it recognised no distribution and matched nothing, nothing shows that it saw anything.

Source: anchore/grype, ``grype/presenter/models``, 2020 to 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from attrs import field, frozen
from attrs.validators import min_len
from portus_scanners import (
    Cvss,
    Database,
    EndOfLife,
    Finding,
    FixState,
    Package,
    ScannerReport,
    Severity,
    UnsupportedImageError,
)
from portus_scanners.backends import one_line, read_time, structure_answer, unique_findings, web_links

from ..subject import Reading, Subject

WHAT = "Grype's report"
SYSTEM_PACKAGES = frozenset({"deb", "rpm", "apk", "alpm", "portage"})
"""Grype's types of packages that a distribution brings."""
_IMAGE = "image"
_OLDEST_DATABASE = timedelta(hours=120)
"""Grype's own limit at the time of a scan, ``db.max-allowed-built-age``; with an older database it exits with an error,
unless it was told not to look."""
_LONGEST = 200
_MOST_ALERTS = 5
_PROVIDERS = frozenset(
    {"alpine", "amazon", "chainguard", "debian", "mariner", "oracle", "rhel", "sles", "ubuntu", "wolfi"}
)
"""What the databases of those versions have had whose reports do not list their providers."""
_OTHER_PROVIDERS = {
    **dict.fromkeys(("redhat", "centos", "rocky", "rockylinux", "alma", "almalinux", "scientific", "sl"), "rhel"),
    "alpaquita": "bellsoft",
    "amzn": "amazon",
    "azurelinux": "mariner",
    "clnstrt": "cleanstart",
    "ol": "oracle",
    "postmarketos": "alpine",
    "raspbian": "debian",
}
"""The providers of Grype's database whose data serves a distribution of another name."""
_PARENTS = {"alpine", "debian", "ubuntu"}
"""Distributions that others are made from, with releases of their own numbers. None of them is like itself; what has no
``os-release`` (CentOS 6) is, for Grype."""
_LEFT_OUT = {"exclude": "some files of the image", "exclude-providers": "the data of some providers"}
"""What Grype was told to leave out, by the key of its configuration."""
_END_OF_LIFE, _DISABLED = "distro-eol", "distro-disabled"


@frozen
class Metrics:
    """Scores."""

    baseScore: float | None = None


@frozen
class Rating:
    """One CVSS rating."""

    version: str | None = None
    vector: str | None = None
    source: str | None = None
    metrics: Metrics | None = None


@frozen
class Fix:
    """What fixes the vulnerability."""

    versions: tuple[str, ...] | None = None
    state: str | None = None


@frozen
class Vulnerability:
    """A vulnerability, as one source describes it."""

    id: str = field(validator=min_len(1))
    dataSource: str | None = None
    namespace: str | None = None
    severity: str | None = None
    urls: tuple[str, ...] | None = None
    description: str | None = None
    cvss: tuple[Rating, ...] | None = None
    fix: Fix | None = None
    fixedInVersion: str | None = None
    """Of old versions, which have no ``fix``."""


@frozen
class Upstream:
    """The package that a package was built from."""

    name: str | None = None
    version: str | None = None


@frozen
class Artifact:
    """A package."""

    name: str
    version: str | None = None
    type: str | None = None
    purl: str | None = None
    upstreams: tuple[Upstream, ...] | None = None
    locations: Any = None
    """Objects with a ``path``; of old versions, paths."""


@frozen
class RelatedVulnerability:
    """The CVE of GitHub's or a distribution's advisory."""

    id: str


@frozen
class Match:
    """One vulnerability in one package."""

    vulnerability: Vulnerability
    artifact: Artifact
    relatedVulnerabilities: tuple[RelatedVulnerability, ...] | None = None
    """Other names; for an advisory, the vulnerabilities that it is about."""


@frozen
class Source:
    """What was scanned, such as ``image`` or ``directory``."""

    type: str
    target: Any = None


@frozen
class Distro:
    """The distribution; its name is empty if none was recognised."""

    name: str | None = None
    version: str | None = None
    idLike: Any = None
    """What it is like; of old versions a string."""

    @property
    def words(self) -> str:
        """The distribution and its release."""
        return one_line(f"{self.name or ''} {self.version or ''}".strip(), _LONGEST)


@frozen
class Alert:
    """What Grype says of a package beside its vulnerabilities."""

    type: str | None = None
    message: str | None = None


@frozen
class PackageAlerts:
    """The alerts about one package."""

    alerts: tuple[Alert, ...] | None = None


@frozen
class Descriptor:
    """The version of Grype, its configuration, the time of the scan, the database."""

    name: str | None = None
    version: str | None = None
    configuration: Any = None
    timestamp: str | None = None
    db: Any = None

    @property
    def words(self) -> str:
        """The program and its version."""
        return one_line(f"Grype {self.version or ''}".strip(), _LONGEST)


@frozen
class GrypeReport:
    """The document."""

    matches: tuple[Match, ...]
    ignoredMatches: tuple[Any, ...] | None = None
    alertsByPackage: tuple[PackageAlerts, ...] | None = None
    source: Source | None = None
    distro: Distro | None = None
    descriptor: Descriptor = field(factory=Descriptor)

    @property
    def alerts(self) -> dict[str, str]:
        """The message of the first alert of each type."""
        found: dict[str, str] = {}
        for package in self.alertsByPackage or ():
            for alert in package.alerts or ():
                found.setdefault(alert.type or "", alert.message or "")
        return found


def read(document: Any) -> Reading:
    """Return what a report of Grype says.

    Raises:
        UnsupportedImageError: Grype matched nothing, and recognised no distribution, or has no data for it.
        InvalidReportError: The document is not a report of Grype.
    """
    grype = structure_answer(document, GrypeReport, WHAT)
    if not (grype.distro and grype.distro.name) and not grype.matches and not grype.ignoredMatches:
        raise UnsupportedImageError(
            "Grype recognised no distribution and matched no package: the image is not known to be clean"
        )
    made = read_time(grype.descriptor.timestamp or "")
    unseen, ignored = tuple(_unseen(grype, made)), []
    if grype.ignoredMatches:
        ignored = [f"matches ignored by whoever made the report, and left out: {len(grype.ignoredMatches)}"]
    report = ScannerReport(
        findings=unique_findings(_finding(match, grype.distro) for match in grype.matches),
        complete=not unseen,
        notes=(*unseen, *ignored),
        scanner_version=grype.descriptor.words,
        database=_identify(grype.descriptor),
        end_of_life=_end_of_life(grype),
    )
    return Reading(report=report, subjects=(_subject(grype),), made=made)


def _subject(grype: GrypeReport) -> Subject:
    source = grype.source
    if source is None or source.type != _IMAGE or not isinstance(source.target, dict):
        return Subject()
    target = source.target
    tags, digests = target.get("tags"), target.get("repoDigests")
    return Subject(
        configs=(target.get("imageID"),),
        digests=(target.get("manifestDigest"), *(digests if isinstance(digests, list) else ())),
        names=(target.get("userInput"), *(tags if isinstance(tags, list) else ())),
    )


def _unseen(grype: GrypeReport, made: datetime | None) -> Iterator[str]:
    """Yield the reasons why not all of the image was scanned, or why that is not known."""
    if grype.source is not None and grype.source.type != _IMAGE:
        yield f"Grype scanned no image, but a {one_line(grype.source.type, _LONGEST)}: there may be more in the image"
    if not (grype.distro and grype.distro.name):
        yield "Grype recognised no distribution: its packages were not scanned"
    elif doubt := _doubt_of(grype.distro, grype):
        yield f"{doubt}: its packages match nothing"
    yield from _alerts(grype)
    yield from _database_faults(grype.descriptor, made)
    configuration = grype.descriptor.configuration
    for key, what in _LEFT_OUT.items() if isinstance(configuration, dict) else ():
        if configuration.get(key):
            yield f"Grype was told to leave out {what} ({key})"


def _doubt_of(distro: Distro, grype: GrypeReport) -> str:
    """Return why the database may have no data for the distribution; empty where it has some.

    What Grype does not know by name it takes for what that is like, and looks for its release among the other's.
    """
    if any(":distro:" in (match.vulnerability.namespace or "") for match in grype.matches):
        return ""
    name = (distro.name or "").casefold()
    if name in _PARENTS and isinstance(distro.idLike, list) and name in distro.idLike:
        return f"Grype takes the distribution for {distro.words}, which it is only like"
    if not (distro.version or "").strip():
        return f"Grype does not say which release of the distribution ({distro.words}) this is"
    stated = grype.descriptor.db.get("providers") if isinstance(grype.descriptor.db, dict) else None
    providers = filter(None, map(str.casefold, stated)) if isinstance(stated, dict) and stated else _PROVIDERS
    names = tuple(filter(None, (name, _OTHER_PROVIDERS.get(name))))
    doubt = f"Grype's database has no data for the distribution ({distro.words})"
    if any(one.startswith(provider) for provider in providers for one in names):
        return ""
    if stated and not grype.matches:
        raise UnsupportedImageError(f"{doubt}: the image is not known to be clean")
    return doubt


def _alerts(grype: GrypeReport) -> Iterator[str]:
    """Yield why packages were not compared with any vulnerabilities; one sentence for each kind of alert."""
    others = {kind: text for kind, text in grype.alerts.items() if kind != _END_OF_LIFE}
    for kind, text in list(others.items())[:_MOST_ALERTS]:
        if kind == _DISABLED:
            yield "Grype does not look for vulnerabilities in the packages of this distribution"
        else:
            yield f"Grype warns of packages: {one_line(text or kind, _LONGEST)}"


def _end_of_life(grype: GrypeReport) -> EndOfLife | None:
    if _END_OF_LIFE not in grype.alerts:
        return None
    return EndOfLife(source=grype.descriptor.words, distribution=grype.distro.words if grype.distro else "")


def _database(descriptor: Descriptor) -> dict[str, Any]:
    """Return what is known of the database; newer versions nest that one level deeper."""
    database = descriptor.db if isinstance(descriptor.db, dict) else {}
    status = database.get("status", database)
    return status if isinstance(status, dict) else {}


def _member(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    return one_line(str(value), _LONGEST) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _identify(descriptor: Descriptor) -> Database | None:
    """Return schema and date of the database; None where no date is said, since the schema alone stays the same."""
    schema, built = (_member(_database(descriptor), name) for name in ("schemaVersion", "built"))
    updated = read_time(built)
    return Database(identity=f"{schema} {built}".strip(), updated=updated) if updated else None


def _database_faults(descriptor: Descriptor, made: datetime | None) -> Iterator[str]:
    """Yield why the database may not have all vulnerabilities."""
    status = _database(descriptor)
    if status.get("error") or status.get("valid") is False:
        why = _member(status, "error") or "it is not valid"
        yield f"Grype's database was out of order: {one_line(why, _LONGEST)}"
    database = _identify(descriptor)
    built = database.updated if database else None
    if built is not None and made is not None and made - built > _OLDEST_DATABASE and not _is_checked(descriptor):
        yield f"Grype's database was {(made - built).days} days old, and Grype was told not to look at its age"


def _is_checked(descriptor: Descriptor) -> bool:
    """Return whether Grype itself has compared the age of the database with the limit that it was given."""
    configuration = descriptor.configuration if isinstance(descriptor.configuration, dict) else {}
    database = configuration.get("db")
    return isinstance(database, dict) and database.get("validate-age") is True


def _finding(match: Match, distro: Distro | None) -> Finding:
    one, package = match.vulnerability, match.artifact
    names = (related.id.strip() for related in match.relatedVulnerabilities or ())
    word = (one.severity or "").strip()
    fix = one.fix or Fix(versions=(one.fixedInVersion,) if one.fixedInVersion else ())
    return Finding(
        id=one.id,
        aliases=tuple(dict.fromkeys(name for name in names if name and name != one.id)),
        severity=Severity.from_word(word),
        severity_label=word,
        package=Package(package.name.strip(), (package.version or "").strip(), _namespace(package, distro)),
        source_package=_source_package(package),
        purl=package.purl or "",
        path=_path(package),
        fix_state=FixState.from_word(fix.state or ""),
        fixed_by=tuple(version for version in fix.versions or () if version),
        links=web_links([one.dataSource or "", *(one.urls or ())]),
        description=one.description or "",
        cvss=tuple(_ratings(one)),
        details={"namespace": one.namespace} if one.namespace else {},
    )


def _namespace(package: Artifact, distro: Distro | None) -> str:
    if package.type in SYSTEM_PACKAGES and distro and distro.name:
        return ":".join(part for part in (distro.name, distro.version) if part)
    return package.type or ""


def _source_package(package: Artifact) -> Package | None:
    """Return the package that a distribution's package was built from; several say nothing certain."""
    names = {(one.name, one.version or package.version or "") for one in package.upstreams or () if one.name}
    if package.type not in SYSTEM_PACKAGES or len(names) != 1:
        return None
    ((name, version),) = names
    return Package(name or "", version)


def _path(package: Artifact) -> str:
    """Return the file in which a language's package was found; a distribution's are all in one database."""
    first = package.locations[0] if isinstance(package.locations, list) and package.locations else None
    path = first.get("path") if isinstance(first, dict) else first
    return path if isinstance(path, str) and package.type not in SYSTEM_PACKAGES else ""


def _ratings(one: Vulnerability) -> Iterator[Cvss]:
    for rating in one.cvss or ():
        if rating.vector:
            score = rating.metrics.baseScore if rating.metrics else None
            yield Cvss.from_vector(rating.vector, version=rating.version or "", score=score, source=rating.source or "")
