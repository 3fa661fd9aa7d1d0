"""SARIF 2.1.0: for code scanning (GitHub, Azure DevOps, editors).

One run an image. Whatever is not known is there three times: the invocation was not successful, a notification says
why, and a result says it to those who show results only.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from portus_scanners import ReportDocument

from ...reporter import ReportJob, TextReporter
from .notifications import Notification, document_notifications
from .runs import Run, empty_run, image_run, unresolved_run

__all__ = ["SCHEMA", "SarifReporter"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


class SarifReporter(TextReporter, contract=1):
    """The document as a SARIF log."""

    description = "SARIF 2.1.0, for code scanning"

    def render(self, job: ReportJob) -> Iterator[str]:
        """Return the log, one piece a run."""
        yield f'{{"$schema": {json.dumps(SCHEMA)}, "version": "2.1.0", "runs": ['
        separator = "\n"
        seen: Counter[str] = Counter()
        for run in _runs(job.document):
            _tell_apart(run, seen)
            yield separator + json.dumps(run)
            separator = ",\n"
        yield "\n]}\n"


def _runs(document: ReportDocument) -> Iterator[Run]:
    """Give the runs; what is about all images stands in the first."""
    common: list[Notification] = document_notifications(document)
    for report in document.reports:
        yield image_run(report, document.gate, common)
        common = []
    for error in document.errors:
        yield unresolved_run(error, document.gate, common)
        common = []
    if not document.reports and not document.errors:
        yield empty_run(common)


def _tell_apart(run: Run, seen: Counter[str]) -> None:
    """Number an image that is there again: GitHub refuses two analyses of one name."""
    details = run["automationDetails"]
    seen[details["id"]] += 1
    if seen[details["id"]] > 1:
        details["id"] += f"{seen[details['id']]}/"
