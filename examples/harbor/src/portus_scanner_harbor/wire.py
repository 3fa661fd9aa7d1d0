"""The adapter's JSON. Members that are not used are left out.

Source: goharbor/pluggable-scanner-spec, ``scanner-adapter-openapi-v1.1.yaml`` and ``-v1.2.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen
from attrs.validators import min_len

REPORT_TYPES = (
    "application/vnd.security.vulnerability.report; version=1.1",
    "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0",
)
"""The types of report that this plugin reads, the best first."""
REQUEST_TYPE = "application/vnd.scanner.adapter.scan.request+json; version=1.0"
DATABASE_UPDATED = "harbor.scanner-adapter/vulnerability-database-updated-at"
VULNERABILITY = "vulnerability"


@frozen
class ScannerName:
    """The scanner behind the adapter."""

    name: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        return " ".join(part.strip() for part in (self.name, self.version) if part)


@frozen
class Capability:
    """Which artifacts an adapter accepts, and which reports it makes of them."""

    consumes_mime_types: tuple[str, ...]
    produces_mime_types: tuple[str, ...]
    type: str | None = None
    """Since v1.2: ``vulnerability`` or ``sbom``; without it, only the former."""


@frozen
class Metadata:
    """The answer to ``GET /api/v1/metadata``."""

    scanner: ScannerName
    capabilities: tuple[Capability, ...]
    properties: Mapping[str, Any] | None = None
    """Strings, by the specification."""


@frozen
class ScanResponse:
    """The answer to ``POST /api/v1/scan``."""

    id: str = field(validator=min_len(1))


@frozen
class Artifact:
    """The artifact that a report is about."""

    digest: str | None = None


@frozen
class Layer:
    """The layer that added a package: not in the specification, but Trivy's adapter sends it."""

    digest: str | None = None


@frozen
class CvssDetails:
    """The scores that the scanner prefers."""

    score_v3: float | None = None
    vector_v3: str | None = None
    score_v2: float | None = None
    vector_v2: str | None = None


@frozen
class Vulnerability:
    """One item of a report."""

    id: str = field(validator=min_len(1))
    package: str | None = None
    version: str | None = None
    fix_version: str | None = None
    severity: str | None = None
    description: str | None = None
    links: tuple[str, ...] | None = None
    layer: Layer | None = None
    preferred_cvss: CvssDetails | None = None
    cwe_ids: tuple[str, ...] | None = None


@frozen
class Report:
    """The answer to ``GET /api/v1/scan/{id}/report``."""

    artifact: Artifact | None = None
    scanner: ScannerName | None = None
    severity: str | None = None
    """The highest severity of all."""
    vulnerabilities: tuple[Vulnerability, ...] | None = None
    """Trivy's adapter leaves it out if there are none."""


@frozen
class Error:
    """An error."""

    message: str


@frozen
class ErrorResponse:
    """The body of an answer that is not a success."""

    error: Error
