"""CSV: for spreadsheets. One table, in which the column ``record`` says what a row is about.

No cell begins a formula: one that would gets an apostrophe before it, as OWASP advises. Every cell is quoted, and lines
end in CR LF (RFC 4180).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from portus_policy import GateViolation, UnusedRule
from portus_scanners import Image, ImageReport, ReportDocument, ScannerRun, UnresolvedImage, Vulnerability

from ..reporter import ReportJob, TextReporter
from ..terminal import message, name
from .doubts import (
    NO_IMAGE,
    NOT_SCANNED,
    UNRESOLVED,
    doubt_of,
    doubts_of,
    ended_of,
    notes_of,
    report_notes,
    scanner_name,
    verdict_of,
)
from .foreign import LONGEST_LIST, joined, paragraphs, safe_cut, web_links
from .provenance import moment
from .words import package_words, rating_words

__all__ = ["COLUMNS", "CsvReporter"]

CsvRow = dict[str, str]

COLUMNS = (
    "record", "reference", "platform", "digest", "verdict", "scanner", "outcome", "message",
    "id", "aliases", "severity", "highest_severity", "package", "version", "namespace", "packages", "source_packages",
    "purls", "fix_states", "fixed_by", "found_by", "not_found_by", "not_looked_by",
    "suppressed_rule", "suppressed_reason", "suppressed_by", "suppressed_until",
    "ratings", "links", "paths", "layers", "published", "modified", "title", "description",
)  # fmt: skip
"""The columns, in their order; a new one comes last."""
_LONGEST_DESCRIPTION = 2_000
_MOST_IDS = 100
_FORMULA = re.compile(r"^[\s'\"]*[=+\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}"
                      r"\N{FULLWIDTH COMMERCIAL AT}]")  # fmt: skip
_INNER_FORMULA = re.compile(r"([;,][\s\"']*)(?=[=+@-])")
"""Where a cell would begin for a spreadsheet that takes another separator."""


class CsvReporter(TextReporter, contract=1):
    """The document as one table."""

    description = "CSV, for spreadsheets: a row for each image, scanner run and vulnerability"

    def render(self, job: ReportJob) -> Iterator[str]:
        """Yield the table, one piece a row; the first has the names of the columns."""
        yield _line(COLUMNS)
        for row in _rows(job.document):
            yield _line(tuple(_harmless(row.get(column, "")) for column in COLUMNS))


def _rows(document: ReportDocument) -> Iterator[CsvRow]:
    for report in document.reports:
        yield from _image_rows(report)
    yield from map(_error_row, document.errors)
    if not document.reports and not document.errors:
        yield {"record": "error", "outcome": NOT_SCANNED, "verdict": "unknown", "message": NO_IMAGE.message}
    yield from _gate_rows(document)
    yield from map(_unused_row, document.unused_rules)


def _image_rows(report: ImageReport) -> Iterator[CsvRow]:
    about = _image_cells(report.image) | {"verdict": verdict_of(report).value}
    reasons = [doubt.message for doubt in doubts_of(report) if not doubt.is_of_run]
    reasons += [f"note: {note}" for note in report_notes(report)]
    yield {"record": "image", **about, "message": "; ".join(reasons)}
    for run in report.results:
        yield {"record": "run", **about, **_run_cells(run)}
    for found in report.vulnerabilities:
        yield {"record": "vulnerability", **about, **_vulnerability_cells(found)}


def _image_cells(image: Image) -> CsvRow:
    platform = name(str(image.platform)) if image.platform else ""
    return {"reference": name(image.reference.text), "platform": platform, "digest": name(image.digest)}


def _run_cells(run: ScannerRun) -> CsvRow:
    words = [message(run.error or ""), ended_of(run), *(f"note: {note}" for note in notes_of(run))]
    text = safe_cut("; ".join(filter(None, words)), _LONGEST_DESCRIPTION)
    return {"scanner": scanner_name(run), "outcome": run.outcome.value, "message": text}


def _vulnerability_cells(found: Vulnerability) -> CsvRow:
    return {
        "id": name(found.id),
        "aliases": joined(found.aliases),
        "severity": found.severity.value,
        "highest_severity": found.highest.value,
        **_package_cells(found),
        "fix_states": joined(state.value for state in found.fix_states),
        "fixed_by": joined(found.fixed_by),
        "found_by": joined(found.scanners),
        "not_found_by": joined(found.not_found_by),
        "not_looked_by": joined(found.not_looked_by),
        **_suppression_cells(found),
        "ratings": safe_cut("; ".join(map(rating_words, found.ratings)), LONGEST_LIST),
        "links": safe_cut(" ".join(web_links(found.links)), LONGEST_LIST),
        "published": moment(found.published) or "",
        "modified": moment(found.modified) or "",
        "title": message(found.title),
        "description": paragraphs(found.description, _LONGEST_DESCRIPTION).replace("\n", " "),
    }


def _package_cells(found: Vulnerability) -> CsvRow:
    package = found.package
    return {
        "package": name(package.name),
        "version": name(package.version),
        "namespace": name(package.namespace),
        "packages": safe_cut(", ".join(map(package_words, found.packages)), LONGEST_LIST),
        "source_packages": safe_cut(", ".join(map(package_words, found.source_packages)), LONGEST_LIST),
        "purls": joined(found.purls, " "),
        "paths": joined(found.paths),
        "layers": joined(found.layers),
    }


def _suppression_cells(found: Vulnerability) -> CsvRow:
    rule = found.suppressed
    if rule is None:
        return {}
    return {
        "suppressed_rule": name(rule.rule),
        "suppressed_reason": message(rule.reason),
        "suppressed_by": name(rule.by),
        "suppressed_until": rule.until.isoformat() if rule.until else "",
    }


def _error_row(error: UnresolvedImage) -> CsvRow:
    about = {"record": "error", "reference": name(error.reference), "verdict": "unknown", "outcome": UNRESOLVED}
    return {**about, "message": doubt_of(error).message}


def _gate_rows(document: ReportDocument) -> Iterator[CsvRow]:
    if document.gate is None:
        return
    words = "; ".join(map(message, document.gate.rules))
    outcome = "passed" if document.gate.passed else "failed"
    yield {"record": "gate", "outcome": outcome, "message": safe_cut(words, LONGEST_LIST)}
    yield from map(_violation_row, document.gate.violations)


def _violation_row(one: GateViolation) -> CsvRow:
    text = f"{name(one.rule)}: {message(one.message)}"
    ids = joined(one.vulnerabilities[:_MOST_IDS])
    return {"record": "gate", "reference": name(one.reference), "outcome": "failed", "message": text, "id": ids}


def _unused_row(rule: UnusedRule) -> CsvRow:
    outcome = "expired" if rule.expired else "unused"
    return {
        "record": "suppression",
        "suppressed_rule": name(rule.rule),
        "outcome": outcome,
        "message": message(rule.message),
    }


def _harmless(cell: str) -> str:
    cell = _INNER_FORMULA.sub(r"\1'", cell)
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _line(cells: tuple[str, ...]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\r\n"
