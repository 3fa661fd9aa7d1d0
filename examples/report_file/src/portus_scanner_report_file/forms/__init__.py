"""The forms of reports: which one it is, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portus_scanners import InvalidReportError

from ..subject import Reading
from . import grype, sarif, trivy

__all__ = ["Reading", "read_report"]

_FORMS: tuple[tuple[str, Callable[[Any], Reading]], ...] = (
    ("SchemaVersion", trivy.read),
    ("matches", grype.read),
    ("runs", sarif.read),
)
"""A member that only this form has, and what reads it."""


def read_report(document: Any) -> Reading:
    """Return what a report says.

    Raises:
        UnsupportedImageError: Whoever made it could not read the image.
        InvalidReportError: It is of no form that is known, or not of the one that it seems to be.
        ScannerError: It is about something else than an image.
    """
    for member, read in _FORMS:
        if isinstance(document, dict) and member in document:
            return read(document)
    raise InvalidReportError("the report is neither SARIF nor Trivy's nor Grype's JSON")
