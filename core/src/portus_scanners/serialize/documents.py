"""Report documents read back: one JSON document, or JSON Lines, an image a line.

However large a file is, one image of it is in memory at a time, and where the others are: `read_document` goes through
all of it once, so that what is wrong is found before anything is made of it, and reads a report again when somebody
asks for it. Without its last line a file of JSON Lines is unfinished: it was cut, or it is still being written.
"""

from __future__ import annotations

import io
import json
import os
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, overload

from attrs import evolve
from portus_images import load_json

from ..errors import InvalidDocumentError
from ..models import SCHEMA_VERSION, ImageReport, LazySequence, ReportDocument, UnresolvedImage
from .converter import KindT, structure
from .json_stream import LONGEST_VALUE, UNFINISHED, JsonStream, not_json
from .writer import IN_LINES_OF_THEIR_OWN, LINE_KINDS

MOST_KEPT = 1024 * 1024
"""Bytes of reports that are kept in memory, where they take some ten times as much; those of more are read again."""
_REPORTS = "reports"


def load_document(text: str | bytes) -> ReportDocument:
    """Return the document that JSON, or JSON Lines, contains.

    Args:
        text: The whole of it, of any size: the caller limits what it reads. A document takes about ten times its size
            in memory; `read_document` reads a file of any size.

    Raises:
        InvalidDocumentError: It is not JSON, not a report document, or of a later schema version. Faults of JSON Lines
            name the line; if the last line is missing or cut, all are rejected: they do not have all images.
    """
    return read_document(io.BytesIO(_as_text(text).encode(errors="surrogatepass")), most_kept=None)


def read_document(file: BinaryIO, *, most_kept: int | None = MOST_KEPT) -> ReportDocument:
    """Return the document in a file, JSON or JSON Lines, of any number of images.

    Args:
        file: A file in UTF-8 that can be read from any place; it has to stay open and as it is for as long as the
            document is used.
        most_kept: Bytes of reports that are kept in memory; None for all. The reports of a larger file are a sequence
            that reads each one from the file whenever it is asked for.

    Raises:
        InvalidDocumentError: As for `load_document`, or an image has more than 256 MiB. A report that is asked for
            raises it if the file was changed meanwhile.
    """
    file.seek(0)
    stream, reports = JsonStream(file), _StoredReports(file, most_kept)
    rest: dict[str, Any] = {}
    if stream.peek() != "{":
        _check_version(stream.value())
    stream.take("{")
    while stream.peek() != "}" or rest:
        name = stream.value()
        stream.take(":")
        if name in LINE_KINDS and _REPORTS not in rest:
            return _read_lines(file, most_kept)
        if not isinstance(name, str) or name in rest:
            raise not_json(f"{name!r} is not the name of one member")
        if name == _REPORTS and stream.peek() == "[":
            _read_reports(stream, reports)
            rest[name] = []
        else:
            rest[name] = stream.value()
        if name == "schema_version":
            _check_version(rest)
        if stream.take(",}") == "}":
            break
    _check_version(rest)
    if stream.peek():
        raise InvalidDocumentError(["$: something follows the document"])
    return evolve(structure(rest, ReportDocument), reports=reports.sequence())


def _read_reports(stream: JsonStream, reports: _StoredReports) -> None:
    stream.take("[")
    while stream.peek() != "]" or len(reports):
        begin = stream.place
        report = structure(stream.value(), ImageReport, f"$.{_REPORTS}[{len(reports)}]")
        reports.add(report, begin, stream.place - begin)
        if stream.peek() == "]":
            break
        stream.take(",")
    stream.take("]")


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
    try:
        value = _check_version(load_json(_as_text(line)))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidDocumentError):
            raise
        raise not_json(error) from error
    member = next((name for name in LINE_KINDS if name in value), None)
    if member is None:
        raise InvalidDocumentError([f"$: expected one of the members {', '.join(LINE_KINDS)}"])
    if member == "document" and isinstance(value[member], dict):
        rest = {name: one for name, one in value[member].items() if name not in IN_LINES_OF_THEIR_OWN}
        value[member] = {**rest, "schema_version": SCHEMA_VERSION, _REPORTS: [], "errors": []}
    kind = report_kind if member == "report" else LINE_KINDS[member]
    part = structure(value[member], kind, f"$.{member}")
    return evolve(part, reports=()) if isinstance(part, ReportDocument) else part


