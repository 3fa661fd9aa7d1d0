"""What became of the scanners."""

from __future__ import annotations

from collections.abc import Iterator

from portus_images import one_line
from portus_scanners.models import GateViolation, ImageReport, Outcome

from .policy import GatePolicy

_HAS_SEEN = {Outcome.OK, Outcome.INCOMPLETE}


def check_runs(report: ImageReport, policy: GatePolicy) -> Iterator[GateViolation]:
    """Yield what does not hold of the runs of one image, a violation a rule."""
    rules = {
        "scanned": _why_not_scanned(report),
        "outcomes": _bad_outcomes(report, policy),
        "required": _missing(report, policy),
        "min_scanners": _too_few(report, policy),
    }
    for rule, message in rules.items():
        if message:
            yield GateViolation(rule=rule, message=message, reference=report.image.reference.text)


def _why_not_scanned(report: ImageReport) -> str:
    """An image that all scanners call unsupported is judged by that outcome alone."""
    outcomes = {run.outcome for run in report.results}
    if not outcomes:
        return "no scanner was asked about it"
    if outcomes & _HAS_SEEN or outcomes == {Outcome.UNSUPPORTED}:
        return ""
    return "no scanner has looked into it"


def _bad_outcomes(report: ImageReport, policy: GatePolicy) -> str:
    passing = {Outcome.OK, *policy.allowed}
    bad = [run for run in report.results if run.outcome not in passing]
    return ", ".join(f"{one_line(run.scanner)} {_said(run.outcome)}" for run in bad)


def _missing(report: ImageReport, policy: GatePolicy) -> str:
    """Of several runs of one scanner, one that ended ok is enough: it has looked."""
    ended = {run.scanner: run.outcome for run in report.results}
    ok = _ended_ok(report)
    missing = [name for name in dict.fromkeys(policy.required) if name not in ok]
    return ", ".join(
        f"{one_line(name)} {_said(ended[name]) if name in ended else 'was not asked'}, and has to end ok"
        for name in missing
    )


def _too_few(report: ImageReport, policy: GatePolicy) -> str:
    number = len(_ended_ok(report))
    if number >= policy.min_scanners:
        return ""
    return f"{number} scanner{'' if number == 1 else 's'} ended ok, at least {policy.min_scanners} have to"


def _ended_ok(report: ImageReport) -> set[str]:
    return {run.scanner for run in report.results if run.outcome is Outcome.OK}


def _said(outcome: Outcome) -> str:
    return f"ended {outcome.value}"
