"""A document whose reports stay in their file, so that one of any number of images is read in little memory.

However large a file is, one image of it is in memory at a time, and where the others are: `read_stored` goes through
all of it once, so that what is wrong is found before anything is made of it, and reads a report again when somebody
asks for it.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from attrs import evolve
from portus_images import load_json
from portus_policy import LazySequence
from portus_scanners import ImageReport, InvalidDocumentError, ReportDocument, load_line
from portus_scanners.serialize import LINE_KINDS, DocumentLines, check_version, not_json, structure

from .json_stream import LONGEST_VALUE, JsonStream

MOST_KEPT = 1024 * 1024
"""Bytes of reports that are kept in memory, where they take some ten times as much; those of more are read again."""
_REPORTS = "reports"


def read_stored(file: BinaryIO, *, most_kept: int | None = MOST_KEPT) -> ReportDocument:
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
        check_version(stream.value())
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
            check_version(rest)
        if stream.take(",}") == "}":
            break
    check_version(rest)
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


def _read_lines(file: BinaryIO, most_kept: int | None) -> ReportDocument:
    """Return the document that all lines together are; empty lines are ignored."""
    reports, lines, begin = _StoredReports(file, most_kept, in_lines=True), DocumentLines(), 0
    for line in _bounded_lines(file):
        if (report := lines.read(line)) is not None:
            reports.add(report, begin, len(line))
        begin += len(line)
    return evolve(lines.finish(), reports=reports.sequence())


def _bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    number = 0
    while line := file.readline(LONGEST_VALUE + 1):
        number += 1
        if len(line) > LONGEST_VALUE:
            raise InvalidDocumentError([f"line {number}: it has more than {LONGEST_VALUE:,} bytes"])
        yield line


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
        return load_json(data)
    except (ValueError, RecursionError) as error:
        raise not_json(error) from error
