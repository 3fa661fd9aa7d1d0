"""The document as JSON: for programs, and nothing is left out."""

from __future__ import annotations

from portus_scanners import ReportDocument, dump_document

from ..screen import Screen


def render(document: ReportDocument, screen: Screen) -> str:
    """Return ``{"schema_version": 1, "reports": [...], "errors": [...]}``."""
    return dump_document(document)
