"""GitLab's report of container scanning, for its security pages.

The schema is 15.0.7: GitLab rejects a report whose version it does not know, and knows this one since 16.0; everything
here is valid in 15.2.1 as well. GitLab shows strings as Markdown.

Source: GitLab, security-report-schemas, ``container-scanning-report-format.json``.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from portus_scanners import Image, ImageReport, ReportDocument, Severity, Vulnerability

from ..reporter import ReportJob, TextReporter
from ..terminal import LONGEST_MESSAGE, message, name
from .doubts import NO_IMAGE, Doubt, doubt_of, doubts_of, notes_of, report_notes, scanner_name, verdict_of
from .foreign import joined, paragraphs, prose, safe_cut, web_links
from .provenance import PROGRAM, VENDOR, Span, join_spans, made_span, program_version, seconds_form, span_of
from .words import fix_words, image_words, package_words, rating_words, suppression_words, who_words

__all__ = ["SCHEMA_VERSION", "GitLabReporter"]

SCHEMA_VERSION = "15.0.7"
_LONGEST_NAME = 255
_LONGEST_SOLUTION = 7_000
_MOST_VECTORS = 10
_LONGEST_VECTOR = 128
_SEVERITIES = {
    Severity.UNKNOWN: "Unknown",
    Severity.NEGLIGIBLE: "Info",
    Severity.LOW: "Low",
    Severity.MEDIUM: "Medium",
    Severity.HIGH: "High",
    Severity.CRITICAL: "Critical",
    Severity.DEFCON1: "Critical",
}
_FATAL = frozenset({"failed", "timed_out", "cancelled", "unresolved", "not_scanned"})
_VECTOR_2 = re.compile(r"AV:[NAL]/AC:[LMH]/Au:[MSN]/C:[NPC]/I:[NPC]/A:[NPC]", re.ASCII)
_VECTOR_3 = re.compile(
    r"CVSS:3\.[01]/AV:[NALP]/AC:[LH]/PR:[NLH]/UI:[NR]/S:[UC]/C:[NLH]/I:[NLH]/A:[NLH]"
    r"(/(E:[XUPFH]|RL:[XOTWU]|RC:[XURC]|[CIA]R:[XLMH])){0,6}",
    re.ASCII,
)
"""The forms that the schema accepts, without the environment's metrics."""

Json = dict[str, Any]


class GitLabReporter(TextReporter, contract=1):
    """The document as GitLab's security report."""

    description = "GitLab's container scanning report, for its security pages"

    def render(self, job: ReportJob) -> Iterator[str]:
        """Yield the report, one piece a vulnerability; the images are gone through twice."""
        yield f'{{"version": {json.dumps(SCHEMA_VERSION)}, "scan": {{"messages": ['
        state = _ScanState(job.document)
        yield from _listed(_messages(job.document, state))
        yield f'], {json.dumps(_scan(job.document, state))[1:]}, "vulnerabilities": ['
        yield from _listed(_vulnerabilities(job.document))
        yield "\n]}\n"


def _listed(entries: Iterable[Json]) -> Iterator[str]:
    for number, entry in enumerate(entries):
        yield f"{',' if number else ''}\n{json.dumps(entry)}"


class _ScanState:
    """What the images say of the whole scan, noted while somebody else goes through them."""

    def __init__(self, document: ReportDocument) -> None:
        self.is_whole = bool(document.reports) and not document.errors
        self.span: Span | None = None

    def note(self, report: ImageReport) -> None:
        self.is_whole = self.is_whole and not doubts_of(report)
        if (span := span_of(report.results)) is not None:
            self.span = join_spans(self.span, span)


def _scan(document: ReportDocument, state: _ScanState) -> Json:
    start, end = state.span or made_span(document)
    program = {"id": PROGRAM, "name": PROGRAM, "version": program_version(), "vendor": {"name": VENDOR}}
    return {
        "type": "container_scanning",
        "status": "success" if state.is_whole else "failure",
        "start_time": seconds_form(start),
        "end_time": seconds_form(end),
        "analyzer": program,
        "scanner": program,
    }


def _vulnerabilities(document: ReportDocument) -> Iterator[Json]:
    """Yield the entries; an image that is there from several reports is told apart by its number."""
    times: Counter[tuple[str, ...]] = Counter()
    for report in document.reports:
        image = _image_identity(report.image)
        times[image] += 1
        seen: Counter[str] = Counter()
        for found in report.vulnerabilities:
            entry = _vulnerability(report.image, found)
            seen[entry["id"]] += 1
            number = times[image], seen[entry["id"]]
            if number != (1, 1):
                entry["id"] = _uuid(entry["id"], *map(str, number))
            yield entry


def _messages(document: ReportDocument, state: _ScanState) -> Iterator[Json]:
    for report in document.reports:
        state.note(report)
        yield from _image_messages(report)
    for error in document.errors:
        yield _doubt_message(name(error.reference), doubt_of(error))
    if not document.reports and not document.errors:
        yield _doubt_message("", NO_IMAGE)
    if document.gate is not None:
        yield _message("info", f"gate: {'passed' if document.gate.passed else 'failed'}")
        for one in document.gate.violations:
            about = f"{name(one.reference)}: " if one.reference else ""
            yield _message("warn", f"{about}gate, rule {name(one.rule)}: {message(one.message)}")
    for rule in document.unused_rules:
        yield _message("info", f"suppression {name(rule.rule)}: {message(rule.message)}")


