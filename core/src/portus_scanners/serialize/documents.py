r"""Report documents as JSON and back: one document, or JSON Lines, an image a line.

The lines are ``{"schema_version":1,"report":{...}}``, ``{"schema_version":1,"error":{...}}`` and at the end
``{"schema_version":1,"document":{...}}``, which has the document's other members: without it a file is unfinished. A
document has each finding, each vulnerability, each run and each image on a line of its own, so that ``grep`` and
``diff`` are of use, and none is indented: blanks would be a third of it. Everything is ASCII, so that no terminal acts
on it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, overload

from attrs import evolve
from portus_images import load_json, one_line

from ..errors import InvalidDocumentError
from ..models import SCHEMA_VERSION, ImageReport, ReportDocument, ScannerRun, UnresolvedImage
from .converter import KindT, document_converter, structure
from .sharing import FindingPlaces

LINE_KINDS: dict[str, type[ImageReport | UnresolvedImage | ReportDocument]] = {
    "report": ImageReport,
    "error": UnresolvedImage,
    "document": ReportDocument,
}
"""What a line has, by the name of its member beside ``schema_version``."""
IN_LINES_OF_THEIR_OWN = ("schema_version", "reports", "errors")
UNFINISHED = "the file was cut, or it is still being written"
_MORE = "Extra data"
"""What Python's reader says where something follows a value."""
_dump = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def dump_document(document: ReportDocument) -> str:
    """Return the document as JSON with a newline at the end; ASCII only."""
    return "".join(document_pieces(document))


def document_pieces(document: ReportDocument) -> Iterator[str]:
    """Yield the document as `dump_document` returns it, in pieces: a finding or a vulnerability each."""
    errors = map(_dump, document_converter().unstructure(document.errors))
    yield f'{{"schema_version":{SCHEMA_VERSION},"reports":['
    yield from _listed((_report_pieces(report, "\n") for report in document.reports), "\n")
    yield '],"errors":['
    yield from _listed(([error] for error in errors), "\n")
    yield f"],{_dump_rest(document)[1:]}\n"


def _dump_rest(document: ReportDocument) -> str:
    value = document_converter().unstructure(evolve(document, reports=(), errors=()))
    return _dump({name: one for name, one in value.items() if name not in IN_LINES_OF_THEIR_OWN})


def dump_line(part: ImageReport | UnresolvedImage | ReportDocument) -> str:
    r"""Return one line of JSON Lines, with ``\n`` at the end; ASCII only.

    Args:
        part: A report, a reference that could not be resolved, or, for the last line, the document: the line has
            everything but its reports and errors.
    """
    member = next(name for name, kind in LINE_KINDS.items() if isinstance(part, kind))
    if isinstance(part, ImageReport):
        text = "".join(_report_pieces(part, ""))
    elif isinstance(part, ReportDocument):
        text = _dump_rest(part)
    else:
        text = _dump(document_converter().unstructure(part))
    return f'{{"schema_version":{SCHEMA_VERSION},"{member}":{text}}}\n'


def _report_pieces(report: ImageReport, end: str) -> Iterator[str]:
    """Yield a report as a JSON object; *end* goes before each entry of its lists."""
    converter, places = document_converter(), FindingPlaces(report)
    value = converter.unstructure(evolve(report, results=(), vulnerabilities=()))
    del value["results"], value["vulnerabilities"]
    yield f'{_dump(value)[:-1]},"results":['
    yield from _listed((_run_pieces(run, end) for run in report.results), end)
    yield '],"vulnerabilities":['
    found = ((one, converter.unstructure(one)) for one in report.vulnerabilities)
    yield from _listed(([_dump(places.leave_out_shared(*one))] for one in found), end)
    yield "]}"


def _run_pieces(run: ScannerRun, end: str) -> Iterator[str]:
    unstructure = document_converter().unstructure
    if run.report is None:
        yield _dump(unstructure(run))
        return
    value = unstructure(evolve(run, report=evolve(run.report, findings=())))
    report = value.pop("report")
    del report["findings"]
    yield f'{_dump(value)[:-1]},"report":{_dump(report)[:-1]},"findings":['
    yield from _listed(([_dump(unstructure(one))] for one in run.report.findings), end)
    yield "]}}"


def _listed(entries: Iterable[Iterable[str]], end: str) -> Iterator[str]:
    """Yield the entries of a list, a comma between two."""
    before = end
    for entry in entries:
        yield before
        yield from entry
        before = f",{end}"


def load_document(text: str | bytes) -> ReportDocument:
    """Return the document that JSON, or JSON Lines, contains.

    Args:
        text: The whole of it, of any size: the caller limits what it reads. A document takes about ten times its size
            in memory; of JSON Lines, `load_line` reads an image at a time.

    Raises:
        InvalidDocumentError: It is not JSON, not a report document, or of a later schema version. Faults of JSON Lines
            name the line; if the last line is missing or cut, all are rejected: they do not have all images.
    """
    text = _as_text(text)
    try:
        value = load_json(text)
    except json.JSONDecodeError as error:
        if error.msg != _MORE:
            end = f" ({UNFINISHED})" if error.pos >= len(text.rstrip()) else ""
            raise not_json(f"{error}{end}") from error
        if not _is_line(load_json(text[: error.pos])):
            raise InvalidDocumentError(["$: something follows the document"]) from error
        return _load_lines(text)
    except (ValueError, RecursionError) as error:
        raise not_json(error) from error
    if _is_line(value):
        return _load_lines(text)
    document = structure(check_version(value), ReportDocument)
    return evolve(document, reports=tuple(document.reports))


