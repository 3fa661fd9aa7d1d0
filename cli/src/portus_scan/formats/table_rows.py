"""The vulnerabilities of one image in rows: few of them each in its own, many by package."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from portus_scanners import FixState, ImageReport, Severity, Vulnerability

from ..reporter import ReportJob, Surface
from ..terminal import safe
from .layout import INDENT, Cell, columns, paragraph
from .selection import PackageGroup, few, group_by_package, package_name, select
from .words import count, severity_counts, severity_parts

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
