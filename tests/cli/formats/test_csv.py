"""CSV: rows, and cells that a spreadsheet does not run."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from attrs import evolve
from portus_policy import GateResult
from portus_scanners import Outcome, ReportDocument

from ..documents import UNRESOLVED, make_document, make_finding, make_report, make_run
from .hostile import TEXTS, hostile_document
from .rendered import csv_rows, render, suppress

OK = Outcome.OK


def test_records() -> None:
    """An image has a row, each run and vulnerability too; then what could not be scanned, and the gate."""
    document = make_document(
        make_run("clair", OK, make_finding()), make_run("trivy", Outcome.PENDING), errors=(UNRESOLVED,)
    )
    rows = csv_rows(render("csv", evolve(document, gate=GateResult(passed=True))))
    assert [
        ("image", "vulnerable", "", ""),
        ("run", "vulnerable", "clair", "ok"),
        ("run", "vulnerable", "trivy", "pending"),
        ("vulnerability", "vulnerable", "", ""),
        ("error", "unknown", "", "unresolved"),
        ("gate", "", "", "passed"),
    ] == [(row["record"], row["verdict"], row["scanner"], row["outcome"]) for row in rows]


def test_vulnerability() -> None:
    """What is known of a vulnerability stands in columns of its own."""
    report = suppress(make_report(make_run("clair", OK, make_finding())))
    row = csv_rows(render("csv", ReportDocument(reports=(report,))))[-1]
    shown = {key: row[key] for key in ("id", "severity", "package", "version", "fixed_by", "suppressed_until")}
    assert {
        "id": "CVE-2016-6304",
        "severity": "high",
        "package": "openssl",
        "version": "1.0.2h",
        "fixed_by": "1.0.2i",
        "suppressed_until": "2027-01-31",
    } == shown


@pytest.mark.parametrize("separator", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("kind", sorted(TEXTS))
def test_no_formula(kind: str, separator: str) -> None:
    """No cell begins as a formula does, whichever separator a spreadsheet takes."""
    text = render("csv", hostile_document(TEXTS[kind]))
    cells = [cell for row in csv.reader(StringIO(text, newline=""), delimiter=separator) for cell in row]
    assert [] == [cell for cell in cells if cell.lstrip(' \t"').startswith(("=", "+", "-", "@"))]


def test_lines_end_as_rfc_4180_says() -> None:
    """Every line ends in CR LF, and none within a cell."""
    text = render("csv", hostile_document(TEXTS["newlines"]))
    assert text.count("\n") == text.count("\r\n") == len(csv_rows(text)) + 1
