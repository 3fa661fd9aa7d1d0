"""Grype's JSON: its report, the state of its database, and what it lists in CycloneDX.

The classes have the names and keys of Grype's documents, as far as they are used; other keys are ignored. Grype writes
``null`` for many an empty list; only ``matches`` may not be one: taking that for "nothing known" would call an image
clean. Optional decorations, such as EPSS, are free-form: what can't be understood of them is left out.

Source: anchore/grype, ``grype/presenter/models``, 2020 to 2026 (0.7 to 0.121); ``cmd/grype/cli/commands/db_status.go``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from attrs import field, frozen
from attrs.validators import min_len
from portus_scanners import Database
from portus_scanners.backends import one_line, read_json, read_time, structure_answer

REPORT, SBOM, STATUS = "Grype's report", "Grype's list of packages", "Grype's database status"
_LONGEST = 200
SYSTEM_PACKAGES = frozenset({"deb", "rpm", "apk", "alpm", "portage"})
"""Grype's types of packages that a distribution brings."""
_PACKAGE_TYPE = "syft:package:type"


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
    available: Any = None
    """When each version became available."""


@frozen
class Advisory:
    """A distribution's advisory about the fix."""

    id: str | None = None
    link: str | None = None


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
    advisories: tuple[Advisory, ...] | None = None
    risk: Any = None
    epss: Any = None
    knownExploited: Any = None
    cwes: Any = None

    @property
    def source(self) -> str:
        """Who describes it: ``debian`` for the namespace ``debian:distro:debian:12``."""
        return (self.namespace or "").partition(":")[0]

    @property
    def of_distribution(self) -> bool:
        """Whether a distribution describes it."""
        return ":distro:" in (self.namespace or "")


@frozen
class MatchDetail:
    """How a match was found."""

    type: str | None = None
    matcher: str | None = None


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
    """Objects with a ``path`` and a ``layerID``; of old versions, paths."""

    @property
    def of_distribution(self) -> bool:
        """Whether a distribution brings it."""
        return self.type in SYSTEM_PACKAGES

    @property
    def places(self) -> Iterator[tuple[str, str]]:
        """The path and the layer of each location; the layer may be empty."""
        for one in self.locations if isinstance(self.locations, list) else ():
            values = (one.get("path"), one.get("layerID")) if isinstance(one, dict) else (one, "")
            path, layer = (value if isinstance(value, str) else "" for value in values)
            yield path, layer


@frozen
class Match:
    """One vulnerability in one package."""

    vulnerability: Vulnerability
    artifact: Artifact
    relatedVulnerabilities: tuple[Vulnerability, ...] | None = None
    """Other descriptions; for an advisory, the vulnerabilities that it is about."""
    matchDetails: tuple[MatchDetail, ...] | None = None


@frozen
class Source:
    """What was scanned, such as ``image`` or ``directory``."""

    type: str
    target: Any = None

    def member(self, name: str) -> Any:
        """Return a member of the target; None if there is none."""
        return self.target.get(name) if isinstance(self.target, dict) else None


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
class DatabaseStatus:
    """The database, as ``grype db status -o json`` describes it, and each report."""

    schemaVersion: Any = None
    """A string; of old versions, a number."""
    built: str | None = None
    valid: bool | None = None
    error: str | None = None

    @property
    def schema(self) -> str:
        """The version of the schema: ``v6.1.10``."""
        value = self.schemaVersion
        return one_line(str(value), _LONGEST) if isinstance(value, str | int) and not isinstance(value, bool) else ""

    @property
    def built_at(self) -> datetime | None:
        """When it was built; None where that is not said."""
        return read_time(self.built or "")

    @property
    def identity(self) -> Database | None:
        """Schema and date; None where no date is said, since the schema alone stays when the data changes."""
        if self.built_at is None:
            return None
        return Database(identity=f"{self.schema} {self.built}".strip(), updated=self.built_at)

    @property
    def fault(self) -> str:
        """Why it can't be used; empty if it can."""
        if self.error:
            return one_line(self.error, _LONGEST)
        return "it is not valid" if self.valid is False else ""


@frozen
class Descriptor:
    """The version of Grype, its configuration, the time of the scan, the database."""

    version: str | None = None
    configuration: Any = None
    timestamp: str | None = None
    db: Any = None

    @property
    def words(self) -> str:
        """The program and its version."""
        return one_line(f"Grype {self.version or ''}".strip(), _LONGEST)

    @property
    def database(self) -> DatabaseStatus:
        """The database; newer versions nest it one level deeper.

        Raises:
            InvalidReportError: It has another form.
        """
        members = self.db if isinstance(self.db, dict) else {}
        return structure_answer(members.get("status", members), DatabaseStatus, f"{REPORT}: $.descriptor.db")

    @property
    def providers(self) -> tuple[str, ...]:
        """Whose data the database has, in lower case; empty where the report does not list them."""
        members = self.db.get("providers") if isinstance(self.db, dict) else None
        return tuple(name.casefold() for name in members if name) if isinstance(members, dict) else ()

    def setting(self, *path: str) -> Any:
        """Return a value of Grype's configuration; None if there is none."""
        value = self.configuration
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value


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
    def recognised(self) -> Distro | None:
        """The distribution, if one was recognised."""
        return self.distro if self.distro and self.distro.name else None

    @property
    def alerts(self) -> dict[str, str]:
        """The message of the first alert of each type."""
        found: dict[str, str] = {}
        for package in self.alertsByPackage or ():
            for alert in package.alerts or ():
                found.setdefault(alert.type or "", alert.message or "")
        return found


@frozen
class Property:
    """A name and a value."""

    name: str | None = None
    value: str | None = None


@frozen
class Component:
    """CycloneDX: a package, or something else in the image."""

    type: str
    properties: tuple[Property, ...] | None = None

    @property
    def package_type(self) -> str:
        """Grype's type of the package; empty for a file, or the distribution itself."""
        return next((one.value or "" for one in self.properties or () if one.name == _PACKAGE_TYPE), "")


@frozen
class CycloneDx:
    """The document."""

    components: tuple[Component, ...] | None = None

    @property
    def types(self) -> frozenset[str]:
        """The types of the packages that Grype has seen."""
        return frozenset(one.package_type for one in self.components or ()) - {""}


def read_report(content: bytes) -> GrypeReport:
    """Return a report.

    Raises:
        InvalidReportError: The content is not JSON, or not a report of Grype.
    """
    return structure_answer(read_json(content, REPORT), GrypeReport, REPORT)


def read_sbom(content: bytes) -> CycloneDx:
    """Return what Grype has seen in the image.

    Raises:
        InvalidReportError: The content is not JSON, or not a list of packages.
    """
    return structure_answer(read_json(content, SBOM), CycloneDx, SBOM)


def read_status(content: bytes) -> DatabaseStatus:
    """Return the state of the database.

    Raises:
        InvalidReportError: The content is not JSON, or not a state of a database.
    """
    return structure_answer(read_json(content, STATUS), DatabaseStatus, STATUS)
