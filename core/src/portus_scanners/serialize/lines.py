"""JSON Lines: a line an image, and a last one for what concerns all of them.

The lines are ``{"schema_version":1,"report":{...}}``, ``{"schema_version":1,"error":{...}}`` and at the end
``{"schema_version":1,"document":{...}}``, which has the document's other members. Without its last line a text is
unfinished: it was cut, or somebody still writes it.
"""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve

from ..errors import InvalidDocumentError
from ..models import SCHEMA_VERSION, ImageReport, ReportDocument, UnresolvedImage
from .converter import document_converter
from .reading import as_text, check_version, not_json, structure

_KINDS: dict[str, type[ImageReport | UnresolvedImage | ReportDocument]] = {
    "report": ImageReport,
    "error": UnresolvedImage,
    "document": ReportDocument,
}
"""What a line holds, by the member that it has beside ``schema_version``."""
_IN_LINES_OF_THEIR_OWN = ("schema_version", "reports", "errors")


def dump_line(part: ImageReport | UnresolvedImage | ReportDocument) -> str:
    r"""Return one line of JSON Lines, with ``\n`` at the end; ASCII only.

    Args:
        part: A report, an image that was not scanned, or, for the last line, the document, of which the line has
            everything but its reports and errors.
    """
    member = next(name for name, kind in _KINDS.items() if isinstance(part, kind))
    value = document_converter().unstructure(part)
    if isinstance(part, ReportDocument):
        value = {name: one for name, one in value.items() if name not in _IN_LINES_OF_THEIR_OWN}
    line = {"schema_version": SCHEMA_VERSION, member: value}
    return json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n"


def load_line(line: str | bytes) -> ImageReport | UnresolvedImage | ReportDocument:
    """Return what one line of JSON Lines holds.

    Args:
        line: The line, of any length: that of an image with 20,000 vulnerabilities has some 30 MB.

    Returns:
        A report, an image that was not scanned, or, for the last line, a document without its reports and errors.

    Raises:
        InvalidDocumentError: It is no such line, or of a later schema version.
    """
    try:
        value = check_version(json.loads(as_text(line)))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidDocumentError):
            raise
        raise not_json(error) from error
    member = next((name for name in _KINDS if name in value), None)
    if member is None:
        raise InvalidDocumentError([f"$: expected one of the members {', '.join(_KINDS)}"])
    if member == "document" and isinstance(value[member], dict):
        value[member] = {name: one for name, one in value[member].items() if name not in _IN_LINES_OF_THEIR_OWN}
    return structure(value[member], _KINDS[member], f"$.{member}")


def is_line(value: Any) -> bool:
    """Return whether a JSON value is a line of ours and no whole document."""
    return isinstance(value, dict) and "reports" not in value and any(name in value for name in _KINDS)


def load_lines(text: str) -> ReportDocument:
    """Return the document that all lines together are; empty lines are passed over.

    Raises:
        InvalidDocumentError: A line is no line of ours, or the last one is missing or cut.
    """
    parts: list[ImageReport | UnresolvedImage] = []
    last: ReportDocument | None = None
    lines = text.split("\n")  # not splitlines(): other writers may leave a U+2028 in a text
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if last is not None:
            raise InvalidDocumentError([f"line {number}: it follows the line of the document, which is the last one"])
        part = _load_numbered(line, number, is_cut=number == len(lines))
        if isinstance(part, ReportDocument):
            last = part
        else:
            parts.append(part)
    if last is None:
        raise InvalidDocumentError([f"line {len(lines)}: the line of the document is missing: {_UNFINISHED}"])
    reports = tuple(part for part in parts if isinstance(part, ImageReport))
    errors = tuple(part for part in parts if isinstance(part, UnresolvedImage))
    return evolve(last, reports=reports, errors=errors)


_UNFINISHED = "the file was cut, or it is still being written"


def _load_numbered(line: str, number: int, *, is_cut: bool) -> ImageReport | UnresolvedImage | ReportDocument:
    """Load a line; *is_cut* tells that no newline follows."""
    try:
        return load_line(line)
    except InvalidDocumentError as error:
        end = f" ({_UNFINISHED})" if is_cut else ""
        raise InvalidDocumentError(f"line {number}: {fault}{end}" for fault in error.faults) from error
