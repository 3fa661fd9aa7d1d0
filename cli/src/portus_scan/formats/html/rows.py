"""What a page lists: vulnerabilities as rows, and what is different from an earlier report. Pure functions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from attrs import frozen
from portus_scanners import FixState, Package, ScannerRun, Vulnerability

from ...reporter import ReportJob
from ..words import count
from .markup import link_target, utc
from .severities import SeverityTally, is_fixable, rank_of, tally
from .site import ImagePage

if TYPE_CHECKING:
    from portus_policy import DocumentDiff, ImageDiff

MOST_ROWS = 10_000
"""Rows of one page, unless all are asked for; the lowest severities are left out, and the page says how many."""

_LONGEST_ANCHOR = 100
_CHANGES = ("new", "gone", "now with a fix", "of another severity", "not comparable")
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
class PageRow:
    """One vulnerability, and what the page's script filters and sorts by."""

    vulnerability: Vulnerability
    anchor: str
    """What the row is called in addresses; no two rows of a page have one."""
    target: str
    """Where its id leads: a page about it, or the row itself."""
    rank: int
    """The rank of the severity; the highest severity has the highest."""
    binaries: tuple[str, ...]
    """The names of its packages other than the one that is shown, which may be that of their source."""
    fixable: bool
    fix_words: str
    """What the page says of a fix where no version is known."""
    found_by: str
    """The indices of its scanners among those of all rows, separated by blanks."""
    is_new: bool = False
    """Whether it is marked as one that was not there before."""
    platforms: tuple[str, ...] = ()
    """Of an index, which of its images have it."""


@frozen
class PageRows:
    """The rows that a page shows, and what it leaves out."""

    shown: tuple[PageRow, ...]
    scanners: tuple[str, ...]
    """The scanners that found something that is shown, by name."""
    below: SeverityTally
    """Left out because their severity is lower than asked for."""
    cut: SeverityTally
    """Left out because there are too many."""


def make_rows(vulnerabilities: Sequence[Vulnerability], job: ReportJob) -> PageRows:
    """Return the rows of an image: highest severity first, none below the job's."""
    found = sorted(vulnerabilities, key=lambda one: one.severity, reverse=True)
    wanted = [one for one in found if one.severity >= job.min_severity]
    shown = wanted if job.show_all else wanted[:MOST_ROWS]
    return PageRows(
        shown=list_rows(shown),
        scanners=scanners_of(shown),
        below=tally(found[len(wanted) :]),
        cut=tally(wanted[len(shown) :]),
    )


def list_rows(
    shown: Sequence[Vulnerability],
    *,
    find_target: Callable[[Vulnerability], str] = lambda _one: "",
    is_new: Callable[[Vulnerability], bool] = lambda _one: False,
    find_platforms: Callable[[Vulnerability], tuple[str, ...]] = lambda _one: (),
) -> tuple[PageRow, ...]:
    """Return the rows for vulnerabilities, in their order.

    Args:
        shown: All of one page.
        find_target: Returns the address that an id leads to; empty for the first of its links, else the row itself.
        is_new: Returns whether one is marked as new.
        find_platforms: Returns which images of an index have it.
    """
    places = {name: str(place) for place, name in enumerate(scanners_of(shown))}
    return tuple(
        PageRow(
            vulnerability=one,
            anchor=anchor,
            target=find_target(one) or next(filter(None, map(link_target, one.links)), f"#{anchor}"),
            rank=rank_of(one.severity),
            binaries=tuple(sorted({package.name for package in one.packages} - {one.package.name, ""})),
            fixable=is_fixable(one),
            fix_words=", ".join(_FIX_WORDS.get(state, state.value) for state in one.fix_states) or "none known",
            found_by=" ".join(places[name] for name in one.scanners),
            is_new=is_new(one),
            platforms=find_platforms(one),
        )
        for one, anchor in zip(shown, _anchors(shown), strict=True)
    )


def scanners_of(vulnerabilities: Sequence[Vulnerability]) -> tuple[str, ...]:
    """Return the scanners that found some of these, by name."""
    return tuple(sorted({name for one in vulnerabilities for name in one.scanners}))


