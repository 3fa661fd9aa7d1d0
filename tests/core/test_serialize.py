"""JSON out and in."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import portus_scanners
import pytest
from hypothesis import given, strategies as st
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


def with_members(**members: Any) -> str:
    """Return a document that is empty but for these members."""
    return json.dumps({"schema_version": 1, "reports": [], "errors": [], "gate": None, **members})


@given(documents)
def test_the_round_trip_is_exact(document: ReportDocument) -> None:
    """What is written and read again is equal, member by member."""
    assert document == load_document(dump_document(document))


@pytest.mark.xdist_group("schemas")  # jsonschema takes two seconds to import
@given(documents)
def test_every_document_fits_the_shipped_schema(document: ReportDocument) -> None:
    """The JSON Schema that is shipped describes what is written."""
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(SCHEMA)
    assert [] == [error.json_path for error in validator.iter_errors(json.loads(dump_document(document)))]


def test_the_shipped_schema_is_that_of_the_models() -> None:
    """The schema file was written from today's models (scripts/schema writes it)."""
    assert make_schema() == SCHEMA


@given(documents)
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
        ('{"schema_version": 1, "reports": [{}], "errors": [], "gate": null}', "$.reports[0]: missing: results, vuln"),
        ('{"schema_version": 1}', "$: missing: errors, gate, reports"),
        (with_members(errors=[{"reference": 5, "step": "a", "message": "b"}]), "$.errors[0].reference"),
        (with_members(reports=5), "$.reports: expected a list, got an integer"),
        (
            with_members(reports=[{"image": 5, "verdict": "fine", "results": [], "vulnerabilities": []}]),
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
        (
            run("a", finding()),
            {"results": [], "vulnerabilities": []},
            "the verdict is vulnerable, but by the runs it is unknown",
        ),
        (run("a", finding()), {"results": []}, "vulnerabilities[0].findings: there is no such finding"),
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
    assert ReportDocument() == load_document(with_members(weather="fine"))


def test_the_schema_is_part_of_the_package() -> None:
    """The schema file lies beside the package's modules, so that it is shipped."""
    assert (Path(portus_scanners.__file__).parent / "report-v1.schema.json").is_file()


def test_what_others_read_stays_where_it_is_also_when_empty() -> None:
    """A member with its default value is left out; what programs look for, and what could hide something, never is."""
    value = json.loads(dump_document(document(run("a", finding()), run("b", outcome=Outcome.FAILED))))
    report = value["reports"][0]
    found, (first, second) = report["results"][0]["report"]["findings"][0], report["results"]
    assert {"reports", "errors", "gate", "schema_version"} <= set(value)
    assert {"id", "severity", "package", "fixed_by"} <= set(found)
    assert (True, None, []) == (first["report"]["complete"], second["report"], report["vulnerabilities"][0]["fixed_by"])
    assert {"links", "title", "aliases", "inferred"}.isdisjoint(found)
    assert {"schema_version": 1, "reports": [], "errors": [], "gate": None} == json.loads(
        dump_document(ReportDocument())
    )


@pytest.mark.parametrize("member", ["complete", "findings"])
def test_an_absent_member_is_never_taken_for_a_good_one(member: str) -> None:
    """A report that does not say whether it is complete, or has no list of findings, is rejected."""
    value = json.loads(dump_document(document(run("a"))))
    del value["reports"][0]["results"][0]["report"][member]
    with pytest.raises(InvalidDocumentError, match=rf"\$.reports\[0\].results\[0\].report: missing: {member}"):
        load_document(json.dumps(value))


def test_what_a_vulnerability_shares_with_its_findings_is_written_once() -> None:
    """The text of two scanners' findings stands with these; the vulnerability says where they are."""
    long = "It overflows. " * 20
    made = document(run("a", finding(description=long)), run("b", finding(description="Else.", links=("https://b",))))
    text = dump_document(made)
    one = json.loads(text)["reports"][0]["vulnerabilities"][0]
    assert (1, [[0, 0], [1, 0]], False) == (text.count(long), one["findings"], "description" in one)
    assert (long, ("https://b",), made) == (
        load_document(text).reports[0].vulnerabilities[0].description,
        load_document(text).reports[0].vulnerabilities[0].links,
        load_document(text),
    )


@given(documents, st.integers(0))
def test_a_document_that_was_cut_is_refused(document: ReportDocument, place: int) -> None:
    """Wherever it was cut, the rest is not a document."""
    text = dump_document(document)
    with pytest.raises(InvalidDocumentError):
        load_document(text[: place % (len(text) - 2)])


@pytest.mark.parametrize("place", [[0, 1], [1, 0], [-1, 0], [0, True], [0], 0, None, ["0", "0"], [0, 0, 0]])
def test_a_place_without_a_finding_is_refused(place: Any) -> None:
    """A vulnerability that names a finding which is not there says nothing: the document has been changed."""
    value = json.loads(dump_document(document(run("a", finding()))))
    value["reports"][0]["vulnerabilities"][0]["findings"] = [place]
    with pytest.raises(InvalidDocumentError, match="there is no such finding"):
        load_document(json.dumps(value))


def test_what_is_shared_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it a vulnerability is written whole, and what names more findings is refused: a short file can't grow."""
    made = document(run("a", finding()))
    shared = dump_document(made)
    monkeypatch.setattr("portus_scanners.serialize.sharing._MOST_SHARED", 0)
    whole = dump_document(made)
    assert ["findings" in json.loads(text)["reports"][0]["vulnerabilities"][0] for text in (shared, whole)] == [
        True,
        False,
    ]
    assert made == load_document(whole)
    with pytest.raises(InvalidDocumentError, match="more than 0 links and findings"):
        load_document(shared)
