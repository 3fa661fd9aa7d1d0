"""Trivy's own JSON.

The plugin that runs Trivy decides by the same rules how far a report has seen an image: the tests hold both to the same
cases. What Trivy only writes to its log (a release without advisories, packages that it left out) is not in the file.

Source: ``trivy image --format json`` of 0.59 and 0.76, ``SchemaVersion`` 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen
from attrs.validators import min_len
from portus_scanners import (
    Cvss,
    Database as DatabaseOfReport,
    EndOfLife,
    Finding,
    FixState,
    InvalidReportError,
    Package,
    ScannerReport,
    Severity,
    UnsupportedImageError,
)
from portus_scanners.backends import one_line, read_time, structure_answer, unique_findings, web_links

from ..subject import Reading, Subject

WHAT = "Trivy's report"
_SCHEMA = 2
_OS_PACKAGES, _LANGUAGES = "os-pkgs", "lang-pkgs"
_IMAGE = "container_image"
_VECTORS = (("V40", "4.0"), ("V3", "3"), ("V2", "2.0"))
_NUMBER = re.compile(r"[0-9]")
"""What each release that Trivy has advisories for has in its name; ``kali-rolling`` and ``trixie/sid`` have none."""
_LISTED_ONLY = frozenset({"conda-environment", "conda-pkg", "julia"})
"""Types of packages that Trivy lists for an SBOM, and compares with no advisories; Julia's up to 0.67."""
_LONGEST_NAME = 80
_HIGHEST_SCORE = 10


@frozen
class PackageLayer:
    """The layer that added a package."""

    Digest: str | None = None


@frozen
class PackageIdentifier:
    """Other names of a package."""

    PURL: str | None = None


@frozen
class Vulnerability:
    """One vulnerability in one package."""

    VulnerabilityID: str = field(validator=min_len(1))
    PkgName: str = field(validator=min_len(1))
    PkgID: str | None = None
    PkgPath: str | None = None
    PkgIdentifier: PackageIdentifier | None = None
    InstalledVersion: str | None = None
    FixedVersion: str | None = None
    Status: str | None = None
    Layer: PackageLayer | None = None
    SeveritySource: str | None = None
    PrimaryURL: str | None = None
    Title: str | None = None
    Description: str | None = None
    Severity: str | None = None
    CweIDs: tuple[str, ...] | None = None
    CVSS: Mapping[str, Any] | None = None
    References: tuple[str, ...] | None = None
    VendorIDs: tuple[str, ...] | None = None
    PublishedDate: str | None = None
    LastModifiedDate: str | None = None


@frozen
class InstalledPackage:
    """A package in the image, and the source package that it was built from."""

    ID: str | None = None
    SrcName: str | None = None
    SrcVersion: str | None = None
    SrcRelease: str | None = None
    SrcEpoch: int = 0


@frozen
class ModifiedFinding:
    """What Trivy itself has suppressed; there with ``--show-suppressed`` only."""

    Type: str | None = None


@frozen
class Result:
    """What was found in one part of the image: the distribution's packages, a lock file."""

    Target: str | None = None
    Class: str | None = None
    Type: str | None = None
    Packages: tuple[InstalledPackage, ...] = ()
    Vulnerabilities: tuple[Vulnerability, ...] = ()
    ExperimentalModifiedFindings: tuple[ModifiedFinding, ...] = ()

    @property
    def suppressed(self) -> int:
        """How many vulnerabilities are left out."""
        return sum(one.Type in {None, "", "vulnerability"} for one in self.ExperimentalModifiedFindings)


@frozen
class Distribution:
    """The distribution; its family is ``none`` if there are packages of one that Trivy did not recognise."""

    Family: str | None = None
    Name: str | None = None
    EOSL: bool | None = None

    @property
    def words(self) -> str:
        """The distribution and its release."""
        return one_line(f"{self.Family} {self.Name or ''}".strip(), _LONGEST_NAME)


@frozen
class ScanMetadata:
    """What was scanned."""

    OS: Distribution | None = None
    ImageID: Any = None
    RepoDigests: Any = None
    RepoTags: Any = None


@frozen
class Database:
    """The vulnerability database."""

    Version: int | None = None
    UpdatedAt: str | None = None


@frozen
class ServerVersions:
    """The server's versions."""

    VulnerabilityDB: Database | None = None


