"""Trivy's JSON.

The classes have the names and keys of Trivy's report, as far as they are used; other keys are ignored. Any key may be
absent. A string may be null; a list may not, except ``Results``: Trivy leaves out an empty one, and taking null for
"nothing known" would call an image clean. No object may have two members of one name; the report, its metadata and its
results may have none whose name differs from a known one in case alone: its writer meant something that is not read.

Source: Trivy 0.67 and 0.76, ``pkg/types/report.go``, JSON schema version 2.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from attrs import field, fields, frozen
from portus_scanners import InvalidReportError, UnsupportedImageError
from portus_scanners.backends import one_line

SCHEMA_VERSION = 2
"""The schema of reports; in an earlier one a report was a bare list."""
_LONGEST_NAME = 80

_NULL = msgspec.Raw(b"null")

AnswerT = TypeVar("AnswerT")


@frozen
class PackageIdentifier:
    """Other names of a package."""

    PURL: str | None = None


@frozen
class PackageLayer:
    """The layer that added a package."""

    Digest: str | None = None
    DiffID: str | None = None


@frozen
class DataSource:
    """The source of an advisory."""

    ID: str | None = None
    Name: str | None = None


@frozen
class Vulnerability:
    """One vulnerability of one package."""

    VulnerabilityID: str | None = None
    VendorIDs: tuple[str, ...] = ()
    PkgID: str | None = None
    PkgName: str | None = None
    PkgPath: str | None = None
    PkgIdentifier: PackageIdentifier = PackageIdentifier()
    InstalledVersion: str | None = None
    FixedVersion: str | None = None
    """For language packages, several versions, separated by commas."""
    Status: str | None = None
    Layer: PackageLayer = PackageLayer()
    SeveritySource: str | None = None
    PrimaryURL: str | None = None
    DataSource: DataSource | None = None
    Title: str | None = None
    Description: str | None = None
    Severity: str | None = None
    CweIDs: tuple[str, ...] = ()
    VendorSeverity: Mapping[str, Any] = field(factory=dict)
    """0 unknown to 4 critical, by source."""
    CVSS: Mapping[str, Any] = field(factory=dict)
    """By source: ``V2Vector``, ``V2Score``, ``V3Vector``..., ``V40Vector``..."""
    References: tuple[str, ...] = ()
    PublishedDate: str | None = None
    LastModifiedDate: str | None = None


@frozen
class InstalledPackage:
    """A package in the image, and the source package that it was built from."""

    ID: str | None = None
    Name: str | None = None
    SrcName: str | None = None
    SrcVersion: str | None = None
    SrcRelease: str | None = None
    SrcEpoch: int = 0


@frozen
class ModifiedFinding:
    """What Trivy itself has suppressed: by its ignore files or a VEX document."""

    Type: str | None = None
    """``vulnerability``, ``misconfiguration``."""


@frozen
class Result:
    """What is known of one part of the image: the distribution's packages, or a language's in one file."""

    Target: str | None = None
    Class: str | None = None
    """``os-pkgs``, ``lang-pkgs``."""
    Type: str | None = None
    """``debian``, ``npm``, ``gobinary``."""
    Packages: tuple[InstalledPackage, ...] = ()
    Vulnerabilities: tuple[Vulnerability, ...] = ()
    ExperimentalModifiedFindings: tuple[ModifiedFinding, ...] = ()

    @property
    def suppressed(self) -> int:
        """How many vulnerabilities are left out."""
        return sum(one.Type in {None, "", "vulnerability"} for one in self.ExperimentalModifiedFindings)


@frozen
class OperatingSystem:
    """The distribution."""

    Family: str | None = None
    """``none`` if none was recognised."""
    Name: str | None = None
    """Its version."""
    EOSL: bool = False
    """Whether its support has ended."""


@frozen
class Metadata:
    """The image, as Trivy saw it."""

    OS: OperatingSystem | None = None
    ImageID: str | None = None
    """Digest of the configuration."""
    DiffIDs: tuple[str, ...] = ()
    """Digests of the layers' archives, base first."""


@frozen
class Database:
    """The vulnerability database."""

    Version: int | None = None
    NextUpdate: str | None = None
    UpdatedAt: str | None = None


@frozen
class Versions:
    """The output of ``trivy version --format json``, and a server's answer at ``/version``."""

    Version: str | None = None
    VulnerabilityDB: Database | None = None


