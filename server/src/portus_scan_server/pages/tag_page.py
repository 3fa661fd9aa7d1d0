"""The page of one image or index: what is shown of it, out of what the views know. Pure: may be made in any thread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from attrs import field, frozen
from portus_scan.formats import PageRow, count, list_rows
from portus_scanners import Outcome, Severity

from ..answers import AnswerDoubt
from ..views import HistoryRow, ImageView, RunRow, ScannerRow, Security, VulnerabilityPage
from .page_addresses import Addresses, PlaceName
from .row_filter import RowFilter


@frozen(kw_only=True)
class ScannerEntry:
    """What one enabled scanner has said of an image.

    Attributes:
        name: Its name in the configuration.
        kind: ``good`` or ``doubt``.
        words: How it stands, in a word or two.
        runs: What is stored of it, each once: its answer, what it said after that, its last try.
    """

    name: str
    kind: str
    words: str
    runs: tuple[tuple[str, RunRow], ...]


@frozen(kw_only=True)
class TagPage:
    """What the template shows.

    Attributes:
        place: Under which name the image was asked for.
        image: What is known of it without its vulnerabilities.
        history: What the tag has named before.
        gone_at: Since when the registry no longer has the tag; None while it has.
        found: Those of its vulnerabilities that are on this page.
        filter: Which were asked for.
        to: Makes the addresses of other pages.
    """

    place: PlaceName
    image: ImageView
    history: tuple[HistoryRow, ...] = ()
    gone_at: datetime | None = None
    found: VulnerabilityPage = field(factory=VulnerabilityPage)
    filter: RowFilter = field(factory=RowFilter)
    to: Addresses = field(factory=Addresses)

    @property
    def security(self) -> Security:
        """What is known of it, in a word."""
        return self.image.security

    @property
    def tags(self) -> Sequence[str]:
        """The image's tags in this repository."""
        here = self.place.host, self.place.repository
        return [one.tag for one in self.image.names if (one.host, one.repository) == here and one.tag]

    @property
    def scanners(self) -> Sequence[ScannerEntry]:
        """What each enabled scanner has said."""
        return [_entry(row) for row in self.image.scanners if row.is_enabled]

    @property
    def total(self) -> int:
        """How many vulnerabilities it has."""
        return self.found.total

    @property
    def levels(self) -> Sequence[tuple[Severity, int]]:
        """How many of each severity that occurs, highest first."""
        counts = self.found.counts
        return [(severity, counts[severity]) for severity in sorted(counts, reverse=True) if counts[severity]]

    @property
    def rows(self) -> Sequence[PageRow]:
        """The rows of this page."""
        of = {id(row.vulnerability): row for row in self.found.rows}
        return list_rows(
            [row.vulnerability for row in self.found.rows],
            find_target=lambda one: self.to.vulnerability(one.id),
            is_new=lambda one: of[id(one)].is_new,
            find_platforms=lambda one: of[id(one)].platforms,
        )

    @property
    def shown_words(self) -> str:
        """How many of all pass the filter."""
        if self.filter.is_any:
            return count(self.total, "vulnerability", "vulnerabilities")
        return f"{self.found.matching} of {self.total} pass the filter"

    @property
    def page_words(self) -> str:
        """Which rows these are."""
        start = self.filter.choice.offset
        return f"{start + 1} to {start + len(self.found.rows)} of {self.found.matching}"

    @property
    def before(self) -> str:
        """The address of the page before; empty on the first one."""
        return self._page(self.filter.page - 1) if self.filter.page > 1 else ""

    @property
    def after(self) -> str:
        """The address of the next page; empty on the last one."""
        return "" if self.found.next_offset is None else self._page(self.filter.page + 1)

    def _page(self, number: int) -> str:
        query = urlencode(self.filter.query(number), errors="replace")
        return f"{self.to.place(self.place)}{f'?{query}' if query else ''}#vulnerabilities"


_UNANSWERED = {
    AnswerDoubt.NOT_SCANNED: "not asked yet",
    AnswerDoubt.OUTDATED: "outdated",
    AnswerDoubt.LAST_FAILED: "ok, last try failed",
}


def _entry(row: ScannerRow) -> ScannerEntry:
    words = next((_UNANSWERED[why] for why in row.doubts if why in _UNANSWERED), "")
    newest = row.said or row.answer or row.last
    if not words:
        words = newest.outcome.value.replace("_", " ") if newest is not None else "not asked yet"
    named = (("its answer", row.answer), ("said after that", row.said), ("its last try", row.last))
    runs: dict[RunRow, str] = {}
    for word, run in named:
        if run is not None:
            runs.setdefault(run, word)
    is_good = newest is not None and newest.outcome is Outcome.OK and not row.doubts
    return ScannerEntry(
        name=row.scanner,
        kind="good" if is_good else "doubt",
        words=words,
        runs=tuple((word, run) for run, word in runs.items()),
    )