@frozen
class Program:
    """The program that scanned, and the server that it asked, if there was one."""

    Version: str | None = None
    Server: ServerVersions = field(factory=ServerVersions)

    @property
    def words(self) -> str:
        """The program and its version."""
        return one_line(f"Trivy {self.Version or ''}".strip(), _LONGEST_NAME)


@frozen
class TrivyReport:
    """The document."""

    SchemaVersion: int
    ArtifactName: str | None = None
    ArtifactType: str | None = None
    CreatedAt: str | None = None
    Metadata: ScanMetadata = field(factory=ScanMetadata)
    Results: tuple[Result, ...] | None = None
    Trivy: Program = field(factory=Program)

    @property
    def is_of_image(self) -> bool:
        """Whether an image was scanned, and not a file system, a repository or an SBOM; older versions do not say."""
        return self.ArtifactType in {None, "", _IMAGE}


def read(document: Any) -> Reading:
    """Return what a report of Trivy says.

    Raises:
        UnsupportedImageError: Trivy recognised nothing in the image, or did not look for packages.
        InvalidReportError: The document is not a report of schema 2.
    """
    trivy = structure_answer(document, TrivyReport, WHAT)
    if trivy.SchemaVersion != _SCHEMA:
        raise InvalidReportError(WHAT, faults=["$.SchemaVersion: only 2 is known"])
    system, results = trivy.Metadata.OS, trivy.Results or ()
    seen = [one for one in results if one.Packages or one.Vulnerabilities or one.suppressed]
    if not seen:
        raise UnsupportedImageError(_nothing_seen(system))
    unseen = tuple(_unseen(trivy, seen))
    report = ScannerReport(
        findings=unique_findings(_findings(trivy)),
        complete=not unseen,
        notes=(*unseen, *_suppressed(results)),
        scanner_version=trivy.Trivy.words,
        database=_identify(trivy.Trivy.Server.VulnerabilityDB or Database()),
        end_of_life=_end_of_life(trivy),
    )
    return Reading(report=report, subjects=(_subject(trivy),), made=read_time(trivy.CreatedAt or ""))


def _identify(database: Database) -> DatabaseOfReport | None:
    """Return schema and date of the database; None where no date is said, since the schema alone stays the same."""
    updated = read_time(database.UpdatedAt or "")
    if updated is None:
        return None
    schema = "" if database.Version is None else database.Version
    return DatabaseOfReport(identity=f"{schema} {database.UpdatedAt}".strip(), updated=updated)


def _subject(trivy: TrivyReport) -> Subject:
    metadata = trivy.Metadata
    tags = metadata.RepoTags if isinstance(metadata.RepoTags, list) else ()
    return Subject(
        configs=(metadata.ImageID,),
        digests=metadata.RepoDigests if isinstance(metadata.RepoDigests, list) else (),
        names=(trivy.ArtifactName, *tags) if trivy.is_of_image else tags,
    )


def _end_of_life(trivy: TrivyReport) -> EndOfLife | None:
    system = trivy.Metadata.OS
    if system is None or not system.EOSL:
        return None
    return EndOfLife(source=trivy.Trivy.words, distribution=system.words if _recognised(system) else "")


def _recognised(system: Distribution | None) -> bool:
    return system is not None and (system.Family or "").strip().casefold() not in {"", "none"}


def _nothing_seen(system: Distribution | None) -> str:
    if system is not None and _recognised(system):
        return (
            f"Trivy recognised the distribution ({system.words}), and its report has none of the packages: the image "
            "is not known to be clean; make the report with --scanners vuln --list-all-pkgs"
        )
    return "Trivy recognised nothing in the image, neither a distribution nor a package: it is not known to be clean"


def _unseen(trivy: TrivyReport, seen: Sequence[Result]) -> Iterator[str]:
    """Yield the reasons why not all of the image was scanned, or why that is not known."""
    system, classes = trivy.Metadata.OS, {one.Class for one in seen}
    if not trivy.is_of_image:
        kind = one_line(trivy.ArtifactType or "", _LONGEST_NAME)
        yield f"Trivy scanned no image, but something of the type {kind}: there may be more in the image"
    if system is None:
        yield "Trivy recognised no distribution, and scanned only the packages of languages: there may be others"
    elif not _recognised(system):
        yield "there are packages of a distribution that Trivy did not recognise: it scanned none of them"
    elif _OS_PACKAGES not in classes:
        yield f"Trivy scanned none of the packages of the distribution ({system.words}), only those of languages"
    elif not _NUMBER.search(system.Name or ""):
        yield f"Trivy does not know the number of this release ({system.words}): it has no advisories without one"
    if listed := sorted({one.Type for one in seen if one.Type in _LISTED_ONLY and not one.Vulnerabilities}):
        yield f"Trivy has no advisories for packages of the type {', '.join(listed)}: these packages were not checked"
    unknown = sorted({one_line(one or "none", _LONGEST_NAME) for one in classes - {_OS_PACKAGES, _LANGUAGES}})
    if unknown:
        yield f"Trivy's report has packages of a class that is not known here: {', '.join(unknown)}"


