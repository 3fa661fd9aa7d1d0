"""The document for people: for each image a verdict, what each scanner did, and the vulnerabilities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from portus_scanners import (
    Image,
    ImageReport,
    ReportDocument,
    ReportJob,
    ScannerRun,
    Severity,
    Surface,
    TextReporter,
    Verdict,
    Vulnerability,
)
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..surface import TERMINAL_WIDTH, draw
from ..terminal import safe
from .words import count, severity_counts, verdict_words

MOST_ROWS = 100
_LONGEST_NAME = 300
_LONGEST_CELL = 120
_LONGEST_MESSAGE = 2000
_SHORT_DIGEST = len("sha256:") + 12
_USUAL_ID = len("GHSA-aaaa-bbbb-cccc")
_INDENT = (0, 0, 0, 2)

_SEVERITY_STYLES = {
    Severity.DEFCON1: "bold red",
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
}
_VERDICT_STYLES = {Verdict.VULNERABLE: "bold red", Verdict.CLEAN: "bold green", Verdict.UNKNOWN: "bold yellow"}


class TableReporter(TextReporter, contract=1):
    """The page."""

    description = "for people: verdicts, scanners, vulnerabilities"

    def render(self, job: ReportJob) -> Iterator[str]:
        """Yield the page; foreign text is made safe and cut to a readable length."""
        document, screen = job.document, job.surface

        def paint(console: Console) -> None:
            for report in document.reports:
                console.print(_image(report, screen))
                console.print()
            for error in document.errors:
                console.print(_error(error.reference, error.message))
            if len(document.reports) + len(document.errors) > 1:
                console.print(Text(_summary(document)))

        yield draw(screen, paint).rstrip("\n") + "\n"


def _image(report: ImageReport, screen: Surface) -> Group:
    parts: list[RenderableType] = [
        Text(safe(report.image.reference.text, _LONGEST_NAME), style="bold", overflow="fold"),
        Padding(Text(_facts(report.image)), _INDENT),
        Padding(Text(verdict_words(report), style=_VERDICT_STYLES[report.verdict]), _INDENT),
    ]
    if report.results:
        parts.append(Padding(_runs(report.results), _INDENT))
    parts.extend(Padding(Text(line), _INDENT) for line in _remarks(report.results))
    if report.vulnerabilities:
        parts.append(Text())
        parts.append(Padding(_vulnerabilities(report.vulnerabilities, screen), _INDENT))
    return Group(*parts)


def _facts(image: Image) -> str:
    facts = [image.digest[:_SHORT_DIGEST], str(image.platform or ""), count(len(image.layers), "layer")]
    return "  ".join(safe(fact, _LONGEST_CELL) for fact in facts if fact)


def _runs(runs: Iterable[ScannerRun]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        grid.add_column(overflow="fold")
    grid.add_column(justify="right")
    for run in runs:
        grid.add_row(
            Text(_name(run)),
            Text(run.outcome.value.replace("_", " "), style="green" if run.error is None else "bold yellow"),
            Text(_findings(run)),
            Text(f"{run.elapsed:.1f} s"),
        )
    return grid


def _name(run: ScannerRun) -> str:
    name = run.scanner if run.scanner == run.plugin else f"{run.scanner} ({run.plugin})"
    return safe(name, _LONGEST_CELL)


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
        for note in run.report.notes if run.report else ():
            if note not in (run.error or ""):
                yield f"{_name(run)}: note: {safe(note, _LONGEST_MESSAGE)}"


def _vulnerabilities(found: tuple[Vulnerability, ...], screen: Surface) -> RenderableType:
    from rich import box

    table = Table(
        box=box.SIMPLE_HEAD if screen.terminal else None, pad_edge=False, show_edge=False, header_style="bold"
    )
    table.add_column("VULNERABILITY", overflow="fold", no_wrap=_has_room_for_ids(found, screen))
    table.add_column("SEVERITY", no_wrap=True)
    for heading in ("PACKAGE", "VERSION", "FIXED BY", "SCANNERS"):
        table.add_column(heading, overflow="fold")
    for vulnerability in found[:MOST_ROWS]:
        table.add_row(*_row(vulnerability))
    if len(found) <= MOST_ROWS:
        return table
    return Group(table, Text(f"... {len(found) - MOST_ROWS} more: -o json shows all"))


def _has_room_for_ids(found: tuple[Vulnerability, ...], screen: Surface) -> bool:
    """Return whether identifiers need not be folded: they have a usual length, and the screen a usual width."""
    longest = max(cell_len(_cell([one.id])) for one in found[:MOST_ROWS])
    return screen.width >= TERMINAL_WIDTH and longest <= _USUAL_ID


def _row(vulnerability: Vulnerability) -> Iterator[Text]:
    yield Text(_cell([vulnerability.id]))
    yield Text(vulnerability.severity.value, style=_SEVERITY_STYLES.get(vulnerability.severity, ""))
    yield Text(_cell([vulnerability.package.name]))
    yield Text(_cell([vulnerability.package.version]))
    yield Text(_cell(vulnerability.fixed_by))
    yield Text(_cell(vulnerability.scanners))


def _cell(texts: Iterable[str]) -> str:
    return safe(", ".join(texts), _LONGEST_CELL) or "-"


def _error(reference: str, message: str) -> Text:
    line = f"{safe(reference, _LONGEST_NAME)}: not scanned: {safe(message, _LONGEST_MESSAGE)}"
    return Text(line, style="bold yellow")


def _summary(document: ReportDocument) -> str:
    verdicts = [report.verdict for report in document.reports]
    parts = [f"{verdicts.count(verdict)} {verdict.value}" for verdict in Verdict if verdict in verdicts]
    if document.errors:
        parts.append(f"{len(document.errors)} not scanned")
    total = count(len(document.reports) + len(document.errors), "image")
    vulnerabilities = [one for report in document.reports for one in report.vulnerabilities]
    found = f"; {severity_counts(vulnerabilities)}" if vulnerabilities else ""
    return f"{total}: {', '.join(parts)}{found}"
