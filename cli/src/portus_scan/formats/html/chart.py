"""Severities drawn as SVG in the page. Our own numbers and words alone: no foreign text comes in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .tally import Level, Tally

if TYPE_CHECKING:
    from markupsafe import Markup

_WIDTH = 360
_LINE = 26
_BAR_START = 92
_BAR_LENGTH = 110
_BAR_HEIGHT = 14


def draw_chart(tally: Tally) -> Markup:
    """Return a bar for each severity: solid is the part with a fix, outlined the part without."""
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


def draw_bar(tally: Tally) -> Markup:
    """Return one small bar of all severities; what it shows stands beside it in words."""
    from markupsafe import Markup

    pieces = "".join(
        f'<rect x="{one.start}" width="{one.width}" height="8" class="s-{one.severity.value} solid"/>'
        for one in tally.segments
    )
    return Markup(  # noqa: S704 (numbers and our own words)
        f'<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">{pieces}</svg>'
    )
