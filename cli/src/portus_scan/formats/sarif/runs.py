"""Runs: one an image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from portus_policy import GateResult
from portus_scanners import ImageReport, ScannerRun, UnresolvedImage, Vulnerability

from ..doubts import NO_IMAGE, Doubt, doubt_of, doubts_of, scanner_name, verdict_of
from ..facts import moment
from ..foreign import name
from ..program import PROGRAM, VENDOR, program_version
from ..sentences import image_words
from ..times import milliseconds_form, span_of
from .locations import image_address, relative_address
from .notifications import Notification, doubt_notifications, gate_notifications, note_notifications
from .results import doubt_results, vulnerability_results
from .rules import DOUBT_RULE, Rule, vulnerability_rule

Run = dict[str, Any]


def image_run(report: ImageReport, gate: GateResult | None, common: Iterable[Notification]) -> Run:
    """Return the run of one image."""
    image, doubts = report.image, doubts_of(report)
    rules = _rules(report.vulnerabilities)
    places = {rule["id"]: place for place, rule in enumerate(rules)}
    results = list(vulnerability_results(image, report.vulnerabilities, places))
    results += doubt_results(image_address(image), image_words(image), doubts, len(rules))
    notifications = [
        *doubt_notifications(doubts),
        *note_notifications(report.results),
        *gate_notifications(gate, image.reference.text),
        *common,
    ]
    return {
        "tool": _tool([*rules, DOUBT_RULE] if doubts else rules, report.results),
        "automationDetails": {"id": f"{PROGRAM}/{_category(report)}/"},
        "invocations": [{**_times(report.results), **_invocation(not doubts, notifications)}],
        "results": results,
        "properties": _image_facts(report, gate),
    }


def unresolved_run(error: UnresolvedImage, gate: GateResult | None, common: Iterable[Notification]) -> Run:
    """Return the run of an image that could not be scanned."""
    notifications = [*gate_notifications(gate, error.reference), *common]
    return _run_without_image(relative_address(error.reference), name(error.reference), doubt_of(error), notifications)


def empty_run(common: Iterable[Notification]) -> Run:
    """Return what stands for a document without images: nothing was looked at, so nothing is clean."""
    return _run_without_image("image", "images", NO_IMAGE, common)


def _run_without_image(address: str, about: str, doubt: Doubt, notifications: Iterable[Notification]) -> Run:
    return {
        "tool": _tool([DOUBT_RULE], ()),
        "automationDetails": {"id": f"{PROGRAM}/{address}/"},
        "invocations": [_invocation(False, [*doubt_notifications([doubt]), *notifications])],
        "results": list(doubt_results(address, about, [doubt], 0)),
        "properties": {"image": {"reference": about}, "verdict": "unknown"},
    }


def _rules(found: Iterable[Vulnerability]) -> list[Rule]:
    by_id: dict[str, list[Vulnerability]] = defaultdict(list)
    for one in found:
        by_id[name(one.id)].append(one)
    return [vulnerability_rule(by_id[key]) for key in sorted(by_id)]


def _tool(rules: list[Rule], runs: Iterable[ScannerRun]) -> dict[str, Any]:
    version = program_version()
    driver = {"name": PROGRAM, "organization": VENDOR, "version": version, "semanticVersion": version, "rules": rules}
    scanners = [_scanner(run) for run in runs]
    return {"driver": driver, "extensions": scanners} if scanners else {"driver": driver}


def _scanner(run: ScannerRun) -> dict[str, Any]:
    scanner: dict[str, Any] = {"name": scanner_name(run), "properties": {"outcome": run.outcome.value}}
    if run.report:
        facts = {
            "databaseVersion": name(run.report.database_version),
            "databaseUpdated": moment(run.report.database_updated),
        }
        scanner["properties"] |= {key: value for key, value in facts.items() if value}
        if run.report.scanner_version:
            scanner["version"] = name(run.report.scanner_version)
    return scanner


def _category(report: ImageReport) -> str:
    """Return what GitHub tells analyses apart by: one image of one platform, whatever its tag's digest."""
    platform = f"/{relative_address(str(report.image.platform))}" if report.image.platform else ""
    return f"{relative_address(report.image.reference.text)}{platform}"


def _invocation(successful: bool, notifications: list[Notification]) -> dict[str, Any]:
    return {"executionSuccessful": successful, "toolExecutionNotifications": notifications}


def _times(runs: Iterable[ScannerRun]) -> dict[str, str]:
    span = span_of(runs)
    return {"startTimeUtc": milliseconds_form(span[0]), "endTimeUtc": milliseconds_form(span[1])} if span else {}


def _image_facts(report: ImageReport, gate: GateResult | None) -> dict[str, Any]:
    image = report.image
    facts: dict[str, Any] = {
        "image": {
            "reference": name(image.reference.text),
            "digest": name(image.digest),
            "platform": name(str(image.platform)) if image.platform else None,
        },
        "verdict": verdict_of(report).value,
    }
    return {**facts, "gatePassed": gate.passed} if gate else facts
