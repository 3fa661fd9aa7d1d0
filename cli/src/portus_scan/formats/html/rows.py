"""The vulnerabilities of one image as rows of a table. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from portus_scanners import FixState, Package, ScannerRun, Vulnerability

from ...reporter import ReportJob
from .tally import Tally, is_fixable, rank_of, tally

MOST_ROWS = 10_000
"""Of one page, unless all are asked for; the lowest severities are left out, and their number is said."""

_FIX_WORDS = {
    FixState.FIXED: "fixed",
    FixState.AFFECTED: "no fix yet",
    FixState.UNDER_INVESTIGATION: "under investigation",
    FixState.WILL_NOT_FIX: "will not be fixed",
    FixState.FIX_DEFERRED: "fix deferred",
    FixState.END_OF_LIFE: "end of life",
    FixState.NOT_AFFECTED: "not affected",
}


@frozen
class Row:
    """One vulnerability, and what the page's script asks of it."""

    vulnerability: Vulnerability
    rank: int
    """Of the severity; the highest has the highest."""
    binaries: tuple[str, ...]
    """What its packages are called where this is not the name that is shown, which may be that of their source."""
    fixable: bool
    fix_words: str
    """What is said of a fix where no version is known."""
    found_by: str
    """The places of its scanners in the list of all, with blanks between."""


@frozen
class Rows:
    """What a page shows, and what it leaves out."""

    shown: tuple[Row, ...]
    scanners: tuple[str, ...]
    """All that have found something that is shown, by name."""
    below: Tally
    """Left out as they are lower than the severity that was asked for."""
    cut: Tally
    """Left out as there are too many."""


def make_rows(vulnerabilities: Sequence[Vulnerability], job: ReportJob) -> Rows:
    """Return the rows of an image: highest severity first, none below the job's."""
    found = sorted(vulnerabilities, key=lambda one: one.severity, reverse=True)
    wanted = [one for one in found if one.severity >= job.min_severity]
    shown = wanted if job.show_all else wanted[:MOST_ROWS]
    scanners = tuple(sorted({name for one in shown for name in one.scanners}))
    places = {name: str(place) for place, name in enumerate(scanners)}
    return Rows(
        shown=tuple(_row(one, places) for one in shown),
        scanners=scanners,
        below=tally(found[len(wanted) :]),
        cut=tally(wanted[len(shown) :]),
    )


def _row(vulnerability: Vulnerability, places: dict[str, str]) -> Row:
    states = vulnerability.fix_states
    return Row(
        vulnerability=vulnerability,
        rank=rank_of(vulnerability.severity),
        binaries=tuple(sorted({package.name for package in vulnerability.packages} - {vulnerability.package.name, ""})),
        fixable=is_fixable(vulnerability),
        fix_words=", ".join(_FIX_WORDS.get(state, state.value) for state in states) or "none known",
        found_by=" ".join(places[name] for name in vulnerability.scanners),
    )


def package_words(package: Package) -> str:
    """Return name and version."""
    return f"{package.name} {package.version}".strip()


def age_words(run: ScannerRun, job: ReportJob) -> str:
    """Return how old the scanner's data was at the scan: ``3 days old at the scan``; empty where nobody can tell."""
    from .foreign import utc

    seen = run.started or job.document.created
    updated = run.report.database_updated if run.report else None
    begun, data = (utc(seen) if seen else None), (utc(updated) if updated else None)
    if begun is None or data is None or begun < data:
        return ""
    days = (begun - data).days
    return f"{days} {'day' if days == 1 else 'days'} old at the scan" if days else "less than a day old at the scan"
