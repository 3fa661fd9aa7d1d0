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
    raise InvalidReportError("the report is neither SARIF nor Trivy's nor Grype's JSON")
