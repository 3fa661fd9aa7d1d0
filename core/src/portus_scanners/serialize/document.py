"""The document ``{"schema_version": 1, "reports": [...], "errors": [...], ...}`` as text and back."""

from __future__ import annotations

import json

from ..errors import InvalidDocumentError
from ..models import ReportDocument
from .converter import document_converter
from .lines import is_line, load_lines
from .reading import as_text, check_version, parse_first, structure


def dump_document(document: ReportDocument) -> str:
    """Return the document as JSON text, with a newline at the end; ASCII only, so that no terminal acts on it."""
    return json.dumps(document_converter().unstructure(document), indent=2, allow_nan=False) + "\n"


def load_document(text: str | bytes) -> ReportDocument:
    """Return the document that a JSON text, or one of JSON Lines, holds.

    Args:
        text: The whole text, of any size: the caller limits what he reads. A document takes about ten times its size
            in memory while it is read; `load_line` reads JSON Lines one by one.

    Raises:
        InvalidDocumentError: It is no JSON, no report document, or of a later schema version; of JSON Lines the faulty
            line is named, and a text whose last line is missing or cut is refused: it does not have all images.
    """
    text = as_text(text)
    value, is_all = parse_first(text)
    if is_line(value):
        return load_lines(text)
    value = check_version(value)
    if not is_all:
        raise InvalidDocumentError(["$: something follows the document"])
    return structure(value, ReportDocument)
