"""Notifications: what happened while scanning, of the gate and of suppressions that did not apply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from portus_policy import GateResult, GateViolation
from portus_scanners import ReportDocument, ScannerRun

from ..doubts import Doubt, notes_of, scanner_name
from ..foreign import joined, message, name
from .messages import text_message

Notification = dict[str, Any]

_MOST_IDS = 20


def doubt_notifications(doubts: Iterable[Doubt]) -> Iterator[Notification]:
    """Give an error for each thing that is not known."""
    for doubt in doubts:
        yield _notification(f"outcome/{doubt.outcome}", "error", doubt.sentence)


def note_notifications(runs: Iterable[ScannerRun]) -> Iterator[Notification]:
    """Give what a reader must know in order to trust findings."""
    for run in runs:
        for note in notes_of(run):
            yield _notification("note", "warning", f"scanner {scanner_name(run)}: {note}")


def gate_notifications(gate: GateResult | None, reference: str) -> Iterator[Notification]:
    """Give the rules of the gate that do not hold for one image."""
    for one in gate.violations if gate else ():
        if one.reference == reference:
            yield _violation(one)


def document_notifications(document: ReportDocument) -> list[Notification]:
    """Return what is about no image alone."""
    return [*_gate_of_all(document), *_unused_rules(document)]


def _gate_of_all(document: ReportDocument) -> Iterator[Notification]:
    gate = document.gate
    if gate is None:
        return
    images = {report.image.reference.text for report in document.reports}
    images |= {error.reference for error in document.errors}
    for one in gate.violations:
        if one.reference not in images:
            yield _violation(one)
    if not gate.passed and not gate.violations:
        yield _notification("gate", "error", "the gate has not passed")


def _unused_rules(document: ReportDocument) -> Iterator[Notification]:
    for rule in document.unused_rules:
        text = f"suppression {name(rule.rule)}: {message(rule.message)}"
        yield _notification("unused-suppression", "warning", text)


def _violation(one: GateViolation) -> Notification:
    about = f" ({name(one.reference)})" if one.reference else ""
    listed = f": {joined(one.vulnerabilities[:_MOST_IDS])}" if one.vulnerabilities else ""
    return _notification("gate", "error", f"gate, rule {name(one.rule)}: {message(one.message)}{about}{listed}")


def _notification(kind: str, level: str, text: str) -> Notification:
    return {"descriptor": {"id": kind}, "level": level, "message": text_message(text)}
