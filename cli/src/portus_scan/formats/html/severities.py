"""How many vulnerabilities of each severity there are: counted, and drawn as SVG. Pure functions.

No foreign string gets into a drawing: only our own numbers and words.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from hashlib import blake2b
from itertools import product
from typing import TYPE_CHECKING

from attrs import astuple, frozen
from portus_scanners import FixState, Severity, Vulnerability

from ..words import count

if TYPE_CHECKING:
    from markupsafe import Markup

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
    """One piece of a bar that is 100 wide."""

    severity: Severity
    start: float
    width: float


@frozen
class SeverityTally:
    """The vulnerabilities of an image, or of all images of a repository."""

    levels: tuple[Level, ...] = ()
    """Highest first; only severities that occur."""
    suppressed: int = 0
    """How many of all a rule takes out of the gate."""

    @property
    def total(self) -> int:
        """The number of all."""
        return sum(level.total for level in self.levels)

    @property
    def fixable(self) -> int:
        """The number of those that some scanner knows a fix for."""
        return sum(level.fixable for level in self.levels)

    @property
    def worst(self) -> Severity | None:
        """The highest severity that occurs."""
        return self.levels[0].severity if self.levels else None

    @property
    def rank(self) -> int:
        """The rank of the worst severity; -1 where there are no vulnerabilities."""
        return -1 if self.worst is None else rank_of(self.worst)

    @property
    def words(self) -> str:
        """``12 critical - 40 total``; empty where there are no vulnerabilities."""
        return f"{self.levels[0].total} {self.levels[0].severity.value} - {self.total} total" if self.levels else ""

    @property
    def sentence(self) -> str:
        """What the chart shows: ``40 vulnerabilities: 12 critical, 8 with a fix; ...``."""
        kinds = "; ".join(level.words for level in self.levels)
        return f"{count(self.total, 'vulnerability', 'vulnerabilities')}: {kinds}" if kinds else "no vulnerabilities"

    @property
    def weight(self) -> tuple[int, ...]:
        """A key that sorts better before worse."""
        totals = {level.severity: level.total for level in self.levels}
        return tuple(totals.get(severity, 0) for severity in reversed(Severity))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The pieces of a bar, each wide enough to be visible."""
        shares = [max(_NARROWEST, _BAR_WIDTH * level.total / self.total) for level in self.levels]
        scale = _BAR_WIDTH / sum(shares) if shares else 1.0
        widths = [share * scale for share in shares]
        return tuple(
            Segment(level.severity, round(sum(widths[:place]), 2), round(width, 2))
            for place, (level, width) in enumerate(zip(self.levels, widths, strict=True))
        )


Badness = tuple[Severity, bool, bool]
"""The severity, whether it is not suppressed, whether there is a fix."""
_BADNESSES = {badness: rank for rank, badness in enumerate(product(Severity, (False, True), (False, True)))}
"""All there are, the worst last."""
_RANKS = {severity: rank for rank, severity in enumerate(Severity)}
_COUNT_ONCE = """
    INSERT INTO worst VALUES (?, ?) ON CONFLICT (one) DO UPDATE SET badness = max(badness, excluded.badness)
"""


def rank_of(severity: Severity) -> int:
    """Return the rank of a severity; the lowest is 0."""
    return _RANKS[severity]


def is_fixable(vulnerability: Vulnerability) -> bool:
    """Return whether some scanner knows of a fix."""
    return bool(vulnerability.fixed_by) or FixState.FIXED in vulnerability.fix_states


def tally(vulnerabilities: Iterable[Vulnerability]) -> SeverityTally:
    """Count vulnerabilities, suppressed ones included."""
    return _tally(Counter(map(_badness, vulnerabilities)))


def _tally(numbers: Counter[Badness]) -> SeverityTally:
    totals: Counter[Severity] = Counter()
    fixable: Counter[Severity] = Counter()
    for (severity, _, is_fixable), number in numbers.items():
        totals[severity] += number
        fixable[severity] += number * is_fixable
    levels = tuple(Level(severity, totals[severity], fixable[severity]) for severity in sorted(totals, reverse=True))
    return SeverityTally(levels, sum(number for (_, counts, _), number in numbers.items() if not counts))


