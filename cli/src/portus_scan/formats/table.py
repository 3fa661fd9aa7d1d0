"""The document for people: for each image a verdict, what each scanner did, and the vulnerabilities."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from attrs import frozen
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

from ..reporter import ReportJob, Surface, TextReporter
from ..terminal import safe
from .doubts import notes_of, scanner_name, verdict_of
from .foreign import safe_cut
from .layout import INDENT, Cell, columns, paragraph
from .words import count, gate_lines, severity_counts, severity_parts, unused_rule_lines, verdict_words

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


MOST_ROWS = 40
"""Vulnerabilities that have a row each; more are shown by package."""
MOST_OF_THE_WORST = 10
"""Vulnerabilities that have a row each before those by package."""
MOST_PACKAGES = 40
_WIDE = 120
"""Columns from which on it is shown who looked and did not find it."""
_LONGEST_CELL = 120
_USUAL_ID = len("GHSA-aaaa-bbbb-cccc")
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


def vulnerability_lines(report: ImageReport, job: ReportJob) -> Iterator[str]:
    """Yield the lines, an empty one first; none where there are no vulnerabilities."""
    chosen = select(report.vulnerabilities, job.min_severity)
    parts: list[Iterable[str]] = []
    if chosen.shown and (job.show_all or len(chosen.shown) <= MOST_ROWS):
        parts.append(columns(_rows(chosen.shown, job.surface), job.surface))
    elif chosen.shown:
        parts.append(columns(_rows(chosen.shown, job.surface, MOST_OF_THE_WORST), job.surface))
        parts.append(_by_package(chosen.shown, job.surface))
    if chosen.suppressed and job.show_all:
        parts.append(columns(_suppressed_rows(chosen.suppressed), job.surface))
    remarks = [*_hidden(chosen.suppressed, job), *_below(chosen.below, job.min_severity)]
    if remarks:
        parts.append(line for text in remarks for line in paragraph(text, job.surface, indent=INDENT))
    for part in parts:
        yield ""
        yield from part


def _rows(found: Sequence[Vulnerability], surface: Surface, most: int | None = None) -> Iterator[Sequence[Cell] | Cell]:
    """Yield the rows: on a terminal under headings, which leave room for versions; in a pipe each with its severity."""
    names = ("VULNERABILITY", "SEVERITY", "PACKAGE", "VERSION", "FIXED BY", "SCANNERS")
    headings = [Cell(name, "bold", whole=name == "SEVERITY") for name in names]
    if not surface.terminal:
        yield from (headings, *(_row(one, surface) for one in found[:most]))
        return
    yield _without_severity(headings)
    totals = Counter(one.severity for one in found)
    for severity, group in groupby(found[:most], key=lambda one: one.severity):
        rows = [_without_severity(_row(one, surface)) for one in group]
        number = str(len(rows)) if len(rows) == totals[severity] else f"{len(rows)} of {totals[severity]}"
        yield Cell(f"{severity.value} ({number})", _STYLES.get(severity, "bold"))
        yield from rows


def _row(one: Vulnerability, surface: Surface) -> list[Cell]:
    return [
        _id(one),
        _severity(one.severity),
        _text(package_name([one])),
        _text(one.package.version),
        _text(_fix(one)),
        _text(_scanners(one, surface)),
    ]


def _without_severity(row: Sequence[Cell]) -> list[Cell]:
    return [row[0], *row[2:]]


def _id(one: Vulnerability) -> Cell:
    text = safe(one.id, _LONGEST_CELL)
    return Cell(text, whole=len(text) <= _USUAL_ID)


def _severity(severity: Severity) -> Cell:
    return Cell(severity.value, _STYLES.get(severity, ""), whole=True)


def _text(text: str) -> Cell:
    return Cell(safe(text, _LONGEST_CELL) or "-")


def _fix(one: Vulnerability) -> str:
    """Return the versions, or why there is none."""
    return few(one.fixed_by, 2) or next((_NO_FIX[state] for state in one.fix_states if state in _NO_FIX), "")


def _scanners(one: Vulnerability, surface: Surface) -> str:
    found = ", ".join(one.scanners)
    if not one.not_found_by or surface.width < _WIDE:
        return found
    return f"{found} (not {', '.join(one.not_found_by)})"


def _by_package(found: Sequence[Vulnerability], surface: Surface) -> Iterator[str]:
    groups = group_by_package(found)
    yield from paragraph(f"{count(len(groups), 'package')}, the worst first:", surface, indent=INDENT)
    yield from columns(_package_rows(groups[:MOST_PACKAGES]), surface)
    rest = [one for group in groups[MOST_PACKAGES:] for one in group.vulnerabilities]
    if rest:
        more = f"... {count(len(groups) - MOST_PACKAGES, 'package')} more: {severity_counts(rest)}"
        yield from paragraph(more, surface, indent=INDENT)
    yield from paragraph(f"--all shows all {len(found)} vulnerabilities", surface, indent=INDENT)


def _package_rows(groups: Iterable[PackageGroup]) -> Iterator[tuple[Cell, ...]]:
    yield (
        Cell("PACKAGE", "bold"),
        Cell("VERSION", "bold"),
        Cell("WORST", "bold", whole=True),
        Cell("NUMBER", "bold", whole=True, right=True),
        Cell("FIXABLE", "bold", whole=True, right=True),
        Cell("HIGHEST FIX", "bold"),
    )
    for group in groups:
        yield (
            _text(group.name),
            _text(group.package.version),
            _severity(group.worst.severity),
            Cell(str(len(group.vulnerabilities)), whole=True, right=True),
            Cell(str(group.fixable), whole=True, right=True),
            _text(group.highest_fix),
        )


def _suppressed_rows(found: Iterable[Vulnerability]) -> Iterator[tuple[Cell, ...]]:
    headings = ("SUPPRESSED", "SEVERITY", "PACKAGE", "REASON", "BY", "UNTIL", "RULE")
    yield tuple(Cell(heading, "bold", whole=heading == "SEVERITY") for heading in headings)
    for one in found:
        rule = one.suppressed
        if rule is not None:
            until = rule.until.isoformat() if rule.until else ""
            texts = (package_name([one]), rule.reason, rule.by, until, rule.rule)
            yield (_id(one), _severity(one.severity), *map(_text, texts))


def _hidden(suppressed: Sequence[Vulnerability], job: ReportJob) -> Iterator[str]:
    if suppressed and not job.show_all:
        yield f"{len(suppressed)} suppressed ({severity_parts(suppressed)}): --all shows them with their reasons"


def _below(below: Sequence[Vulnerability], limit: Severity) -> Iterator[str]:
    if below:
        yield f"{len(below)} below {limit.value} not shown ({severity_parts(below)})"


@frozen(kw_only=True)
class Selection:
    """The vulnerabilities of an image, each in one place, in their order."""

    shown: tuple[Vulnerability, ...]
    suppressed: tuple[Vulnerability, ...]
    below: tuple[Vulnerability, ...]
    """Of a lower severity than is wanted, suppressed or not."""


def select(vulnerabilities: Iterable[Vulnerability], min_severity: Severity) -> Selection:
    """Return what is to be shown, and what is not and why."""
    shown: list[Vulnerability] = []
    suppressed: list[Vulnerability] = []
    below: list[Vulnerability] = []
    for one in vulnerabilities:
        place = below if one.severity < min_severity else shown if one.suppressed is None else suppressed
        place.append(one)
    return Selection(shown=tuple(shown), suppressed=tuple(suppressed), below=tuple(below))


@frozen(kw_only=True)
class PackageGroup:
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
        """The version with the highest number of those that fix some of them; empty where there is none."""
        return max((version for one in self.vulnerabilities for version in one.fixed_by), key=_natural, default="")


def group_by_package(vulnerabilities: Iterable[Vulnerability]) -> list[PackageGroup]:
    """Return the packages, the worst first: by the highest severity, then by number, then by name."""
    found: dict[Package, list[Vulnerability]] = defaultdict(list)
    for one in vulnerabilities:
        found[one.package].append(one)
    groups = [_make_group(package, members) for package, members in found.items()]
    return sorted(groups, key=lambda group: (_rank(group), group.package.name, group.package.version, group.name))


def package_name(vulnerabilities: Iterable[Vulnerability]) -> str:
    """Return the package of these: ``libssl3, openssl-bin (openssl)`` where it has other names than its source."""
    names, sources = set(), set()
    for one in vulnerabilities:
        sources |= {one.package.name, *(package.name for package in one.source_packages)}
        names |= {package.name for package in one.packages} or {one.package.name}
    binaries, shared = sorted(names - sources), sorted(sources - {""})
    if not binaries:
        return few(sorted(names), 2)
    return few(binaries, 2) + (f" ({few(shared, 1)})" if shared else "")


def few(texts: Iterable[str], most: int) -> str:
    """Return the first of some texts, and how many more there are: ``1.2, 1.3 +4``."""
    texts = tuple(texts)
    more = f" +{len(texts) - most}" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def _make_group(package: Package, members: list[Vulnerability]) -> PackageGroup:
    ordered = sorted(members, key=lambda one: one.severity, reverse=True)  # stable: else as in the report
    return PackageGroup(package=package, name=package_name(ordered), vulnerabilities=tuple(ordered))


def _rank(group: PackageGroup) -> tuple[int, int]:
    return -list(Severity).index(group.worst.severity), -len(group.vulnerabilities)


def _natural(version: str) -> list[tuple[int, str]]:
    """Return a key by which ``1.10`` comes after ``1.9``; it does not claim to know any ecosystem's own order."""
    return list(_parts(version))


def _parts(version: str) -> Iterator[tuple[int, str]]:
    for number, word in re.findall(r"(\d{1,18})|(\D+)", version, re.ASCII):
        yield (int(number), "") if number else (-1, word)