def _read_lines(file: BinaryIO, most_kept: int | None) -> ReportDocument:
    """Return the document that all lines together are; empty lines are ignored."""
    reports, errors = _StoredReports(file, most_kept, in_lines=True), []
    last: ReportDocument | None = None
    number = begin = 0
    for number, line in enumerate(_lines(file), 1):
        if line.strip():
            if last is not None:
                fault = f"line {number}: it follows the line of the document, which is the last one"
                raise InvalidDocumentError([fault])
            part = _load_numbered(line, number)
            if isinstance(part, ImageReport):
                reports.add(part, begin, len(line))
            elif isinstance(part, UnresolvedImage):
                errors.append(part)
            else:
                last = part
        begin += len(line)
    if last is None:
        raise InvalidDocumentError([f"line {number + 1}: the line of the document is missing: {UNFINISHED}"])
    return evolve(last, reports=reports.sequence(), errors=tuple(errors))


def _lines(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while line := file.readline(LONGEST_VALUE + 1):
        yield line


def _load_numbered(line: bytes, number: int) -> ImageReport | UnresolvedImage | ReportDocument:
    """Return what a line contains."""
    if len(line) > LONGEST_VALUE:
        raise InvalidDocumentError([f"line {number}: it has more than {LONGEST_VALUE:,} bytes"])
    try:
        return load_line(line)
    except InvalidDocumentError as error:
        end = "" if line.endswith(b"\n") else f" ({UNFINISHED})"
        raise InvalidDocumentError(f"line {number}: {fault}{end}" for fault in error.faults) from error


class _StoredReports:
    """Where the reports of a file are, and the reports themselves as long as they are few.

    Of the others the last that was read is kept: a document of one large image is not read for each who looks at it.
    """

    def __init__(self, file: BinaryIO, most_kept: int | None, *, in_lines: bool = False) -> None:
        self._file = file
        self._most_kept = most_kept
        self._in_lines = in_lines
        self._begins = array("Q")
        self._sizes = array("Q")
        self._bytes = 0
        self._kept: list[ImageReport] | None = []
        self._last: tuple[int, ImageReport] | None = None
        self._state = _state_of(file)

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, report: ImageReport, begin: int, size: int) -> None:
        """Note a report, which is so many bytes from there on."""
        self._begins.append(begin)
        self._sizes.append(size)
        self._bytes += size
        if self._most_kept is not None and self._bytes > self._most_kept:
            self._kept = None
        if self._kept is not None:
            self._kept.append(report)
        else:
            self._last = len(self) - 1, report

    def sequence(self) -> Sequence[ImageReport]:
        """Return the reports."""
        return LazySequence(len(self), self._read) if self._kept is None else tuple(self._kept)

    def _read(self, number: int) -> ImageReport:
        if self._last is not None and self._last[0] == number:
            return self._last[1]
        self._last = None  # before the next one is made: two could be too much
        self._file.seek(self._begins[number])
        data = self._file.read(self._sizes[number])
        report = load_line(data) if self._in_lines else structure(_value_of(data), ImageReport)
        if not isinstance(report, ImageReport) or _state_of(self._file) != self._state:
            raise InvalidDocumentError(["$: the file was changed while it was read"])
        self._last = number, report
        return report


def _state_of(file: BinaryIO) -> tuple[int, int] | None:
    """Return what differs once a file was written to; None for what is no file."""
    try:
        seen = os.fstat(file.fileno())
    except OSError:  # io.UnsupportedOperation is one
        return None
    return seen.st_size, seen.st_mtime_ns


def _value_of(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise not_json(error) from error


def _as_text(text: str | bytes) -> str:
    """Return decoded bytes: from UTF-8, or from what their beginning says (PowerShell writes UTF-16)."""
    if isinstance(text, str):
        return text
    try:
        return text.decode(json.detect_encoding(text))
    except UnicodeDecodeError as error:
        raise not_json(error) from error


def _check_version(value: Any) -> dict[str, Any]:
    """Return the value if it is an object of our schema version; raise an `InvalidDocumentError` otherwise."""
    version = value.get("schema_version") if isinstance(value, dict) else None
    if version != SCHEMA_VERSION or isinstance(version, bool):
        fault = f"$.schema_version: expected {SCHEMA_VERSION}, got {json.dumps(version)[:40]}"
        raise InvalidDocumentError([fault])
    found: dict[str, Any] = value
    return found
