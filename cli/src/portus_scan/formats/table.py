"""The document for people: for each image a verdict, what each scanner did, and the vulnerabilities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from portus_scanners import Image, ImageReport, ReportDocument, ScannerRun, Verdict

from ..reporter import ReportJob, Surface, TextReporter
from ..terminal import safe
from .doubts import notes_of, scanner_name, verdict_of
from .foreign import safe_cut
from .gate_words import gate_lines
from .layout import INDENT, Cell, columns, paragraph
from .table_rows import vulnerability_lines
from .words import count, severity_counts, unused_rule_lines, verdict_words

_LONGEST_NAME = 300
_LONGEST_CELL = 120
_LONGEST_MESSAGE = 2000
_SHORT_DIGEST = len("sha256:") + 12
_VERDICT_STYLES = {Verdict.VULNERABLE: "bold red", Verdict.CLEAN: "bold green", Verdict.UNKNOWN: "bold yellow"}


class TableReporter(TextReporter, contract=1):
    """The page; foreign text is made safe and cut to a readable length."""

    description = "for people: verdicts, scanners, vulnerabilities"

    def render(self, job: ReportJob) -> Iterator[str]:
        """Yield the page, an image at a time."""
        for number, lines in enumerate(_blocks(job)):
            text = "".join(f"{line}\n" for line in lines)
            yield f"\n{text}" if number else text


def _blocks(job: ReportJob) -> Iterator[Iterable[str]]:
    """Yield what stands between empty lines."""
    document, surface = job.document, job.surface
    for report in document.reports:
        yield _image(report, job)
    if len(document.reports) != 1 or document.errors:
        yield _end(document, surface)
    if document.unused_rules:
        yield _paragraphs(unused_rule_lines(document.unused_rules), surface)
    if document.gate is not None:
        style = "bold green" if document.gate.passed else "bold red"
        yield _paragraphs(gate_lines(document.gate), surface, style)


def _image(report: ImageReport, job: ReportJob) -> Iterator[str]:
    surface = job.surface
    yield from paragraph(safe(report.image.reference.text, _LONGEST_NAME), surface, "bold")
    yield from paragraph(_facts(report.image), surface, indent=INDENT)
    yield from paragraph(verdict_words(report), surface, _VERDICT_STYLES[verdict_of(report)], INDENT)
    yield from columns(map(_run, report.results), surface)
    for line in _remarks(report.results):
        yield from paragraph(line, surface, indent=INDENT)
    yield from vulnerability_lines(report, job)


def _facts(image: Image) -> str:
    facts = [image.digest[:_SHORT_DIGEST], str(image.platform or ""), count(len(image.layers), "layer")]
    return "  ".join(safe(fact, _LONGEST_CELL) for fact in facts if fact)


def _run(run: ScannerRun) -> tuple[Cell, ...]:
    return (
        Cell(_name(run)),
        Cell(run.outcome.value.replace("_", " "), "green" if run.error is None else "bold yellow", whole=True),
        Cell(_findings(run)),
        Cell(f"{run.elapsed:.1f} s", whole=True, right=True),
    )


def _name(run: ScannerRun) -> str:
    return safe_cut(scanner_name(run), _LONGEST_CELL)


def _findings(run: ScannerRun) -> str:
    """Never "0 findings" for a scanner that has not seen all of the image."""
    if run.report is None:
        return "no result"
    found = count(len(run.report.findings), "finding")
    return found if run.error is None else f"{found} so far, not all was seen"


def _remarks(runs: Iterable[ScannerRun]) -> Iterator[str]:
    """Errors first, then the notes that no error repeats."""
    for run in runs:
        if run.error is not None:
            yield f"{_name(run)}: {safe(run.error, _LONGEST_MESSAGE)}"
        yield from (f"{_name(run)}: note: {note}" for note in notes_of(run))


def _paragraphs(lines: Iterable[str], surface: Surface, style: str = "") -> Iterator[str]:
    """Yield a heading in its style, and the lines that belong to it."""
    for number, line in enumerate(lines):
        indent = INDENT if number else 0
        yield from paragraph(safe(line, _LONGEST_MESSAGE), surface, "" if number else style, indent)


def _end(document: ReportDocument, surface: Surface) -> Iterator[str]:
    """Name what was not scanned, and sum everything up."""
    for error in document.errors:
        line = f"{safe(error.reference, _LONGEST_NAME)}: not scanned: {safe(error.message, _LONGEST_MESSAGE)}"
        yield from paragraph(line, surface, "bold yellow")
    if len(document.reports) + len(document.errors) != 1:
        yield from paragraph(_summary(document), surface)


def _summary(document: ReportDocument) -> str:
    verdicts = [verdict_of(report) for report in document.reports]
    parts = [f"{verdicts.count(verdict)} {verdict.value}" for verdict in Verdict if verdict in verdicts]
    if document.errors:
        parts.append(f"{len(document.errors)} not scanned")
    total = count(len(document.reports) + len(document.errors), "image")
    vulnerabilities = [one for report in document.reports for one in report.vulnerabilities]
    found = f"; {severity_counts(vulnerabilities)}" if vulnerabilities else ""
    return f"{total}: {', '.join(parts)}{found}" if parts else f"{total}: nothing was scanned"
