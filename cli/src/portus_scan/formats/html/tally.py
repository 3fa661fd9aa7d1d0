"""How many vulnerabilities of each severity: what pages count and draw. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from attrs import frozen
from portus_scanners import FixState, Package, Severity, Vulnerability

from ..words import count

_BAR_WIDTH = 100.0
_NARROWEST = 2.0


@frozen
class Level:
    """The vulnerabilities of one severity."""

    severity: Severity
    total: int
    fixable: int

    @property
    def words(self) -> str:
        """``12 critical, 8 with a fix``."""
        return f"{self.total} {self.severity.value}, {self.fixable or 'none'} with a fix"


@frozen
class Segment:
    """A piece of a bar that is 100 wide."""

    severity: Severity
    start: float
    width: float


@frozen
class Tally:
    """The vulnerabilities of an image, or of all images of a repository."""

    levels: tuple[Level, ...] = ()
    """Highest first; only severities that occur."""
    suppressed: int = 0
    """How many of all a rule takes out of the gate."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(level.total for level in self.levels)

    @property
    def fixable(self) -> int:
        """Those that somebody knows a fix for."""
        return sum(level.fixable for level in self.levels)

    @property
    def worst(self) -> Severity | None:
        """The highest severity that occurs."""
        return self.levels[0].severity if self.levels else None

    @property
    def rank(self) -> int:
        """That of the worst severity; -1 where there are none."""
        return -1 if self.worst is None else rank_of(self.worst)

    @property
    def words(self) -> str:
        """``12 critical - 40 total``; empty where there are none."""
        return f"{self.levels[0].total} {self.levels[0].severity.value} - {self.total} total" if self.levels else ""

    @property
    def sentence(self) -> str:
        """``40 vulnerabilities: 12 critical, 8 with a fix; ...``: what the chart shows."""
        kinds = "; ".join(level.words for level in self.levels)
        return f"{count(self.total, 'vulnerability', 'vulnerabilities')}: {kinds}" if kinds else "no vulnerabilities"

    @property
    def weight(self) -> tuple[int, ...]:
        """Sorts what is worse behind what is better."""
        totals = {level.severity: level.total for level in self.levels}
        return tuple(totals.get(severity, 0) for severity in reversed(Severity))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The pieces of a bar, each wide enough to be seen."""
        shares = [max(_NARROWEST, _BAR_WIDTH * level.total / self.total) for level in self.levels]
        scale = _BAR_WIDTH / sum(shares) if shares else 1.0
        widths = [share * scale for share in shares]
        return tuple(
            Segment(level.severity, round(sum(widths[:place]), 2), round(width, 2))
            for place, (level, width) in enumerate(zip(self.levels, widths, strict=True))
        )


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


def rank_of(severity: Severity) -> int:
    """Return the place of a severity, the lowest is 0."""
    return _RANKS[severity]


def is_fixable(vulnerability: Vulnerability) -> bool:
    """Return whether some scanner knows of a fix."""
    return bool(vulnerability.fixed_by) or FixState.FIXED in vulnerability.fix_states


def tally(vulnerabilities: Iterable[Vulnerability]) -> Tally:
    """Count vulnerabilities; suppressed ones are among them."""
    found = tuple(vulnerabilities)
    totals = Counter(one.severity for one in found)
    fixable = Counter(one.severity for one in found if is_fixable(one))
    levels = tuple(Level(severity, totals[severity], fixable[severity]) for severity in sorted(totals, reverse=True))
    return Tally(levels, sum(one.suppressed is not None for one in found))


def tally_each_once(images: Iterable[Iterable[Vulnerability]]) -> Tally:
    """Count the vulnerabilities of several images; one in the same package and version counts once, at its worst."""
    worst: dict[tuple[str, Package], Vulnerability] = {}
    for vulnerabilities in images:
        for one in vulnerabilities:
            known = worst.get((one.id, one.package))
            if known is None or _badness(one) > _badness(known):
                worst[one.id, one.package] = one
    return tally(worst.values())


def _badness(vulnerability: Vulnerability) -> tuple[Severity, bool, bool]:
    """One that counts is worse than the same one suppressed; where there is a fix, it is said."""
    return vulnerability.severity, vulnerability.suppressed is None, is_fixable(vulnerability)