def _is_line(value: Any) -> bool:
    """Return whether a value is a line of JSON Lines, and not a whole document."""
    return isinstance(value, dict) and "reports" not in value and any(name in value for name in LINE_KINDS)


def _load_lines(text: str) -> ReportDocument:
    lines = DocumentLines()
    read = map(lines.read, io.StringIO(text, newline="\n"))
    reports = tuple(report for report in read if report is not None)
    return evolve(lines.finish(), reports=reports)


class DocumentLines:
    """JSON Lines while they are read: the report of a line is given back, all else is put together here.

    Raises:
        InvalidDocumentError: (both methods) The number of the line, and what is wrong with it.
    """

    def __init__(self) -> None:
        self._number = 0
        self._seen: set[int] = set()
        self._errors: list[UnresolvedImage] = []
        self._last: ReportDocument | None = None

    def read(self, line: str | bytes) -> ImageReport | None:
        """Return the report that a line has, if any; the line ends with its newline, and may be empty."""
        self._number += 1
        if not line.strip():
            return None
        if self._last is not None:
            raise self._fault("it follows the line of the document, which is the last one")
        if (mark := hash(line)) in self._seen:
            return None  # a line that is there twice counts once
        self._seen.add(mark)
        try:
            part = load_line(line)
        except InvalidDocumentError as error:
            end = "" if line[-1:] in {"\n", b"\n"} else f" ({UNFINISHED})"
            raise self._fault(*(f"{fault}{end}" for fault in error.faults)) from error
        if isinstance(part, ImageReport):
            return part
        if isinstance(part, UnresolvedImage):
            self._errors.append(part)
        else:
            self._last = part
        return None

    def finish(self) -> ReportDocument:
        """Return the document without its reports."""
        if self._last is None:
            self._number += 1
            raise self._fault(f"the line of the document is missing: {UNFINISHED}")
        return evolve(self._last, errors=tuple(self._errors))

    def _fault(self, *faults: str) -> InvalidDocumentError:
        return InvalidDocumentError(f"line {self._number}: {fault}" for fault in faults)


@overload
def load_line(line: str | bytes) -> ImageReport | UnresolvedImage | ReportDocument: ...


@overload
def load_line(line: str | bytes, report_kind: type[KindT]) -> KindT | UnresolvedImage | ReportDocument: ...


def load_line(line: str | bytes, report_kind: type[Any] = ImageReport) -> Any | UnresolvedImage | ReportDocument:
    """Return what one line of JSON Lines contains.

    Args:
        line: The line, of any length: that of an image with 20,000 vulnerabilities has some 27 MB.
        report_kind: What a report is made into: an attrs class with those members of an `ImageReport` that the caller
            needs. The others are not looked at.

    Returns:
        A report, a reference that could not be resolved, or, for the last line, a document without its reports and
        errors.

    Raises:
        InvalidDocumentError: It is not such a line, or of a later schema version.
    """
    text = _as_text(line)
    try:
        value = load_json(text)
    except (ValueError, RecursionError) as error:
        raise not_json(error) from error
    member = next((name for name in LINE_KINDS if name in check_version(value)), None)
    if member is None:
        raise InvalidDocumentError([f"$: expected one of the members {', '.join(LINE_KINDS)}"])
    if member == "document" and isinstance(value[member], dict):
        rest = {name: one for name, one in value[member].items() if name not in IN_LINES_OF_THEIR_OWN}
        value[member] = {**rest, "schema_version": SCHEMA_VERSION, "reports": [], "errors": []}
    kind = report_kind if member == "report" else LINE_KINDS[member]
    part = structure(value[member], kind, f"$.{member}")
    return evolve(part, reports=()) if isinstance(part, ReportDocument) else part


def not_json(why: object) -> InvalidDocumentError:
    """Return the error for a string that is not JSON."""
    return InvalidDocumentError([f"$: not JSON: {one_line(str(why))}"])


def _as_text(text: str | bytes) -> str:
    """Return decoded bytes: from UTF-8, or from what their beginning says (PowerShell writes UTF-16)."""
    if isinstance(text, str):
        return text
    try:
        return text.decode(json.detect_encoding(text))
    except UnicodeDecodeError as error:
        raise not_json(error) from error


def check_version(value: Any) -> dict[str, Any]:
    """Return the value if it is an object of our schema version.

    Raises:
        InvalidDocumentError: It is something else, or of another version.
    """
    version = value.get("schema_version") if isinstance(value, dict) else None
    if version != SCHEMA_VERSION or isinstance(version, bool):
        fault = f"$.schema_version: expected {SCHEMA_VERSION}, got {json.dumps(version)[:40]}"
        raise InvalidDocumentError([fault])
    found: dict[str, Any] = value
    return found