def anchor_of(name: str) -> str:
    """Return the anchor of the first row of an id: what is not a letter, a digit, a dot or a hyphen is a hyphen."""
    return f"v-{re.sub(r'[^A-Za-z0-9.-]', '-', name[:_LONGEST_ANCHOR])}"


def _anchors(shown: Sequence[Vulnerability]) -> Iterator[str]:
    """Yield an anchor for each: its id, for further rows of an id with the package, and with a number where needed."""
    taken: Counter[str] = Counter()
    for one in shown:
        anchor = anchor_of(one.id)
        if taken[anchor]:
            anchor = anchor_of(f"{one.id}-{one.package.name}")
        taken[anchor] += 1
        number = taken[anchor]
        yield anchor if number == 1 else f"{anchor}_{number}"


def package_words(package: Package) -> str:
    """Return a package's name and version."""
    return f"{package.name} {package.version}".strip()


def age_words(run: ScannerRun, job: ReportJob) -> str:
    """Return how old the scanner's data was at the scan: ``3 days old at the scan``; empty where that is not known."""
    seen = run.started or job.document.created
    updated = run.report.database.updated if run.report and run.report.database else None
    begun, data = (utc(seen) if seen else None), (utc(updated) if updated else None)
    if begun is None or data is None or begun < data:
        return ""
    days = (begun - data).days
    return f"{count(days, 'day')} old at the scan" if days else "less than a day old at the scan"


@frozen
class ChangeNumbers:
    """How much is different in one image."""

    place: int
    """Which image of the comparison it is."""
    appeared: int
    vanished: int
    doubtful: bool
    """Whether not everything can be compared."""


class Changes:
    """The comparison of the job's document with its baseline; of each image, the numbers are kept.

    Args:
        diff: The comparison.
    """

    def __init__(self, diff: DocumentDiff) -> None:
        self.diff = diff
        self._numbers: dict[bytes, ChangeNumbers] = {}
        self._totals: Counter[str] = Counter()
        for place, one in enumerate(diff.images):
            numbers = ChangeNumbers(place, len(one.appeared), len(one.vanished), bool(one.not_comparable))
            self._numbers[_key(one.reference, one.platform, one.new_digest)] = numbers
            self._totals["new"] += numbers.appeared
            self._totals["gone"] += numbers.vanished
            self._totals["now with a fix"] += len(one.newly_fixable)
            self._totals["of another severity"] += len(one.severity_changed)
            self._totals["not comparable"] += _doubtful(one)

    def numbers_of(self, page: ImagePage) -> ChangeNumbers | None:
        """Return how much is different in one image; None where the earlier document does not have it."""
        return self._numbers.get(_key(page.reference, page.platform, page.whole_digest))

    def of(self, page: ImagePage) -> ImageDiff | None:
        """Return what is different in one image; None where the earlier document does not have it."""
        numbers = self.numbers_of(page)
        return None if numbers is None else self.diff.images[numbers.place]

    @property
    def sentence(self) -> str:
        """How much is different in all images together, in words."""
        parts = [f"{self._totals[word]} {word}" for word in _CHANGES]
        doubtful = sum(one.doubtful for one in self._numbers.values())
        doubt = f" Not everything can be compared in {count(doubtful, 'image')}." if doubtful else ""
        return f"In {count(len(self.diff.images), 'image')} of both reports: {', '.join(parts)}.{doubt}"


def _key(*texts: str) -> bytes:
    """Return 16 bytes that stand for an image."""
    return blake2b(repr(texts).encode(errors="surrogatepass"), digest_size=16).digest()


def _doubtful(image: ImageDiff) -> int:
    """Return how many vulnerabilities are not comparable; one that several scanners know counts once."""
    return len({(one.id, one.package) for found in image.not_comparable for one in found.vulnerabilities})


def compare(job: ReportJob) -> Changes | None:
    """Return the comparison; None where the job has no baseline."""
    if job.baseline is None:
        return None
    from portus_policy import compare_documents

    return Changes(compare_documents(job.baseline, job.document))
