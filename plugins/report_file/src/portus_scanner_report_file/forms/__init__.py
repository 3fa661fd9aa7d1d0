"""The forms of reports: which form a document has, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portus_scanners import InvalidReportError, UnsupportedImageError

from ..subject import Reading
from . import grype, sarif, trivy

__all__ = ["Reading", "read_report"]

_FORMS: tuple[tuple[str, Callable[[Any], Reading]], ...] = (
    ("SchemaVersion", trivy.read),
    ("matches", grype.read),
    ("runs", sarif.read),
)
"""A member that only this form has, and the function that reads the form."""
_OTHERS = (
    ("bomFormat", "a CycloneDX document"),
    ("spdxVersion", "an SPDX document"),
    ("@context", "an OpenVEX document"),
    ("manifest_hash", "a report of Clair v4"),
    ("Layer", "an answer of Clair"),
    ("LayerCount", "a report of Klar"),
    ("ClusterName", "a report of Trivy about a cluster"),
    ("artifacts", "an SBOM of Syft"),
    ("affected", "an advisory of OSV"),
    ("schema_version", "a document of portus-scan"),
    ("results", "a report of osv-scanner"),
    ("dependencyCount", "a report of Snyk"),
    ("scan", "GitLab's security report"),
    ("vulnerabilities", "a report of another scanner"),
)
"""What other JSON objects are that people have of their images, by a member; the first that fits counts."""


def read_report(document: Any) -> Reading:
    """Return what a report says.

    Raises:
        UnsupportedImageError: The scanner that made the report could not read the image.
        InvalidReportError: The document has no known form, or does not follow the form that it seems to have.
    """
    if document is None:  # so does the plugin that runs Trivy
        raise UnsupportedImageError("the report is null, with which old versions of Trivy say that they saw nothing")
    for member, read in _FORMS:
        if isinstance(document, dict) and member in document:
            return read(document)
    if isinstance(document, list) and document and isinstance(document[0], dict) and "Target" in document[0]:
        raise InvalidReportError("the report is of an old version of Trivy: take 0.20 or later, and its JSON")
    found = next((words for member, words in _OTHERS if isinstance(document, dict) and member in document), "")
    said = f"it looks like {found}, and " if found else ""
    raise InvalidReportError(f"{said}the report is neither SARIF nor Trivy's nor Grype's JSON")
