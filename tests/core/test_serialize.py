"""JSON out and in."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import portus_scanners
import pytest
from hypothesis import given, settings
from policy.judged import document, finding, run
from portus_scanners import (
    InvalidDocumentError,
    Outcome,
    ReportDocument,
    ScannerRun,
    dump_document,
    load_document,
)
from report_schema import make_schema

from .strategies import documents

SCHEMA = json.loads(files("portus_scanners").joinpath("report-v1.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@given(documents)
@settings(max_examples=40)
def test_the_round_trip_is_exact(document: ReportDocument) -> None:
    """What is written and read again is equal, member by member."""
    assert document == load_document(dump_document(document))


@given(documents)
@settings(max_examples=40)
def test_every_document_fits_the_shipped_schema(document: ReportDocument) -> None:
    """The JSON Schema that is shipped describes what is written."""
    assert [] == [error.json_path for error in VALIDATOR.iter_errors(json.loads(dump_document(document)))]


def test_the_shipped_schema_is_that_of_the_models() -> None:
    """The schema file was written from today's models (scripts/schema writes it)."""
    assert make_schema() == SCHEMA


@given(documents)
@settings(max_examples=40)
def test_nothing_that_a_terminal_acts_on_is_written(document: ReportDocument) -> None:
    """The JSON is printable ASCII and newlines, whatever the texts hold."""
    assert dump_document(document).replace("\n", "").isprintable()
    assert dump_document(document).isascii()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "$: not JSON"),
        ("<html>", "$: not JSON"),
        ("[" * 100_000, "$: not JSON"),
        ("null", "$.schema_version: expected 1, got null"),
        ("{}", "$.schema_version: expected 1, got null"),
        ('{"schema_version": 2}', "$.schema_version: expected 1, got 2"),
        ('{"schema_version": 1, "reports": [{}]}', "$.reports[0].image: missing"),
        ('{"schema_version": 1, "errors": [{"reference": 5, "step": "a", "message": "b"}]}', "$.errors[0].reference"),
        ('{"schema_version": 1, "reports": 5}', "$.reports: expected a list, got an integer"),
        (
            '{"schema_version": 1, "reports": [{"image": 5, "verdict": "fine"}]}',
            "verdict: expected one of vulnerable, ",
        ),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(text: str, fault: str) -> None:
    """A text that is no report document raises InvalidDocumentError with a $.path line."""
    with pytest.raises(InvalidDocumentError) as raised:
        load_document(text)
    assert any(fault in line for line in raised.value.faults), raised.value.faults


@pytest.mark.parametrize(
    ("one", "edited", "fault"),
    [
        (run("a", outcome=Outcome.FAILED), {"verdict": "clean"}, "the verdict is clean, but by the runs it is unknown"),
        (run("a", finding()), {"verdict": "clean"}, "the verdict is clean, but by the runs it is vulnerable"),
        (run("a", finding()), {"results": []}, "the verdict is vulnerable, but by the runs it is unknown"),
        (run("a", finding()), {"vulnerabilities": []}, "there are findings, but no vulnerabilities"),
    ],
)
def test_a_report_that_contradicts_its_runs_is_refused(one: ScannerRun, edited: dict[str, Any], fault: str) -> None:
    """A verdict that the runs do not bear out, or findings that are left out: the report has been changed."""
    value = json.loads(dump_document(document(one)))
    value["reports"][0] |= edited
    with pytest.raises(InvalidDocumentError) as raised:
        load_document(json.dumps(value))
    assert (f"$.reports[0]: {fault}",) == raised.value.faults


def test_a_later_version_may_add_members() -> None:
    """Members that this version does not know are passed over."""
    assert ReportDocument() == load_document('{"schema_version": 1, "reports": [], "errors": [], "weather": "fine"}')


def test_the_schema_is_part_of_the_package() -> None:
    """The schema file lies beside the package's modules, so that it is shipped."""
    assert (Path(portus_scanners.__file__).parent / "report-v1.schema.json").is_file()