def _image_messages(report: ImageReport) -> Iterator[Json]:
    about = image_words(report.image)
    yield _message("info", f"{about}: verdict {verdict_of(report).value}")
    for doubt in doubts_of(report):
        yield _doubt_message(about, doubt)
    for run in report.results:
        for note in notes_of(run):
            yield _message("warn", f"{about}: scanner {scanner_name(run)}: {note}")
    for note in report_notes(report):
        yield _message("warn", f"{about}: {note}")


def _doubt_message(about: str, doubt: Doubt) -> Json:
    level = "fatal" if doubt.outcome in _FATAL else "warn"
    return _message(level, ": ".join(filter(None, [about, doubt.sentence])))


def _message(level: str, text: str) -> Json:
    return {"level": level, "value": safe_cut(text, 2 * LONGEST_MESSAGE)}


def _vulnerability(image: Image, found: Vulnerability) -> Json:
    entry: Json = {
        "id": _identity(image, found),
        "name": safe_cut(f"{name(found.id)} in {joined([found.package.name]) or 'the image'}", _LONGEST_NAME),
        "description": _description(found),
        "severity": _SEVERITIES[found.severity],
        "solution": safe_cut(prose(_solution(found)), _LONGEST_SOLUTION),
        "identifiers": [_identifier(text) for text in (found.id, *found.aliases) if text],
        "links": [{"url": link} for link in web_links(found.links)],
        "details": _details(found),
        "location": _location(image, found),
    }
    vectors = _vectors(found)
    return {**entry, "cvss_vectors": vectors} if vectors else entry


def _identity(image: Image, found: Vulnerability) -> str:
    """Return an id that is the same in each scan for the same vulnerability in the image of the same name."""
    package = found.package
    return _uuid(*_image_identity(image), found.id, package.name, package.version, package.namespace)


def _image_identity(image: Image) -> tuple[str, ...]:
    return image.reference.text, image.digest, str(image.platform)


def _uuid(*parts: str) -> str:
    return str(uuid5(NAMESPACE_URL, "\0".join(parts).encode("utf-8", "backslashreplace").decode()))


def _description(found: Vulnerability) -> str:
    title = message(found.title)
    parts = [title, paragraphs(found.description), who_words(found)]
    if found.suppressed:
        parts.append(suppression_words(found.suppressed))
    return "\n\n".join(prose(part) for part in parts if part)


def _solution(found: Vulnerability) -> str:
    if found.fixed_by:
        return f"Upgrade {package_words(found.package)} to {joined(found.fixed_by)}."
    return f"{fix_words(found).capitalize()}."


def _identifier(text: str) -> Json:
    kind = re.match(r"[A-Za-z]{2,10}(?=-)", text)
    identifier = {"type": kind[0].lower() if kind else "other", "name": name(text), "value": name(text)}
    if re.fullmatch(r"CVE-[0-9]{4}-[0-9]{4,}", text, re.ASCII):
        identifier["url"] = f"https://nvd.nist.gov/vuln/detail/{text}"
    return identifier


def _vectors(found: Vulnerability) -> list[Json]:
    """Return the vectors that the schema accepts, each once."""
    given = [(cvss, name(cvss.source or rating.scanner)) for rating in found.ratings for cvss in rating.cvss]
    each_once = dict.fromkeys((who, cvss.vector) for cvss, who in given if _is_vector(cvss.vector))
    return [{"vendor": who, "vector": vector} for who, vector in each_once][:_MOST_VECTORS]


def _is_vector(text: str) -> bool:
    return len(text) <= _LONGEST_VECTOR and bool(_VECTOR_3.fullmatch(text) or _VECTOR_2.fullmatch(text))


def _details(found: Vulnerability) -> Json:
    rows = {
        "highest_severity": ("Highest severity", [found.highest.value]),
        "ratings": ("Ratings", map(rating_words, found.ratings)),
        "found_by": ("Found by", map(name, found.scanners)),
        "not_found_by": ("Not found by", map(name, found.not_found_by)),
        "not_looked_by": ("Could not look", map(name, found.not_looked_by)),
        "packages": ("Packages", map(package_words, found.packages)),
        "source_packages": ("Source packages", map(package_words, found.source_packages)),
        "purls": ("Package URLs", map(name, found.purls)),
        "fixed_by": ("Fixed by", map(name, found.fixed_by)),
        "fix_states": ("State of the fix", (state.value for state in found.fix_states)),
        "paths": ("Files", map(name, found.paths)),
        "layers": ("Layers", map(name, found.layers)),
    }
    details = {key: _list(title, values) for key, (title, values) in rows.items()}
    if found.suppressed:
        details["suppressed"] = _list("Suppressed", [suppression_words(found.suppressed)])
    return {key: value for key, value in details.items() if value["items"]}


def _list(title: str, values: Iterable[str]) -> Json:
    """Return a named list of strings that GitLab shows as they are."""
    return {"name": title, "type": "list", "items": [{"type": "text", "value": value} for value in values if value]}


def _location(image: Image, found: Vulnerability) -> Json:
    package = {"package": {"name": name(found.package.name)}, "version": name(found.package.version)}
    return {
        "dependency": package,
        "operating_system": name(found.package.namespace) or "Unknown",
        "image": name(image.reference.text),
    }
