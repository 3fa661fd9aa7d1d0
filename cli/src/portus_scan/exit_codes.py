"""What the exit code says, and which one a document deserves."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portus_scanners import Outcome, ReportDocument, ScannerHealth


class ExitCode(IntEnum):
    """The exit codes of every sub-command. Where several apply: 130, then 2, 4, 1, 3, 0."""

    OK = 0
    """Everything was scanned by every selected scanner."""
    GATE = 1
    """The gate has failed; of `diff`: some vulnerability has appeared."""
    USAGE = 2
    """The command line, a reference or the configuration is wrong, or the answer could not be written."""
    PARTIAL = 3
    """Some scanner did not end `ok`, or some image could not be resolved."""
    NOTHING = 4
    """No scanner has looked into any image."""
    INTERRUPTED = 130
    """Ctrl-C, SIGTERM or SIGHUP."""


def judge_document(document: ReportDocument, allowed: Collection[Outcome] = ()) -> ExitCode:
    """Return the exit code that a document deserves: `OK`, `GATE`, `PARTIAL` or `NOTHING`.

    Whether something was found plays no part, but for the gate's result; an image that no scanner was asked about is
    not scanned.

    Args:
        document: The answer.
        allowed: Outcomes other than ok that the gate's policy allows: they do not make it `PARTIAL`.
    """
    from portus_scanners import Outcome

    seen = {Outcome.OK, Outcome.INCOMPLETE}
    if not any(run.outcome in seen for report in document.reports for run in report.results):
        return ExitCode.NOTHING
    if document.gate is not None and not document.gate.passed:
        return ExitCode.GATE
    passing = {Outcome.OK, *allowed}
    scanned = all(
        report.results and all(run.outcome in passing for run in report.results) for report in document.reports
    )
    return ExitCode.OK if scanned and not document.errors else ExitCode.PARTIAL


def judge_health(found: tuple[ScannerHealth, ...]) -> ExitCode:
    """Return the exit code for the health of all enabled scanners; one that can't tell counts as healthy."""
    unhealthy = [health for health in found if health.healthy is False]
    if len(unhealthy) == len(found):
        return ExitCode.NOTHING
    return ExitCode.PARTIAL if unhealthy else ExitCode.OK
