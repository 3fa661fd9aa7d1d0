"""The SARIF log: a run for each image.

Whatever is not known stands there three times: the invocation was not successful, a notification says why, and a result
says it for viewers that show results only.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from portus_policy import GateResult, GateViolation
from portus_scanners import ImageReport, ReportDocument, ScannerRun, Vulnerability

from ...reporter import ReportJob, TextReporter
from ...terminal import message, name
from ..doubts import NO_IMAGE, Doubt, doubt_of, doubts_of, ended_of, notes_of, report_notes, scanner_name, verdict_of
from ..foreign import joined
from ..provenance import PROGRAM, VENDOR, milliseconds_form, moment, program_version, span_of
from ..words import image_words
from .alerts import doubt_results, image_address, relative_address, vulnerability_results
from .rules import DOUBT_RULE, SarifObject, text_message, vulnerability_rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_MOST_IDS = 20
_MOST_RUNS = 20
"""Runs of one file that GitHub accepts. Source: GitHub, "SARIF support for code scanning", limits."""


class SarifReporter(TextReporter, contract=1):
    """The document as a SARIF log."""

    description = "SARIF 2.1.0, for code scanning"

    def remarks(self, job: ReportJob) -> Iterator[str]:
        """Yield that GitHub would not take the log."""
        yield from filter(None, [_too_many_runs(job.document)])

    def render(self, job: ReportJob) -> Iterator[str]:
        """Yield the log, one piece a run."""
        yield f'{{"$schema": {json.dumps(SCHEMA)}, "version": "2.1.0", "runs": ['
        separator = "\n"
        seen: Counter[str] = Counter()
        for run in _runs(job.document):
            _tell_apart(run, seen)
            yield separator + json.dumps(run)
            separator = ",\n"
        yield "\n]}\n"


def _runs(document: ReportDocument) -> Iterator[SarifObject]:
    """Yield the runs; notifications about all images stand in the first."""
    violations = _by_reference(document.gate)
    common = [*_gate_of_all(document, violations), *_unused_rules(document)]
    if too_many := _too_many_runs(document):
        common.append(_notification("too-many-runs", "warning", too_many))
    for report in document.reports:
        yield _image_run(report, document.gate, [*violations.get(report.image.reference.text, ()), *common])
        common = []
    for error in document.errors:
        notifications = [*violations.get(error.reference, ()), *common]
        address, about = relative_address(error.reference), name(error.reference)
        yield _run_without_image(address, about, doubt_of(error), notifications)
        common = []
    if not document.reports and not document.errors:  # nothing was looked at, so nothing is clean
        yield _run_without_image("image", "images", NO_IMAGE, common)


def _too_many_runs(document: ReportDocument) -> str:
    """Return why GitHub would reject the log as a whole; empty if it would not."""
    number = len(document.reports) + len(document.errors)
    if number <= _MOST_RUNS:
        return ""
    return (
        f"the SARIF log has {number} runs, one for each image, and GitHub takes no file with more than {_MOST_RUNS}: "
        f"write one file for each {_MOST_RUNS} images"
    )


def _tell_apart(run: SarifObject, seen: Counter[str]) -> None:
    """Number an image that occurs again: GitHub rejects two analyses of one name."""
    details = run["automationDetails"]
    seen[details["id"]] += 1
    if seen[details["id"]] > 1:
        details["id"] += f"{seen[details['id']]}/"


def _image_run(report: ImageReport, gate: GateResult | None, more: Iterable[SarifObject]) -> SarifObject:
    """Return the run of one image; *more* notifications follow its own."""
    image, doubts = report.image, doubts_of(report)
    rules = _rules(report.vulnerabilities)
    places = {rule["id"]: place for place, rule in enumerate(rules)}
    results = list(vulnerability_results(image, report.vulnerabilities, places))
    results += doubt_results(image_address(image), image_words(image), doubts, len(rules))
    notifications = [
        *_doubt_notifications(doubts),
        *_note_notifications(report),
        *more,
    ]
    return {
        "tool": _tool([*rules, DOUBT_RULE] if doubts else rules, report.results),
        "automationDetails": {"id": f"{PROGRAM}/{_category(report)}/"},
        "invocations": [{**_times(report.results), **_invocation(not doubts, notifications)}],
        "results": results,
        "properties": _image_facts(report, gate),
    }


def _run_without_image(address: str, about: str, doubt: Doubt, notifications: Iterable[SarifObject]) -> SarifObject:
    return {
        "tool": _tool([DOUBT_RULE], ()),
        "automationDetails": {"id": f"{PROGRAM}/{address}/"},
        "invocations": [_invocation(False, [*_doubt_notifications([doubt]), *notifications])],
        "results": list(doubt_results(address, about, [doubt], 0)),
        "properties": {"image": {"reference": about}, "verdict": "unknown"},
    }


def _rules(found: Iterable[Vulnerability]) -> list[SarifObject]:
    by_id: dict[str, list[Vulnerability]] = defaultdict(list)
    for one in found:
        by_id[name(one.id)].append(one)
    return [vulnerability_rule(by_id[key]) for key in sorted(by_id)]


def _tool(rules: list[SarifObject], runs: Iterable[ScannerRun]) -> SarifObject:
    version = program_version()
    driver = {"name": PROGRAM, "organization": VENDOR, "version": version, "semanticVersion": version, "rules": rules}
    scanners = [_scanner(run) for run in runs]
    return {"driver": driver, "extensions": scanners} if scanners else {"driver": driver}


def _scanner(run: ScannerRun) -> SarifObject:
    scanner: SarifObject = {"name": scanner_name(run), "properties": {"outcome": run.outcome.value}}
    if run.report:
        database = run.report.database
        facts = {
            "endOfLife": ended_of(run),
            "database": name(database.identity) if database else None,
            "databaseUpdated": moment(database.updated) if database else None,
        }
        scanner["properties"] |= {key: value for key, value in facts.items() if value}
        if run.report.scanner_version:
            scanner["version"] = name(run.report.scanner_version)
    return scanner


def _category(report: ImageReport) -> str:
    """Return the name by which GitHub tells analyses apart: image and platform, whatever digest the tag has."""
    platform = f"/{relative_address(str(report.image.platform))}" if report.image.platform else ""
    return f"{relative_address(report.image.reference.text)}{platform}"


def _invocation(successful: bool, notifications: list[SarifObject]) -> SarifObject:
    return {"executionSuccessful": successful, "toolExecutionNotifications": notifications}


def _times(runs: Iterable[ScannerRun]) -> dict[str, str]:
    span = span_of(runs)
    return {"startTimeUtc": milliseconds_form(span[0]), "endTimeUtc": milliseconds_form(span[1])} if span else {}


def _image_facts(report: ImageReport, gate: GateResult | None) -> SarifObject:
    image = report.image
    facts: SarifObject = {
        "image": {
            "reference": name(image.reference.text),
            "digest": name(image.digest),
            "platform": name(str(image.platform)) if image.platform else None,
        },
        "verdict": verdict_of(report).value,
    }
    return {**facts, "gatePassed": gate.passed} if gate else facts


def _doubt_notifications(doubts: Iterable[Doubt]) -> Iterator[SarifObject]:
    """Yield an error for each thing that is not known."""
    for doubt in doubts:
        yield _notification(f"outcome/{doubt.outcome}", "error", doubt.sentence)


def _note_notifications(report: ImageReport) -> Iterator[SarifObject]:
    """Yield the notes of the scanners and of the merge, which a reader needs to trust what was found."""
    for run in report.results:
        for note in notes_of(run):
            yield _notification("note", "warning", f"scanner {scanner_name(run)}: {note}")
    for note in report_notes(report):
        yield _notification("note", "warning", note)


def _by_reference(gate: GateResult | None) -> dict[str, list[SarifObject]]:
    """Return the violations of the gate as notifications, by the image that they are about."""
    found: dict[str, list[SarifObject]] = defaultdict(list)
    for one in gate.violations if gate else ():
        found[one.reference].append(_violation(one))
    return found


def _gate_of_all(document: ReportDocument, violations: Mapping[str, list[SarifObject]]) -> Iterator[SarifObject]:
    """Yield the violations that are about none of the images."""
    gate = document.gate
    if gate is None:
        return
    others = set(violations)
    if others - {""}:
        others.difference_update(report.image.reference.text for report in document.reports)
        others.difference_update(error.reference for error in document.errors)
    yield from (notification for one in violations if one in others for notification in violations[one])
    if not gate.passed and not gate.violations:
        yield _notification("gate", "error", "the gate has not passed")


def _unused_rules(document: ReportDocument) -> Iterator[SarifObject]:
    for rule in document.unused_rules:
        text = f"suppression {name(rule.rule)}: {message(rule.message)}"
        yield _notification("unused-suppression", "warning", text)


def _violation(one: GateViolation) -> SarifObject:
    about = f" ({name(one.reference)})" if one.reference else ""
    listed = f": {joined(one.vulnerabilities[:_MOST_IDS])}" if one.vulnerabilities else ""
    return _notification("gate", "error", f"gate, rule {name(one.rule)}: {message(one.message)}{about}{listed}")


def _notification(kind: str, level: str, text: str) -> SarifObject:
    return {"descriptor": {"id": kind}, "level": level, "message": text_message(text)}
