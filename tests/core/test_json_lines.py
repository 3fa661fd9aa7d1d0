"""JSON Lines: a line an image, and one for the document at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from attrs import evolve
from hypothesis import given, settings
from portus_policy import GateResult, UnusedRule
from portus_scanners import (
    InvalidDocumentError,
    ReportDocument,
    UnresolvedImage,
    dump_document,
    dump_line,
    load_document,
    load_line,
)
from properties import at_most

from .strategies import documents

ERROR = UnresolvedImage(reference="registry.example/gone:1", step="manifest", message="there is\u2028no such tag")
DOCUMENT = ReportDocument(
    errors=(ERROR, evolve(ERROR, reference="registry.example/gone:2")),
    created=datetime(2026, 1, 1, tzinfo=UTC),
    unused_rules=(UnusedRule(rule="suppressions.yml:1", expired=True, message="it has expired"),),
    gate=GateResult(passed=False),
)


def lines_of(document: ReportDocument) -> Iterator[str]:
    """Yield the lines of a document."""
    yield from map(dump_line, (*document.reports, *document.errors))
    yield dump_line(document)


TEXT = "".join(lines_of(DOCUMENT))


@settings(max_examples=at_most(30))
@given(documents)
def test_the_round_trip_is_exact(document: ReportDocument) -> None:
    """A document that is written line by line and read as a whole is equal."""
    assert document == load_document("".join(lines_of(document)))


def test_a_line_that_is_there_twice_counts_once() -> None:
    """A file that was put together by hand does not count an image twice; one of another time is another report."""
    first, second, last = lines_of(DOCUMENT)
    assert DOCUMENT == load_document("".join((first, second, first, second, last)))


@settings(max_examples=at_most(30))
@given(documents)
def test_a_line_is_one_line_of_ascii(document: ReportDocument) -> None:
    """Each part is one line of printable ASCII with its newline, and is read back alone."""
    for part in (*document.reports, *document.errors):
        line = dump_line(part)
        assert (True, True, part) == (line.isascii(), line[:-1].isprintable(), load_line(line))


def test_the_last_line_has_what_concerns_all_images() -> None:
    """The last line is the document without its reports and errors, and nothing of it is lost."""
    rest = evolve(DOCUMENT, errors=())
    assert ({"schema_version", "document"}, rest) == (
        set(json.loads(TEXT.splitlines()[-1])),
        load_line(TEXT.splitlines()[-1].encode()),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_bytes_and_empty_lines(encoding: str) -> None:
    """What an editor or PowerShell makes of the file is read all the same."""
    assert DOCUMENT == load_document(TEXT.replace("\n", "\r\n\r\n").encode(encoding))


def test_other_writers_need_not_escape() -> None:
    """A line separator inside a text ends no line."""
    text = "".join(json.dumps(json.loads(line), ensure_ascii=False) + "\n" for line in TEXT.splitlines())
    assert DOCUMENT == load_document(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (TEXT[:-10], "line 3: $: not JSON: Unterminated string"),
        (TEXT[:-10], "the file was cut"),
        ("".join(TEXT.splitlines(keepends=True)[:2]), "line 3: the line of the document is missing: the file was cut"),
        (TEXT + TEXT, "line 4: it follows the line of the document, which is the last one"),
        (TEXT.replace("gone:2", 'gone:2"'), "line 2: $: not JSON"),
        (TEXT.replace('"step":"manifest"', '"step":5', 1), "line 1: $.error.step: expected a string, got an integer"),
        (TEXT.replace('"schema_version":1,"document"', '"schema_version":2,"document"'), "line 3: $.schema_version"),
        (dump_line(ERROR) + '{"schema_version":1}\n', "line 2: $: expected one of the members report, error, document"),
        (dump_document(DOCUMENT) * 2, "$: something follows the document"),
    ],
    ids=range(9),
)
def test_what_is_not_whole_is_refused_with_its_line(text: str, fault: str) -> None:
    """A text that is cut, unfinished or wrong raises, and the number of the line is named."""
    with pytest.raises(InvalidDocumentError) as raised:
        load_document(text)
    assert fault in str(raised.value)


@pytest.mark.parametrize("line", ["", "{", "[" * 100_000, "7", b"\xff", b'{"schema_version": true, "error": {}}'])
def test_what_is_no_line_is_refused(line: str | bytes) -> None:
    """A text that is no line raises InvalidDocumentError, nothing else."""
    with pytest.raises(InvalidDocumentError):
        load_line(line)


def test_not_every_fault_is_told() -> None:
    """A report with a thousand faults has ten lines about them, and one that says how many more there are."""
    text = json.dumps({"schema_version": 1, "reports": [], "errors": [{}] * 1000, "gate": None})
    with pytest.raises(InvalidDocumentError) as raised:
        load_document(text)
    assert (11, "and 2990 more") == (len(raised.value.faults), raised.value.faults[-1])


def test_a_line_may_stand_alone() -> None:
    """The kinds of lines are told apart by what they hold."""
    kinds = [type(load_line(line)) for line in TEXT.splitlines()]
    assert [UnresolvedImage, UnresolvedImage, ReportDocument] == kinds
