"""The document as JSON Lines: a line an image, so that a reader need not hold all of them."""

from __future__ import annotations

from collections.abc import Iterator

from portus_scanners import dump_line

from ..reporter import ReportJob, TextReporter


class JsonLinesReporter(TextReporter, contract=1):
    """A line for each report, then for each image that was not scanned, then one for the document."""

    description = "the whole document as JSON Lines: a line an image"

    def render(self, job: ReportJob) -> Iterator[str]:
        """Yield the lines; the last one says that nothing is missing."""
        document = job.document
        yield from map(dump_line, document.reports)
        yield from map(dump_line, document.errors)
        yield dump_line(document)