def _suppressed(results: Sequence[Result]) -> Iterator[str]:
    if number := sum(one.suppressed for one in results):
        yield f"vulnerabilities suppressed by whoever made the report, and left out: {number}"


def _findings(trivy: TrivyReport) -> Iterator[Finding]:
    for result in trivy.Results or ():
        sources = dict(_sources(result.Packages))
        namespace = _namespace(trivy.Metadata.OS, result)
        target = result.Target or ""
        file = target if result.Class != _OS_PACKAGES and ("/" in target or "." in target) else ""
        for one in result.Vulnerabilities:
            yield _finding(one, namespace, sources.get(one.PkgID or ""), file)


def _sources(packages: Sequence[InstalledPackage]) -> Iterator[tuple[str, Package]]:
    """Yield the ID of each package, and the source package that it was built from."""
    for package in packages:
        if package.ID and package.SrcName:
            version = "-".join(part for part in (package.SrcVersion, package.SrcRelease) if part)
            yield package.ID, Package(package.SrcName, f"{package.SrcEpoch}:{version}" if package.SrcEpoch else version)


def _namespace(system: Distribution | None, result: Result) -> str:
    """Return the distribution's name and version, or the kind of a language's packages."""
    if result.Class == _OS_PACKAGES and system is not None and system.Family:
        return ":".join(part for part in (system.Family, system.Name) if part)
    return result.Type or ""


def _finding(one: Vulnerability, namespace: str, source: Package | None, file: str) -> Finding:
    word, ratings = (one.Severity or "").strip(), tuple(_ratings(one.CVSS or {}))
    details = {"status": one.Status or "", "cwe_ids": " ".join(one.CweIDs or ())}
    return Finding(
        id=one.VulnerabilityID,
        aliases=tuple(dict.fromkeys(name.strip() for name in one.VendorIDs or () if name.strip())),
        severity=_severity(word, ratings),
        severity_label=word,
        severity_source=one.SeveritySource or "",
        package=Package(one.PkgName.strip(), (one.InstalledVersion or "").strip(), namespace),
        source_package=source,
        purl=(one.PkgIdentifier.PURL if one.PkgIdentifier else None) or "",
        path=one.PkgPath or file,
        fix_state=FixState.from_word(one.Status or ""),
        fixed_by=tuple(part.strip() for part in (one.FixedVersion or "").split(",") if part.strip()),
        links=web_links([one.PrimaryURL or "", *(one.References or ())]),
        title=" ".join((one.Title or "").split()),
        description=one.Description or "",
        cvss=ratings,
        layer=(one.Layer.Digest if one.Layer else None) or None,
        published=read_time(one.PublishedDate or ""),
        modified=read_time(one.LastModifiedDate or ""),
        details={key: value for key, value in details.items() if value},
    )


def _severity(word: str, ratings: Sequence[Cvss]) -> Severity:
    """Return what the word means, or the severity of the highest score where the word means nothing."""
    if word.upper() not in {"", "UNKNOWN"}:
        return Severity.from_word(word)
    scores = (one.score for one in ratings if one.score is not None)
    return max(map(Severity.from_score, scores), default=Severity.UNKNOWN)


def _ratings(sources: Mapping[str, Any]) -> Iterator[Cvss]:
    """Yield each vector with its score, leaving out what has another form: the word decides the severity."""
    for source, rating in sorted(sources.items()):
        for key, version in _VECTORS if isinstance(rating, dict) else ():
            vector, score = rating.get(f"{key}Vector"), rating.get(f"{key}Score")
            if isinstance(vector, str) and vector:
                yield Cvss.from_vector(vector, version=version, score=_score(score), source=source)


def _score(value: Any) -> float | None:
    return float(value) if type(value) in {int, float} and 0 <= value <= _HIGHEST_SCORE else None
