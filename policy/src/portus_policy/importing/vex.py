"""Statements of VEX documents other than OpenVEX, read by the same rules: what they are about, whether they stand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from portus_images import one_line
from portus_scanners.backends import read_time

from ..suppressions import LONGEST_REASON, Claim, ProductStatement, Says, Suppression, make_claim, still_standing
from .imported import RuleCollector

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_AUTHOR = 200

Names = tuple[str, ...]


def members_of(value: object) -> Mapping[str, Any]:
    """Return a JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def parts_of(value: object) -> list[Any]:
    """Return a JSON array; an empty one for anything else."""
    return value if isinstance(value, list) else []


def string_of(value: object) -> str:
    """Return a JSON string; an empty one for anything else."""
    return value.strip() if isinstance(value, str) else ""


class VexCollector:
    """Collects the statements of one document.

    Args:
        collector: Where rules and what is left out go.
        author: Who made the document.
        time: When it was made, for statements that do not say.
    """

    def __init__(self, collector: RuleCollector, author: str, time: str) -> None:
        self._collector = collector
        self._author = one_line(author, _LONGEST_AUTHOR)
        self._time = time
        self._harmless: list[ProductStatement] = []
        self._harmful: list[ProductStatement] = []

    def leave_out(self, path: str, what: str, why: str) -> None:
        """Note what a rule can't express."""
        self._collector.leave_out(self._place(path), what, why)

    def add(
        self, path: str, name: str, product: Names, part: Names | None, says: Says, reason: str, *, time: str = ""
    ) -> None:
        """Add what is said about one product, or about a part of it.

        Args:
            path: Where it is said: ``$.vulnerabilities[0]``.
            name: The vulnerability.
            product: The names of the product.
            part: The names of the part; None for all of the product.
            says: What is said.
            reason: Why.
            time: When it was said, if it says so.
        """
        claim = make_claim(product, () if part is None else (part,), says)
        moment = read_time(time) or read_time(self._time) or _LONG_AGO
        place = self._place(path)
        if says is Says.HARMFUL:
            self._harmful.append(ProductStatement(ids=(name,), time=moment, claim=claim, rule=None))
        elif claim.unmatchable:
            self._collector.leave_out(place, name, claim.unmatchable)
        elif rule := self._rule(place, name, claim, reason):
            self._harmless.append(ProductStatement(ids=(name,), time=moment, claim=claim, rule=rule))

    def finish(self) -> None:
        """Hand on the rules of the statements that nothing in the document contradicts; of equal age, harm counts."""
        standing = set(still_standing([*self._harmless, *self._harmful]))
        for rule in (one.rule for one in self._harmless if one.rule):
            if rule in standing:
                self._collector.keep(rule)
            else:
                self._collector.leave_out(rule.rule, rule.ids[0], "the document says elsewhere that it may do harm")

    def _place(self, path: str) -> str:
        return f"{self._collector.name} {path}"

    def _rule(self, place: str, name: str, claim: Claim, reason: str) -> Suppression | None:
        words = one_line(f"imported from {place}: {reason}", LONGEST_REASON)
        try:
            return Suppression(
                rule=place, ids=(name,), reason=words, by=self._author, image=claim.image, purls=claim.purls
            )
        except ValueError as error:
            self._collector.leave_out(place, name, one_line(str(error)))
            return None
