"""The document as JSON: for programs, and nothing is left out."""

from __future__ import annotations

from collections.abc import Iterator

from portus_scanners import dump_document

from ..reporter import ReportJob, TextReporter


class JsonReporter(TextReporter, contract=1):
    """``{"schema_version": 1, "reports": [...], "errors": [...], ...}``."""

    description = "the whole document as JSON; what convert, diff and --baseline read"

    def render(self, job: ReportJob) -> Iterator[str]:
        """Yield the document."""
        yield dump_document(job.document)
