r"""Report documents as JSON: one document in pieces, or JSON Lines, an image a line.

The lines are ``{"schema_version":1,"report":{...}}``, ``{"schema_version":1,"error":{...}}`` and at the end
``{"schema_version":1,"document":{...}}``, which has the document's other members. A document has each finding, each
vulnerability, each run and each image on a line of its own, so that ``grep`` and ``diff`` are of use, and none is
indented: blanks would be a third of it. Everything is ASCII, so that no terminal acts on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from attrs import evolve

from ..models import SCHEMA_VERSION, ImageReport, ReportDocument, ScannerRun, UnresolvedImage
from .converter import document_converter
from .sharing import FindingPlaces

LINE_KINDS: dict[str, type[ImageReport | UnresolvedImage | ReportDocument]] = {
    "report": ImageReport,
    "error": UnresolvedImage,
    "document": ReportDocument,
}
"""What a line has, by the name of its member beside ``schema_version``."""
IN_LINES_OF_THEIR_OWN = ("schema_version", "reports", "errors")

_dump = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def dump_document(document: ReportDocument) -> str:
    """Return the document as JSON with a newline at the end; ASCII only."""
    return "".join(document_pieces(document))


def document_pieces(document: ReportDocument) -> Iterator[str]:
    """Yield the document as `dump_document` returns it, in pieces: a finding or a vulnerability each."""
    value = document_converter().unstructure(evolve(document, reports=(), errors=()))
    errors = map(_dump, document_converter().unstructure(document.errors))
    yield f'{{"schema_version":{SCHEMA_VERSION},"reports":['
    yield from _listed((_report_pieces(report, "\n") for report in document.reports), "\n")
    yield '],"errors":['
    yield from _listed(([error] for error in errors), "\n")
    rest = {name: one for name, one in value.items() if name not in IN_LINES_OF_THEIR_OWN}
    yield f"],{_dump(rest)[1:]}\n"


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
        value = document_converter().unstructure(evolve(part, reports=(), errors=()))
        text = _dump({name: one for name, one in value.items() if name not in IN_LINES_OF_THEIR_OWN})
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
