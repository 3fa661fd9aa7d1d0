"""The document for people: for each image a verdict, what each scanner did, and the vulnerabilities.

Few vulnerabilities have a row each; many are shown by package, after the worst of them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from attrs import field, frozen
from portus_scanners import (
    FixState,
    Image,
    ImageReport,
    Package,
    ReportDocument,
    ScannerRun,
    Severity,
    Verdict,
    Vulnerability,
)

from ..layout import INDENT, Cell, Grid, Paragraph, lay_out
from ..reporter import ReportJob, Surface, TextReporter
from ..terminal import LONGEST_MESSAGE, LONGEST_NAME, safe, safe_rows
from .doubts import ended_of, notes_of, report_notes, scanner_name, verdict_of
from .words import (
    count,
    data_words,
    gate_lines,
    numbers_words,
    severity_counts,
    severity_parts,
    unused_rule_lines,
    verdict_words,
)

MOST_ROWS = 40
"""Vulnerabilities that have a row each; more are shown by package."""
MOST_OF_THE_WORST = 10
"""Vulnerabilities that have a row each before those by package."""
MOST_PACKAGES = 40
_WIDE = 120
"""Columns from which on a row names the scanners that did not find the vulnerability."""
_LONGEST_CELL = 120
_USUAL_ID = 36
"""Characters of an id that is never folded: even the narrowest terminal has room for it."""
_SHORT_DIGEST = len("sha256:") + 12
_VERDICT_STYLES = {Verdict.VULNERABLE: "bold red", Verdict.CLEAN: "bold green", Verdict.UNKNOWN: "bold yellow"}
_STYLES = {
    Severity.DEFCON1: "bold red",
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
}
_NO_FIX = {
    FixState.WILL_NOT_FIX: "won't be fixed",
    FixState.END_OF_LIFE: "end of life",
    FixState.FIX_DEFERRED: "deferred",
    FixState.UNDER_INVESTIGATION: "investigated",
}
_EMPTY = Paragraph("")

TableRow = list[Cell]
TableBlock = Paragraph | Grid


class TableReporter(TextReporter, contract=1):
    """The page; foreign strings are made safe and cut to a readable length."""

    description = "for people: verdicts, scanners, vulnerabilities"

    def render(self, job: ReportJob) -> Iterator[str]:
        """Yield the page, an image at a time."""
        for number, blocks in enumerate(_parts(job)):
            text = "".join(f"{line}\n" for line in lay_out(blocks, job.surface))
            yield f"\n{text}" if number else text


def _parts(job: ReportJob) -> Iterator[list[TableBlock]]:
    """Yield what stands between empty lines."""
    document = job.document
    totals = _Totals()
    for report in document.reports:
        totals.add(report)
        yield _image(report, job)
    if len(document.reports) != 1 or document.errors:
        yield list(_end(document, totals))
    if document.unused_rules:
        yield list(_headed(unused_rule_lines(document.unused_rules)))
    if document.gate is not None:
        yield list(_headed(gate_lines(document.gate), "bold green" if document.gate.passed else "bold red"))


def _image(report: ImageReport, job: ReportJob) -> list[TableBlock]:
    verdict, notes = verdict_of(report), report_notes(report)
    names = [safe(scanner_name(run), _LONGEST_CELL) for run in report.results]
    return [
        Paragraph(safe(report.image.reference.text, LONGEST_NAME), "bold"),
        Paragraph(_facts(report.image), indent=INDENT),
        Paragraph(verdict_words(report), _VERDICT_STYLES[verdict], INDENT),
        Grid([_run(run, name) for run, name in zip(report.results, names, strict=True)]),
        *_remarks(report.results, names),
        *(Paragraph(f"note: {note}", indent=INDENT) for note in notes),
        *_vulnerabilities(report, job),
    ]


def _facts(image: Image) -> str:
    facts = [image.digest[:_SHORT_DIGEST], str(image.platform or ""), count(len(image.layers), "layer")]
    return "  ".join([safe(fact, _LONGEST_CELL) for fact in facts if fact])


def _run(run: ScannerRun, name: str) -> TableRow:
    return [
        Cell(name),
        Cell(run.outcome.value.replace("_", " "), "green" if run.error is None else "bold yellow", whole=True),
        Cell(_findings(run)),
        Cell(f"{run.elapsed:.1f} s", whole=True, right=True),
        Cell(f"data of {words}" if (words := data_words(run)) else ""),
    ]


def _findings(run: ScannerRun) -> str:
    """Return how much a scanner found; never "0 findings" for one that has not seen all of the image."""
    if run.report is None:
        return "no result"
    found = count(len(run.report.findings), "finding")
    return found if run.error is None else f"{found} so far, not all was seen"


def _remarks(runs: Iterable[ScannerRun], names: Iterable[str]) -> Iterator[Paragraph]:
    """Yield the errors and the ends of support, each followed by the notes that it does not repeat."""
    for run, name in zip(runs, names, strict=True):
        if run.error is not None:
            yield Paragraph(f"{name}: {safe(run.error, LONGEST_MESSAGE)}", indent=INDENT)
        if ended := ended_of(run):
            yield Paragraph(f"{name}: {ended}", indent=INDENT)
        yield from (Paragraph(f"{name}: note: {note}", indent=INDENT) for note in notes_of(run))


def _headed(lines: Iterable[str], style: str = "") -> Iterator[Paragraph]:
    """Yield a heading in its style, and the lines that belong to it."""
    for number, line in enumerate(lines):
        text = safe(line, LONGEST_MESSAGE)
        yield Paragraph(text, indent=INDENT) if number else Paragraph(text, style)


@frozen
class _Totals:
    """What all images together have, counted while they are shown."""

    verdicts: Counter[Verdict] = field(factory=Counter)
    severities: Counter[Severity] = field(factory=Counter)

    def add(self, report: ImageReport) -> None:
        self.verdicts[verdict_of(report)] += 1
        self.severities.update(one.severity for one in report.vulnerabilities)


def _end(document: ReportDocument, totals: _Totals) -> Iterator[Paragraph]:
    """Yield what was not scanned, and the sum of everything."""
    for error in document.errors:
        line = f"{safe(error.reference, LONGEST_NAME)}: not scanned: {safe(error.message, LONGEST_MESSAGE)}"
        yield Paragraph(line, "bold yellow")
    if len(document.reports) + len(document.errors) != 1:
        yield Paragraph(_summary(document, totals))


def _summary(document: ReportDocument, totals: _Totals) -> str:
    parts = [f"{totals.verdicts[verdict]} {verdict.value}" for verdict in Verdict if verdict in totals.verdicts]
    if document.errors:
        parts.append(f"{len(document.errors)} not scanned")
    total = count(len(document.reports) + len(document.errors), "image")
    found = f"; {numbers_words(totals.severities)}" if totals.severities else ""
    return f"{total}: {', '.join(parts)}{found}" if parts else f"{total}: nothing was scanned"


def _vulnerabilities(report: ImageReport, job: ReportJob) -> Iterator[TableBlock]:
    """Yield what is shown of the vulnerabilities, each part after an empty line."""
    severities = list(Severity)
    enough = severities[severities.index(job.min_severity) :]
    wanted = [one for one in report.vulnerabilities if one.severity in enough]
    below = [one for one in report.vulnerabilities if one.severity not in enough]
    shown = [one for one in wanted if one.suppressed is None]
    suppressed = [one for one in wanted if one.suppressed is not None]
    if shown and (job.show_all or len(shown) <= MOST_ROWS):
        yield from (_EMPTY, _one_by_one(shown, job.surface))
    elif shown:
        yield from (_EMPTY, _one_by_one(shown, job.surface, MOST_OF_THE_WORST), _EMPTY, *_by_package(shown))
    if suppressed and job.show_all:
        yield from (_EMPTY, _suppressed_grid(suppressed))
    remarks = []
    if suppressed and not job.show_all:
        parts = severity_parts(suppressed)
        remarks.append(f"{len(suppressed)} suppressed ({parts}): --all shows them with their reasons")
    if below:
        remarks.append(f"{len(below)} below {job.min_severity.value} not shown ({severity_parts(below)})")
    if remarks:
        yield from (_EMPTY, *(Paragraph(text, indent=INDENT) for text in remarks))


def _one_by_one(found: Sequence[Vulnerability], surface: Surface, most: int | None = None) -> Grid:
    """Return a row each: on a terminal below its severity, which leaves room for versions; in a pipe with it."""
    names = ("VULNERABILITY", "SEVERITY", "PACKAGE", "VERSION", "FIXED BY", "SCANNERS")
    headings = [Cell(name, "bold", whole=name == "SEVERITY") for name in names]
    if not surface.terminal:
        return Grid([headings, *_found_rows(found[:most], surface)])
    rows: list[TableRow | Cell] = [_without_severity(headings)]
    totals = Counter(one.severity for one in found)
    for severity, group in groupby(found[:most], key=lambda one: one.severity):
        members = [_without_severity(row) for row in _found_rows(tuple(group), surface)]
        number = str(len(members)) if len(members) == totals[severity] else f"{len(members)} of {totals[severity]}"
        rows += [Cell(f"{severity.value} ({number})", _STYLES.get(severity, "bold")), *members]
    return Grid(rows)


def _rows(found: Sequence[Vulnerability], texts: Iterable[Sequence[str]]) -> Iterator[TableRow]:
    """Yield the row of each vulnerability: its id, its severity, and its texts."""
    cells = safe_rows(([one.id, *more] for one, more in zip(found, texts, strict=True)), _LONGEST_CELL)
    for one, (name, *rest) in zip(found, cells, strict=True):
        yield [Cell(name, whole=len(name) <= _USUAL_ID), _severity(one.severity), *map(Cell, rest)]


def _found_rows(found: Sequence[Vulnerability], surface: Surface) -> Iterator[TableRow]:
    texts = [(package_name([one]), one.package.version, _fix(one), _scanners(one, surface)) for one in found]
    return _rows(found, texts)


def _without_severity(row: TableRow) -> TableRow:
    return [row[0], *row[2:]]


def _severity(severity: Severity) -> Cell:
    return Cell(severity.value, _STYLES.get(severity, ""), whole=True)


def _fix(one: Vulnerability) -> str:
    """Return the versions that fix it, or why there is none."""
    return _few(one.fixed_by, 2) or next((_NO_FIX[state] for state in one.fix_states if state in _NO_FIX), "")


def _scanners(one: Vulnerability, surface: Surface) -> str:
    found = ", ".join(one.scanners)
    if not one.not_found_by or surface.width < _WIDE:
        return found
    return f"{found} (not {', '.join(one.not_found_by)})"


def _suppressed_grid(found: Iterable[Vulnerability]) -> Grid:
    headings = ("SUPPRESSED", "SEVERITY", "PACKAGE", "REASON", "BY", "UNTIL", "RULE")
    marked = [(one, rule) for one in found if (rule := one.suppressed) is not None]
    texts = [
        (package_name([one]), rule.reason, rule.by, rule.until.isoformat() if rule.until else "", rule.rule)
        for one, rule in marked
    ]
    cells = [Cell(heading, "bold", whole=heading == "SEVERITY") for heading in headings]
    return Grid([cells, *_rows([one for one, _ in marked], texts)])


def _by_package(found: Sequence[Vulnerability]) -> Iterator[TableBlock]:
    groups = _group_by_package(found)
    yield Paragraph(f"{count(len(groups), 'package')}, the worst first:", indent=INDENT)
    yield _package_grid(groups[:MOST_PACKAGES])
    rest = [one for group in groups[MOST_PACKAGES:] for one in group.vulnerabilities]
    if rest:
        more = f"... {count(len(groups) - MOST_PACKAGES, 'package')} more: {severity_counts(rest)}"
        yield Paragraph(more, indent=INDENT)
    yield Paragraph(f"--all shows all {len(found)} vulnerabilities", indent=INDENT)


def _package_grid(groups: Sequence[_PackageGroup]) -> Grid:
    headings = [
        Cell("PACKAGE", "bold"),
        Cell("VERSION", "bold"),
        Cell("WORST", "bold", whole=True),
        Cell("NUMBER", "bold", whole=True, right=True),
        Cell("FIXABLE", "bold", whole=True, right=True),
        Cell("HIGHEST FIX", "bold"),
    ]
    rows = [headings]
    cells = safe_rows(((one.name, one.package.version, one.highest_fix) for one in groups), _LONGEST_CELL)
    for group, texts in zip(groups, cells, strict=True):
        package, version, fix = map(Cell, texts)
        numbers = (Cell(str(number), whole=True, right=True) for number in (len(group.vulnerabilities), group.fixable))
        rows.append([package, version, _severity(group.worst.severity), *numbers, fix])
    return Grid(rows)


@frozen(kw_only=True)
class _PackageGroup:
    """The vulnerabilities of one package."""

    package: Package
    name: str
    """As it is shown."""
    vulnerabilities: tuple[Vulnerability, ...]
    """Highest severity first."""

    @property
    def worst(self) -> Vulnerability:
        """The one of the highest severity."""
        return self.vulnerabilities[0]

    @property
    def fixable(self) -> int:
        """How many have a known fix."""
        return sum(bool(one.fixed_by) for one in self.vulnerabilities)

    @property
    def highest_fix(self) -> str:
        """The version with the highest number of those that fix some of them; empty where no version is known."""
        return max((version for one in self.vulnerabilities for version in one.fixed_by), key=_natural, default="")

    @property
    def rank(self) -> tuple[int, int, str, str, str]:
        """A key that sorts the worst first: by the highest severity, then by number, then by name."""
        worst = list(Severity).index(self.worst.severity)
        return -worst, -len(self.vulnerabilities), self.package.name, self.package.version, self.name


def _group_by_package(vulnerabilities: Iterable[Vulnerability]) -> list[_PackageGroup]:
    """Return the packages, the worst first."""
    found: dict[Package, list[Vulnerability]] = defaultdict(list)
    for one in vulnerabilities:
        found[one.package].append(one)
    groups = []
    for package, members in found.items():
        ordered = sorted(members, key=lambda one: one.severity, reverse=True)  # stable: else as in the report
        groups.append(_PackageGroup(package=package, name=package_name(ordered), vulnerabilities=tuple(ordered)))
    return sorted(groups, key=lambda group: group.rank)


def package_name(vulnerabilities: Iterable[Vulnerability]) -> str:
    """Return the package, where its names differ from its source: ``libssl3, openssl-bin (openssl)``."""
    names, sources = set(), set()
    for one in vulnerabilities:
        sources |= {one.package.name, *(package.name for package in one.source_packages)}
        names |= {package.name for package in one.packages} or {one.package.name}
    binaries, shared = sorted(names - sources), sorted(sources - {""})
    if not binaries:
        return _few(sorted(names), 2)
    return _few(binaries, 2) + (f" ({_few(shared, 1)})" if shared else "")


def _few(texts: Iterable[str], most: int) -> str:
    """Return the first of some strings, and how many more there are: ``1.2, 1.3 +4``."""
    texts = tuple(texts)
    more = f" +{len(texts) - most}" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def _natural(version: str) -> list[tuple[int, str]]:
    """Return a key by which ``1.10`` comes after ``1.9``; it does not claim to know any ecosystem's own order."""
    parts = re.findall(r"(\d{1,18})|(\D+)", version, re.ASCII)
    return [(int(number), "") if number else (-1, word) for number, word in parts]
