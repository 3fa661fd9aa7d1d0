"""What formats say of the scan itself: the program that made the report, and when its runs took place."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache

from portus_scanners import ReportDocument, ScannerRun

PROGRAM = "portus-scan"
VENDOR = "portus-scanners"
Span = tuple[datetime, datetime]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def program_version() -> str:
    """Return the installed version of the command."""
    from importlib.metadata import version

    return version(PROGRAM)


def span_of(runs: Iterable[ScannerRun]) -> Span | None:
    """Return when the first run began and the last one ended, in UTC; None where no run has a time."""
    whole: Span | None = None
    for run in runs:
        if run.started:
            whole = join_spans(whole, (_utc(run.started), _later(_utc(run.started), run.elapsed)))
    return whole


def join_spans(one: Span | None, other: Span) -> Span:
    """Return from the earlier start to the later end."""
    return (min(one[0], other[0]), max(one[1], other[1])) if one else other


def document_span(document: ReportDocument) -> Span:
    """Return when the runs of a document began and ended; without their times when it was made; else 1970."""
    return span_of(run for report in document.reports for run in report.results) or made_span(document)


def made_span(document: ReportDocument) -> Span:
    """Return when a document was made, twice; 1970 where it does not say."""
    made = _utc(document.created) if document.created else _EPOCH
    return made, made


def seconds_form(when: datetime) -> str:
    """Return ``2026-01-31T12:00:00``, without a zone."""
    return when.replace(tzinfo=None).isoformat(timespec="seconds")


def milliseconds_form(when: datetime) -> str:
    """Return ``2026-01-31T12:00:00.000Z``."""
    return f"{when.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _utc(when: datetime) -> datetime:
    """Return the same moment in UTC; a time without a zone is taken as UTC."""
    if when.tzinfo is None:
        return when.replace(tzinfo=UTC)
    try:
        return when.astimezone(UTC)
    except OverflowError:
        return when.replace(tzinfo=UTC)


def _later(when: datetime, seconds: float) -> datetime:
    try:
        return when + timedelta(seconds=seconds)
    except OverflowError:
        return when


def moment(when: datetime | None) -> str | None:
    """Return a time in ISO 8601, None where there is none."""
    return when.isoformat() if when else None
