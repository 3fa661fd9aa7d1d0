"""Documents of any size: reports that stay in their file, however that is indented."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from core.strategies import documents
from hypothesis import given, strategies as st
from policy.judged import IDS, UNRESOLVED, document, finding, image, report, run
from portus_policy import LazySequence
from portus_policy.sequences import map_reports
from portus_scan.delivery import json_stream
from portus_scan.delivery.documents import join_reports
from portus_scan.delivery.stored_document import read_stored
from portus_scanners import InvalidDocumentError, ReportDocument, dump_document, dump_line, load_document


def in_lines(made: ReportDocument) -> str:
    """Return a document as JSON Lines."""
    return "".join(map(dump_line, (*made.reports, *made.errors, made)))


def stored(text: str) -> ReportDocument:
    """Return a document of which no report is kept in memory."""
    return read_stored(io.BytesIO(text.encode()), most_kept=0)


@given(documents, st.sampled_from([1, 7, 1 << 20]), st.sampled_from([None, 2]), st.booleans())
def test_whatever_its_form_it_is_the_same(made: ReportDocument, piece: int, indent: int | None, is_ascii: bool) -> None:
    """Written by us or by another program, read in pieces of any size: the reports are equal, and so is the rest."""
    value = json.loads(dump_document(made))
    other = json.dumps(value, indent=indent, ensure_ascii=is_ascii, sort_keys=bool(indent))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_PIECE", piece)
        assert [made] * 3 == [stored(text) for text in (dump_document(made), in_lines(made), other)]


def test_reports_are_read_when_they_are_asked_for() -> None:
    """A sequence like any other: again and again, from both ends, in slices; it is not in memory."""
    reports = tuple(report(run("a", finding()), of=image(f"registry.example/app:{number}")) for number in range(3))
    made = ReportDocument(reports=reports, errors=(UNRESOLVED,))
    for text in (dump_document(made), in_lines(made)):
        found = stored(text).reports
        assert isinstance(found, LazySequence)
        assert (3, list(reports), list(reports)) == (len(found), list(found), list(found))
        assert (reports[2], reports[1:]) == (found[-1], found[1:])
        with pytest.raises(IndexError):
            found[3]


def test_a_file_that_was_changed_meanwhile_is_refused() -> None:
    """What is read later is checked as it was at first."""
    made = document(run("a", finding()))
    other = document(run("a", finding()), run("b"))
    file = io.BytesIO(in_lines(ReportDocument(reports=(*made.reports, *other.reports))).encode())
    found = read_stored(file, most_kept=0).reports
    file.seek(0)
    file.write(b"{" * 40)
    assert found[1].vulnerabilities  # the last that was read is kept
    with pytest.raises(InvalidDocumentError):
        found[0]


def test_a_file_that_was_changed_to_another_report_is_refused(tmp_path: Path) -> None:
    """A verdict of one state of the file never stands beside the findings of another."""
    made = (*document(run("a", finding())).reports, *document(run("a", finding()), run("b")).reports)
    for write in (dump_document, in_lines):
        path = tmp_path / "report"
        path.write_text(write(ReportDocument(reports=made)))
        os.utime(path, ns=(0, 0))
        with path.open("rb") as file:
            found = read_stored(file, most_kept=0).reports
            assert made[0] == found[0]
            other = path.read_text().replace(IDS[0], IDS[1])
            assert other != path.read_text()
            path.write_text(other)
            with pytest.raises(InvalidDocumentError, match="was changed"):
                found[1]


def test_what_is_done_to_each_report_is_done_when_it_is_read() -> None:
    """Of a tuple at once; of a sequence each time. Several documents are one after another."""
    made = document(run("a", finding()))
    lazy, asked = stored(dump_document(made)).reports, []
    mapped = map_reports(lazy, lambda one: asked.append(one) or one)  # type: ignore[func-returns-value]
    assert (0, 1) == (len(asked), len(mapped))
    assert (made.reports[0], 1) == (mapped[0], len(asked))
    joined = join_reports([made.reports, mapped, (), lazy])
    assert (3, list(made.reports) * 3) == (len(joined), list(joined))
    assert () == join_reports([])


@pytest.mark.parametrize("name", ["reports", "errors", "gate"])
@pytest.mark.parametrize("read", [load_document, stored])
def test_a_member_that_is_there_twice_is_refused(read: Callable[[str], ReportDocument], name: str) -> None:
    """A second, empty list of reports would hide the first, whichever reader reads it."""
    text = dump_document(document(run("a", finding())))
    with pytest.raises(InvalidDocumentError, match=r"is not the name of one member|has two members"):
        read(text.rstrip()[:-1] + f',"{name}":[]}}')


@pytest.mark.parametrize("write", [dump_document, in_lines])
@pytest.mark.parametrize("read", [load_document, stored])
def test_a_member_of_a_report_that_is_there_twice_is_refused(
    read: Callable[[str], ReportDocument], write: Callable[[ReportDocument], str]
) -> None:
    """However deep it is, and however the document is written."""
    text = write(document(run("a", finding())))
    with pytest.raises(InvalidDocumentError, match=r"has two members 'findings'"):
        read(text.replace('"findings":[', '"findings":[],"findings":[', 1))


@given(documents, st.integers(0), st.sampled_from([dump_document, in_lines]))
def test_what_was_cut_or_goes_on_is_refused(
    made: ReportDocument, place: int, write: Callable[[ReportDocument], str]
) -> None:
    """Wherever a file was cut, the rest is not a document; neither are two in one file."""
    text = write(made)
    for wrong in (text[: place % (len(text) - 2)], text + text):
        with pytest.raises(InvalidDocumentError):
            stored(wrong)


def test_the_line_that_is_wrong_is_named() -> None:
    """A fault of JSON Lines has its number, and a cut one says that it was cut."""
    text = in_lines(ReportDocument(errors=(UNRESOLVED, UNRESOLVED)))
    faults = {
        text[:-10]: r"line 3: .*\(the file was cut",
        text.replace('"step":', '"step":5,"was":', 1): r"line 1: \$.error.step: expected a string",
        "".join(text.splitlines(keepends=True)[:2]): "line 3: the line of the document is missing",
    }
    for wrong, fault in faults.items():
        with pytest.raises(InvalidDocumentError, match=fault):
            stored(wrong)


def test_a_value_without_an_end_is_not_read_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    """One value is read up to the limit, in a document and in JSON Lines."""
    for module in ("json_stream", "stored_document"):
        monkeypatch.setattr(sys.modules[f"portus_scan.delivery.{module}"], "LONGEST_VALUE", 1000)
    monkeypatch.setattr(json_stream, "_PIECE", 100)
    text = dump_document(document(run("a", finding(description="x" * 10_000))))
    lines = in_lines(document(run("a", finding(description="x" * 10_000))))
    for one, words in ((text, "more than 1,000 characters"), (lines, "more than 1,000")):
        with pytest.raises(InvalidDocumentError, match=words):
            stored(one)
