"""Report documents as strings and back: one JSON document, or JSON Lines, an image a line.

The lines are ``{"schema_version":1,"report":{...}}``, ``{"schema_version":1,"error":{...}}`` and at the end
``{"schema_version":1,"document":{...}}``, which has the document's other members. Without its last line a file is
unfinished: it was cut, or it is still being written.
"""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve
from portus_images import one_line

from ..errors import InvalidDocumentError
from ..models import SCHEMA_VERSION, ImageReport, ReportDocument, UnresolvedImage
from .converter import document_converter, structure

_KINDS: dict[str, type[ImageReport | UnresolvedImage | ReportDocument]] = {
    "report": ImageReport,
    "error": UnresolvedImage,
    "document": ReportDocument,
}
"""What a line has, by the name of its member beside ``schema_version``."""
_IN_LINES_OF_THEIR_OWN = ("schema_version", "reports", "errors")
_UNFINISHED = "the file was cut, or it is still being written"
_BLANKS = " \t\n\r"


def dump_document(document: ReportDocument) -> str:
    """Return the document as JSON with a newline at the end; ASCII only, so that no terminal acts on it."""
    return json.dumps(document_converter().unstructure(document), indent=2, allow_nan=False) + "\n"


def load_document(text: str | bytes) -> ReportDocument:
    """Return the document that JSON, or JSON Lines, contains.

    Args:
        text: The whole of it, of any size: the caller limits what it reads. A document takes about ten times its size
            in memory while it is read; `load_line` reads JSON Lines one by one.

    Raises:
        InvalidDocumentError: It is not JSON, not a report document, or of a later schema version. Faults of JSON Lines
            name the line; if the last line is missing or cut, all are rejected: they do not have all images.
    """
    text = _as_text(text)
    value, is_all = _parse_first(text)
    if isinstance(value, dict) and "reports" not in value and not value.keys().isdisjoint(_KINDS):
        return _load_lines(text)
    value = _check_version(value)
    if not is_all:
        raise InvalidDocumentError(["$: something follows the document"])
    return structure(value, ReportDocument)


def dump_line(part: ImageReport | UnresolvedImage | ReportDocument) -> str:
    r"""Return one line of JSON Lines, with ``\n`` at the end; ASCII only.

    Args:
        part: A report, a reference that could not be resolved, or, for the last line, the document: the line has
            everything but its reports and errors.
    """
    member = next(name for name, kind in _KINDS.items() if isinstance(part, kind))
    value = document_converter().unstructure(part)
    if isinstance(part, ReportDocument):
        value = {name: one for name, one in value.items() if name not in _IN_LINES_OF_THEIR_OWN}
    line = {"schema_version": SCHEMA_VERSION, member: value}
    return json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n"


def load_line(line: str | bytes) -> ImageReport | UnresolvedImage | ReportDocument:
    """Return what one line of JSON Lines contains.

    Args:
        line: The line, of any length: that of an image with 20,000 vulnerabilities has some 30 MB.

    Returns:
        A report, a reference that could not be resolved, or, for the last line, a document without its reports and
        errors.

    Raises:
        InvalidDocumentError: It is not such a line, or of a later schema version.
    """
    try:
        value = _check_version(json.loads(_as_text(line)))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidDocumentError):
            raise
        raise _not_json(error) from error
    member = next((name for name in _KINDS if name in value), None)
    if member is None:
        raise InvalidDocumentError([f"$: expected one of the members {', '.join(_KINDS)}"])
    if member == "document" and isinstance(value[member], dict):
        value[member] = {name: one for name, one in value[member].items() if name not in _IN_LINES_OF_THEIR_OWN}
    return structure(value[member], _KINDS[member], f"$.{member}")


def _load_lines(text: str) -> ReportDocument:
    """Return the document that all lines together are; empty lines are ignored."""
    parts: list[ImageReport | UnresolvedImage] = []
    last: ReportDocument | None = None
    lines = text.split("\n")  # not splitlines(): other writers may leave a U+2028 in a string
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


def _load_numbered(line: str, number: int, *, is_cut: bool) -> ImageReport | UnresolvedImage | ReportDocument:
    """Return what a line contains; *is_cut* says that no newline follows it."""
    try:
        return load_line(line)
    except InvalidDocumentError as error:
        end = f" ({_UNFINISHED})" if is_cut else ""
        raise InvalidDocumentError(f"line {number}: {fault}{end}" for fault in error.faults) from error


def _as_text(text: str | bytes) -> str:
    """Return decoded bytes: from UTF-8, or from what their beginning says (PowerShell writes UTF-16)."""
    if isinstance(text, str):
        return text
    try:
        return text.decode(json.detect_encoding(text))
    except UnicodeDecodeError as error:
        raise _not_json(error) from error


def _parse_first(text: str) -> tuple[Any, bool]:
    """Return the first JSON value of a string, and whether nothing follows it."""
    begin = len(text) - len(text.lstrip(_BLANKS))
    try:
        value, end = json.JSONDecoder().raw_decode(text, begin)
    except (ValueError, RecursionError) as error:
        raise _not_json(error) from error
    return value, not text[end:].strip(_BLANKS)


def _check_version(value: Any) -> dict[str, Any]:
    """Return the value if it is an object of our schema version; raise an `InvalidDocumentError` otherwise."""
    version = value.get("schema_version") if isinstance(value, dict) else None
    if version != SCHEMA_VERSION or isinstance(version, bool):
        fault = f"$.schema_version: expected {SCHEMA_VERSION}, got {json.dumps(version)[:40]}"
        raise InvalidDocumentError([fault])
    found: dict[str, Any] = value
    return found


def _not_json(error: Exception) -> InvalidDocumentError:
    """Return the error for a string that is not JSON."""
    return InvalidDocumentError([f"$: not JSON: {one_line(str(error))}"])
