"""One report of an image out of several: of scanners that ran in different jobs, or at different times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator

from attrs import evolve
from portus_images import one_line
from portus_scanners import ImageReport, PortusError, ScannerRun, SeverityPolicy, make_image_report


class CombineError(PortusError, ValueError):
    """Reports that can't be combined into one: there are none, or they are about different images."""


def combine_reports(reports: Iterable[ImageReport], *, severity: SeverityPolicy | None = None) -> ImageReport:
    """Return one report of all runs of several reports of one image; their findings are merged again.

    The result depends only on the set of runs and images: how often a report is given, in which order, and whether
    some were combined before plays no part. All runs count: one that failed keeps the image from being clean, also
    where another of the same scanner ended `ok`.

    Args:
        reports: At least one; all of the same digest. Marks of suppressions are not kept: apply the rules again.
        severity: Which of several severities is shown; the highest when left out.

    Returns:
        The report; its runs are sorted by scanner and start, equal ones come once. Its image is the first by
        reference, where the reports name it differently.

    Raises:
        CombineError: There is no report, or they have different digests.
    """
    reports = tuple(reports)
    if not reports:
        raise CombineError("there is no report to combine")
    digests = sorted({report.image.digest for report in reports})
    if len(digests) > 1:
        names = " and ".join(one_line(digest, 100) for digest in digests[:2])
        raise CombineError(f"reports of different images can't be combined: {names}; combine those of one digest")
    image = min((report.image for report in reports), key=lambda one: (one.reference.text, repr(one)))
    runs = (run for report in reports for run in report.results)
    return make_image_report(image, _unite(runs), severity=severity or SeverityPolicy())


def _unite(runs: Iterable[ScannerRun]) -> Iterator[ScannerRun]:
    """Yield each run once, in an order that depends only on the runs."""
    alike: dict[tuple[Hashable, ...], list[ScannerRun]] = defaultdict(list)
    for run in runs:
        same = alike[_run_order(run)]
        if run not in same:
            same.append(run)
    for key in sorted(alike):
        same = alike[key]
        yield from same if len(same) == 1 else sorted(same, key=_text_of)


def _run_order(run: ScannerRun) -> tuple[Hashable, ...]:
    started = run.started.timestamp() if run.started else 0.0
    return run.scanner, started, run.plugin, run.outcome.value, run.attempts, run.waited, run.elapsed


def _text_of(run: ScannerRun) -> str:
    """Return a string that differs between different runs; the order of details, which are mappings, means nothing."""
    if run.report is None:
        return repr(run)
    findings = [evolve(finding, details=dict(sorted(finding.details.items()))) for finding in run.report.findings]
    return repr(evolve(run, report=evolve(run.report, findings=findings)))
