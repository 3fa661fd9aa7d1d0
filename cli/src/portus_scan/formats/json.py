"""The whole document as JSON, or as JSON Lines, which a reader can take an image at a time."""

from __future__ import annotations

from collections.abc import Iterator

from portus_scanners import dump_line
from portus_scanners.serialize import document_pieces

from ..reporter import ReportJob, TextReporter


class JsonReporter(TextReporter, contract=1):
    """``{"schema_version": 1, "reports": [...], "errors": [...], ...}``."""

    description = "the whole document as JSON; what convert, diff and --baseline read"

    def render(self, job: ReportJob) -> Iterator[str]:
        """Yield the document, a finding or a vulnerability at a time."""
        yield from document_pieces(job.document)


class JsonLinesReporter(TextReporter, contract=1):
    """A line for each report, then for each image that was not scanned, then one for the document."""

    description = "the whole document as JSON Lines: a line an image"

    def render(self, job: ReportJob) -> Iterator[str]:
        """Yield the lines; the last one says that nothing is missing."""
        document = job.document
        yield from map(dump_line, document.reports)
        yield from map(dump_line, document.errors)
        yield dump_line(document)
