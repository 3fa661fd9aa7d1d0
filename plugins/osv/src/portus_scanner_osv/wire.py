"""OSV.dev's JSON. Members that are not used are left out.

Sources: google.github.io/osv.dev, ``POST /v1/querybatch``, ``GET /v1/vulns``; OSV schema 1.7.
"""

from __future__ import annotations

from typing import Any

from attrs import field, frozen
from attrs.validators import min_len


@frozen
class FoundId:
    """A vulnerability of one package."""

    id: str = field(validator=min_len(1))


@frozen
class QueryResult:
    """The answer to one query."""

    vulns: tuple[FoundId, ...] = ()
    next_page_token: str = ""
    """The token of the next page, if there is one."""


@frozen
class BatchResponse:
    """The answer to several queries, in their order."""

    results: tuple[QueryResult, ...]


@frozen
class Severity:
    """A rating: ``CVSS_V3`` and its vector, ``Ubuntu`` and its word."""

    type: str
    score: str


@frozen
class AffectedPackage:
    """A package, as OSV names it."""

    ecosystem: str
    name: str


@frozen
class Event:
    """A version at which something changes."""

    fixed: str | None = None


@frozen
class Range:
    """Versions from one event to the next."""

    type: str
    events: tuple[Event, ...] = ()


@frozen
class Affected:
    """How a vulnerability affects one package."""

    package: AffectedPackage | None = None
    ranges: tuple[Range, ...] | None = None
    severity: tuple[Severity, ...] | None = None
    database_specific: Any = None


@frozen
class Link:
    """A page about the vulnerability."""

    url: str


@frozen
class Vulnerability:
    """A record of the database."""

    id: str = field(validator=min_len(1))
    summary: str | None = None
    details: str | None = None
    aliases: tuple[str, ...] | None = None
    upstream: tuple[str, ...] | None = None
    withdrawn: str | None = None
    severity: tuple[Severity, ...] | None = None
    affected: tuple[Affected, ...] | None = None
    references: tuple[Link, ...] | None = None
    database_specific: Any = None


@frozen
class AttachedBlob:
    """Where the SBOM itself lies in the registry."""

    digest: str


@frozen
class AttachedManifest:
    """The manifest that the registry has for an attached SBOM."""

    layers: tuple[AttachedBlob, ...] = field(validator=min_len(1))
