"""Markdown: for people, in merge requests, job summaries and tickets.

Foreign strings stand in code spans, so nothing in them is a tag, a link, a mention or the edge of a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from portus_policy import GateResult, GateViolation, UnusedRule
from portus_scanners import ImageReport, Outcome, ReportDocument, ScannerRun, Vulnerability

from ..reporter import ReportJob, TextReporter
from ..terminal import message, name
from .doubts import NO_IMAGE, Doubt, doubt_of, doubts_of, notes_of, report_notes, scanner_name, verdict_of
from .foreign import code, joined, link, web_links
from .words import count, data_words, image_words, package_words, severity_counts, verdict_words

MOST_ROWS = 100
_MOST_IDS = 20


class MarkdownReporter(TextReporter, contract=1):
    """The document as a page of Markdown, of the kind that GitHub and GitLab read."""

    description = "Markdown, for merge requests and job summaries"

    def render(self, job: ReportJob) -> Iterator[str]:
        """Yield the page, one piece a block."""
        for number, block in enumerate(_blocks(job)):
            yield f"\n{block}\n" if number else f"{block}\n"


def _blocks(job: ReportJob) -> Iterator[str]:
    document = job.document
    yield "# Vulnerabilities of images"
    yield _summary(document)
    if document.gate is not None:
        yield from _gate(document.gate)
    for report in document.reports:
        yield from _image(report, job)
    for error in document.errors:
        yield f"## {code(name(error.reference)) or 'An image'}"
        yield _doubt_lines([doubt_of(error)])
    if document.unused_rules:
        yield "## Suppressions that did not apply"
        yield "\n".join(map(_unused, document.unused_rules))


def _summary(document: ReportDocument) -> str:
    total = len(document.reports) + len(document.errors)
    if not total:
        return f"**unknown**: {NO_IMAGE.message}"
    verdicts: Counter[str] = Counter()
    unsure = len(document.errors)
    for report in document.reports:
        verdicts[verdict_of(report).value] += 1
        unsure += bool(doubts_of(report))
    if document.errors:
        verdicts["not scanned"] = len(document.errors)
    parts = [f"{number} {verdict}" for verdict, number in verdicts.items()]
    warning = f"; not everything is known of {count(unsure, 'image')}" if unsure else ""
    return f"{count(total, 'image')}: {', '.join(parts)}{warning}"


def _gate(gate: GateResult) -> Iterator[str]:
    yield f"## Gate: {'passed' if gate.passed else 'failed'}"
    if gate.rules:
        yield "\n".join(f"- {code(message(rule))}" for rule in gate.rules)
    if gate.violations:
        yield _table(("Rule", "Image", "What does not hold", "Vulnerabilities"), map(_violation, gate.violations))


def _violation(one: GateViolation) -> tuple[str, ...]:
    return (
        code(name(one.rule)),
        code(name(one.reference)) or "all",
        code(message(one.message)),
        _ids(one.vulnerabilities),
    )


def _ids(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _MOST_IDS} more" if len(ids) > _MOST_IDS else ""
    return f"{code(joined(ids[:_MOST_IDS]))}{more}"


def _image(report: ImageReport, job: ReportJob) -> Iterator[str]:
    yield f"## {code(image_words(report.image))}"
    yield f"**{verdict_words(report)}**"
    doubts = doubts_of(report)
    if doubts:
        yield _doubt_lines(doubts)
    if report.results:
        yield _table(("Scanner", "Outcome", "Findings", "Seconds", "Data"), map(_run, report.results))
    notes = [f"- {code(scanner_name(run))}: {code(note)}" for run in report.results for note in notes_of(run)]
    notes += [f"- {code(note)}" for note in report_notes(report)]
    if notes:
        yield "\n".join(notes)
    yield from _vulnerabilities(report.vulnerabilities, job)


def _doubt_lines(doubts: Iterable[Doubt]) -> str:
    lines = [f"> **Not everything is known:** {code(doubt.sentence)}" for doubt in doubts]
    return "\n>\n".join(lines)


def _run(run: ScannerRun) -> tuple[str, ...]:
    if run.report is None:
        findings = "no result"
    else:
        findings = str(len(run.report.findings)) + ("" if run.outcome is Outcome.OK else ", not all was seen")
    outcome = run.outcome.value.replace("_", " ")
    return code(scanner_name(run)), outcome, findings, f"{run.elapsed:.1f}", code(data_words(run))


def _vulnerabilities(found: Sequence[Vulnerability], job: ReportJob) -> Iterator[str]:
    shown = [one for one in found if one.severity >= job.min_severity]
    counted = [one for one in shown if one.suppressed is None]
    suppressed = [one for one in shown if one.suppressed is not None]
    if counted:
        yield from _part(("Vulnerability", "Severity", "Package", "Fixed by", "Scanners"), counted, job)
    if suppressed:
        yield f"Suppressed: {severity_counts(suppressed)}"
        yield from _part(("Vulnerability", "Severity", "Package", "Rule", "Reason"), suppressed, job)
    if len(shown) < len(found):
        lower = [one for one in found if one.severity < job.min_severity]
        yield f"Not shown, below severity {job.min_severity.value}: {severity_counts(lower)}"


def _part(heads: tuple[str, ...], found: Sequence[Vulnerability], job: ReportJob) -> Iterator[str]:
    rows = found if job.show_all else found[:MOST_ROWS]
    yield _table(heads, map(_row, rows))
    if len(rows) < len(found):
        yield f"... {count(len(found) - len(rows), 'more vulnerability', 'more vulnerabilities')}: `--all` shows all"


def _row(found: Vulnerability) -> tuple[str, ...]:
    pages = web_links(found.links)
    highest = f" (highest: {found.highest.value})" if found.highest is not found.severity else ""
    start = (
        link(name(found.id), pages[0] if pages else ""),
        f"{found.severity.value}{highest}",
        code(package_words(found.package)),
    )
    rule = found.suppressed
    if rule is None:
        return (*start, code(joined(found.fixed_by)), _scanners(found))
    until = f" until {rule.until.isoformat()}" if rule.until else ""
    by = f" by {code(name(rule.by))}" if rule.by else ""
    return (*start, f"{code(name(rule.rule))}{by}{until}", code(message(rule.reason)))


def _scanners(found: Vulnerability) -> str:
    parts = [code(joined(found.scanners))]
    if found.not_found_by:
        parts.append(f"not {code(joined(found.not_found_by))}")
    if found.not_looked_by:
        parts.append(f"not known of {code(joined(found.not_looked_by))}")
    return "; ".join(filter(None, parts))


def _unused(rule: UnusedRule) -> str:
    state = "expired" if rule.expired else "unused"
    return f"- {code(name(rule.rule))}, {state}: {code(message(rule.message))}"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(cell or '-' for cell in line)} |" for line in lines)
