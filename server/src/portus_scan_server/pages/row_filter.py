"""Which vulnerabilities of an image a page shows: the filter in its address. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen
from portus_scanners import Severity

from ..views import VulnerabilityChoice

MOST_ROWS = 500
"""Rows of one page; the rest is on the next ones."""
_LONGEST_TEXT = 200
_LONGEST_NUMBER = 5
_SEVERITIES = {one.value: one for one in Severity}
_SUPPRESSED = {"": None, "no": False, "only": True}
"""Whether those are wanted that a rule suppresses, by the word in the address."""


def _read(query: Mapping[str, str]) -> dict[str, str]:
    severity, suppressed = query.get("severity", ""), query.get("suppressed", "")
    return {
        "text": query.get("text", "")[:_LONGEST_TEXT].strip(),
        "severity": severity if severity in _SEVERITIES else "",
        "by": query.get("by", "")[:_LONGEST_TEXT],
        "fixable": "1" if query.get("fixable") else "",
        "suppressed": suppressed if suppressed in _SUPPRESSED else "",
        "new": "1" if query.get("new") else "",
    }


@frozen
class RowFilter:
    """What is asked for.

    Attributes:
        words: Part of an id, an alias, a title or a package's name (``text``), that ``severity`` or above, ``by`` a
            scanner, only ``fixable`` ones, ``suppressed`` (``no`` for no such ones, ``only`` for no others), only
            ``new`` ones; each empty where it is not asked for. What is not valid in an address counts as empty.
        page: The first is 1.
    """

    words: Mapping[str, str] = field(factory=dict, converter=_read)
    page: int = 1

    @classmethod
    def read(cls, query: Mapping[str, str]) -> RowFilter:
        """Return the filter of an address."""
        page = query.get("page", "")
        is_number = page.isascii() and page.isdigit() and len(page) <= _LONGEST_NUMBER
        return cls(query, max(1, int(page)) if is_number else 1)

    @property
    def is_any(self) -> bool:
        """Whether it lets everything pass."""
        return not any(self.words.values())

    @property
    def choice(self) -> VulnerabilityChoice:
        """What the report is asked for."""
        return VulnerabilityChoice(
            min_severity=_SEVERITIES.get(self.words["severity"]),
            scanner=self.words["by"],
            search=self.words["text"],
            fixable=True if self.words["fixable"] else None,
            suppressed=_SUPPRESSED[self.words["suppressed"]],
            new=bool(self.words["new"]),
            offset=(self.page - 1) * MOST_ROWS,
            limit=MOST_ROWS,
        )

    def query(self, page: int) -> Sequence[tuple[str, str]]:
        """Return the values of an address that asks for another page of the same."""
        values = {**self.words, "page": str(page) if page > 1 else ""}
        return [(name, value) for name, value in values.items() if value]