class TallyEachOnce:
    """Counts the vulnerabilities of several images; one in the same package and version counts once, at its worst.

    What was counted is in a temporary file: thousands of images may have thousands of their own.
    """

    def __init__(self) -> None:
        self._store = sqlite3.connect("")
        self._store.execute("CREATE TABLE worst (one BLOB PRIMARY KEY, badness INTEGER) WITHOUT ROWID")

    def add(self, vulnerabilities: Iterable[Vulnerability]) -> None:
        """Count those of one image."""
        self._store.executemany(_COUNT_ONCE, ((_key(one), _BADNESSES[_badness(one)]) for one in vulnerabilities))

    def tally(self) -> SeverityTally:
        """Return the numbers; nothing can be counted after that."""
        with closing(self._store):
            found = self._store.execute("SELECT badness, count(*) FROM worst GROUP BY badness").fetchall()
        words = list(_BADNESSES)
        return _tally(Counter({words[badness]: number for badness, number in found}))


def _key(vulnerability: Vulnerability) -> bytes:
    """Return 16 bytes that stand for a vulnerability of a package."""
    text = repr((vulnerability.id, astuple(vulnerability.package)))
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def _badness(vulnerability: Vulnerability) -> Badness:
    """Return a key by which an unsuppressed vulnerability is worse than a suppressed one, and a fixable one worse."""
    return vulnerability.severity, vulnerability.suppressed is None, is_fixable(vulnerability)


_WIDTH = 360
_LINE = 26
_BAR_START = 92
_BAR_LENGTH = 110
_BAR_HEIGHT = 14


def draw_chart(tally: SeverityTally) -> Markup:
    """Return a bar for each severity: the part with a fix is solid, the part without is outlined."""
    from markupsafe import Markup

    height = _LINE * len(tally.levels)
    most = max((level.total for level in tally.levels), default=1)
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="chart-title chart-text">',
        '<title id="chart-title">Vulnerabilities by severity</title>',
        f'<desc id="chart-text">{tally.sentence}</desc>',
        *(part for place, level in enumerate(tally.levels) for part in _bar(level, place * _LINE, most)),
        "</svg>",
    ]
    return Markup("".join(parts))  # noqa: S704 (numbers and our own words)


def _bar(level: Level, top: int, most: int) -> Iterator[str]:
    length = max(2.0, _BAR_LENGTH * level.total / most)
    fixable = round(length * level.fixable / level.total, 1)
    middle, start = top + _LINE / 2 + 4.5, top + (_LINE - _BAR_HEIGHT) / 2
    severity = level.severity.value
    yield f'<text x="{_BAR_START - 10}" y="{middle}" text-anchor="end">{severity}</text>'
    box = f'y="{start}" height="{_BAR_HEIGHT}" class="s-{severity}'
    if fixable:
        yield f'<rect x="{_BAR_START}" width="{fixable}" {box} solid" rx="2"/>'
    yield f'<rect x="{_BAR_START}" width="{length:.1f}" {box} frame" rx="2"/>'
    with_fix = f" ({level.fixable} fixable)" if level.fixable else ""
    number = f'<tspan class="number">{level.total}</tspan>{with_fix}'
    yield f'<text x="{_BAR_START + length + 8:.1f}" y="{middle}">{number}</text>'


def draw_bar(tally: SeverityTally) -> Markup:
    """Return one small bar of all severities; the page says the same in words beside it."""
    from markupsafe import Markup

    pieces = "".join(
        f'<rect x="{one.start}" width="{one.width}" height="8" class="s-{one.severity.value} solid"/>'
        for one in tally.segments
    )
    return Markup(  # noqa: S704 (numbers and our own words)
        f'<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">{pieces}</svg>'
    )