@frozen
class Origin:
    """The Trivy that made a report."""

    Version: str | None = None
    Server: Versions = Versions()
    """The server's versions, if there was a server."""


@frozen
class Report:
    """The whole report."""

    SchemaVersion: int | None = None
    Trivy: Origin = Origin()
    Metadata: Metadata = field(factory=Metadata)
    Results: tuple[Result, ...] | None = None


def read_report(body: bytes) -> Report:
    """Return a report.

    Raises:
        UnsupportedImageError: The body is ``null``, with which older versions say that they recognised nothing.
        InvalidReportError: The body is not JSON, has values of wrong types, or is of another version.
    """
    if body.strip() == b"null":
        raise UnsupportedImageError("Trivy recognised nothing in this image: it is not known to be clean")
    report = _decode(body, Report, "report")
    if report.SchemaVersion != SCHEMA_VERSION:
        fault = f"$.SchemaVersion: expected {SCHEMA_VERSION}, got {report.SchemaVersion}"
        raise InvalidReportError("Trivy's report is of another version: this needs Trivy 0.67 or later", faults=[fault])
    _check_names(body)
    return report


def read_versions(body: bytes) -> Versions:
    """Return the versions of Trivy and of its database.

    Raises:
        InvalidReportError: The body is not JSON, or has values of wrong types.
    """
    return _decode(body, Versions, "version")


def read_database(body: bytes) -> Database:
    """Return what ``metadata.json`` says of the database beside it.

    Raises:
        InvalidReportError: The file is not JSON, or has values of wrong types.
    """
    return _decode(body, Database, "metadata.json")


def same_results(report: bytes, other: bytes) -> bool:
    """Return whether two reports have the very same results; one that can't be read is not the same."""
    try:
        return bytes(_raw_results(report)) == bytes(_raw_results(other))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _raw_results(body: bytes) -> msgspec.Raw:
    return msgspec.json.decode(body, type=dict[str, msgspec.Raw]).get("Results", _NULL)


def _check_names(body: bytes) -> None:
    """Reject a report whose frame has a known member by another name than its own."""
    report = _members(body, Report, "$")
    metadata = _members(report.get("Metadata", _NULL), Metadata, "$.Metadata")
    _members(metadata.get("OS", _NULL), OperatingSystem, "$.Metadata.OS")
    results = msgspec.json.decode(report.get("Results", _NULL), type=tuple[msgspec.Raw, ...] | None)
    for place, result in enumerate(results or ()):
        _members(result, Result, f"$.Results[{place}]")


def _members(body: bytes | msgspec.Raw, kind: type[Any], path: str) -> Mapping[str, msgspec.Raw]:
    known = {attribute.name.casefold(): attribute.name for attribute in fields(kind)}
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw] | None) or {}
    for name in members:
        if known.get(name.casefold(), name) != name:
            fault = f"{path}: {one_line(name)!r} is not {known[name.casefold()]!r}"
            raise InvalidReportError("Trivy's report is not of the known form", faults=[fault])
    return members


def _reject_twins(pairs: list[tuple[str, Any]]) -> None:
    """Reject an object with two members of one name; nothing is kept of it."""
    if len(dict(pairs)) < len(pairs):  # of thousands of objects: quicker than a set of their names
        names = Counter(name for name, _ in pairs)
        raise RepeatedNameError(one_line(names.most_common(1)[0][0], _LONGEST_NAME))


class RepeatedNameError(ValueError):
    """An object has two members of one name, which is the message."""


def _decode(body: bytes, kind: type[AnswerT], what: str) -> AnswerT:
    try:
        answer = msgspec.json.decode(body, type=kind)
        json.loads(body, object_pairs_hook=_reject_twins)
    except msgspec.ValidationError as error:
        raise InvalidReportError(f"Trivy's {what} is not of the known form", faults=[_fault(error)]) from error
    except RepeatedNameError as error:
        raise InvalidReportError(f"Trivy's {what} has an object with two members {str(error)!r}") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise InvalidReportError(f"Trivy's {what} is not JSON", faults=[f"$: {error}"]) from error
    except RecursionError as error:
        raise InvalidReportError(f"Trivy's {what} is not readable", faults=["$: nested too deeply"]) from error
    return answer


def _fault(error: msgspec.ValidationError) -> str:
    """Return the fault with its path first: msgspec says "Expected `str`, got `int` - at `$.Results`"."""
    what, _, path = str(error).replace("`", "").partition(" - at ")
    return f"{path or '$'}: {what[:1].lower()}{what[1:]}"
