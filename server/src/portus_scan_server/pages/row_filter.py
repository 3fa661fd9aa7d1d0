"""Which vulnerabilities of an image a page shows: the filter in its address. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen
from portus_scanners import Severity

from ..views import VulnerabilityChoice

MOST_ROWS = 500
"""Rows of one page; the rest is on the next ones."""
_LONGEST_TEXT = 200
_LONGEST_NUMBER = 5
_SUPPRESSED = {"": None, "no": False, "only": True}
"""Whether those are wanted that a rule suppresses, by the word in the address."""


@frozen(kw_only=True)
class RowFilter:
    """What is asked for.

    Attributes:
        text: A part of an id, an alias, a title or a package's name.
        severity: That severity or above; None for all.
        by: A scanner that has found it; empty for any.
        fixable: Only those with a fix.
        suppressed: ``no`` for those that no rule suppresses, ``only`` for the others; empty for both.
        new: Only those that are new since the last answer.
        page: The first is 1.
    """

    text: str = ""
    severity: Severity | None = None
    by: str = ""
    fixable: bool = False
    suppressed: str = ""
    new: bool = False
    page: int = 1

    @classmethod
    def read(cls, query: Mapping[str, str]) -> RowFilter:
        """Return the filter of an address; what is not valid in it is as if it were not there."""
        page, suppressed = query.get("page", ""), query.get("suppressed", "")
        return cls(
            text=query.get("text", "")[:_LONGEST_TEXT].strip(),
            severity=next((one for one in Severity if one.value == query.get("severity")), None),
            by=query.get("by", "")[:_LONGEST_TEXT],
            fixable=bool(query.get("fixable")),
            suppressed=suppressed if suppressed in _SUPPRESSED else "",
            new=bool(query.get("new")),
            page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) <= _LONGEST_NUMBER else 1,
        )

    @property
    def is_any(self) -> bool:
        """Whether it lets everything pass."""
        return evolve(self, page=1) == RowFilter()

    @property
    def choice(self) -> VulnerabilityChoice:
        """What the report is asked for."""
        return VulnerabilityChoice(
            min_severity=self.severity,
            scanner=self.by,
            search=self.text,
            fixable=True if self.fixable else None,
            suppressed=_SUPPRESSED[self.suppressed],
            new=self.new,
            offset=(self.page - 1) * MOST_ROWS,
            limit=MOST_ROWS,
        )

    def query(self, page: int) -> Sequence[tuple[str, str]]:
        """Return the values of an address that asks for another page of the same."""
        values = {
            "text": self.text,
            "severity": self.severity.value if self.severity else "",
            "by": self.by,
            "fixable": "1" if self.fixable else "",
            "suppressed": self.suppressed,
            "new": "1" if self.new else "",
            "page": str(page) if page > 1 else "",
        }
        return [(name, value) for name, value in values.items() if value]
