"""What a benchmark measures and says: the groups of rows, their runs, and the rows in a table and as JSON.

A group is a function that takes a size and gives its rows, each as soon as it is measured; its module is imported when
it is its turn.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from statistics import median
from typing import Any, Literal, cast

from attrs import field, frozen

RunSize = Literal["small", "full"]

GROUPS = {
    "1": "one_image",
    "2": "many_images",
    "3": "engine_cost",
    "4": "normalization",
    "5": "memory",
    "6": "start",
    "7": "scale",
    "8": "merging",
    "9": "documents",
    "10": "service",
    "11": "service_pages",
    "12": "trivy_walk",
    "13": "installation",
    "14": "fleet",
}
"""Modules by the number of their rows; each has a function ``measure``."""
PARTS = {
    "command": ("1", "2", "3", "4", "5", "6", "7", "8", "9", "12"),
    "service": ("10", "11"),
    "fleet": ("14",),
}
"""Groups that belong together, by what asks for all of them: ``--service``, ``--fleet``."""
_HEAD = ("row", "median", "floor", "spread", "runs", "limit", "holds")
_NAME_WIDTH = 58
_WIDTHS = (7, 6, 17, 4, 6, 5)
"""The other columns: a table that is printed row by row does not know what comes."""
_PAUSE = 5.0
"""Seconds between two lines about progress."""


def _floats(figures: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(figure) for figure in figures)


@frozen(kw_only=True)
class BenchmarkRow:
    """One figure: how it came out in each run, and what it may be at most."""

    name: str
    """The name; begins with the number of its group: ``2 known: time``."""
    runs: tuple[float, ...] = field(converter=_floats)
    """The figure of each run."""
    limit: float | None = None
    """What the median may be at most; None where the figure is only told."""
    floor: tuple[float, ...] = field(default=(), converter=_floats)
    """What no program can get below, as it came out in each run; empty where that is not measured."""

    @property
    def ratio(self) -> float:
        """The median of the runs."""
        return median(self.runs)

    @property
    def holds(self) -> bool | None:
        """Whether the median is within the limit; None where it has none."""
        return None if self.limit is None else self.ratio <= self.limit

    def document(self) -> dict[str, Any]:
        """Return the row as it is written in JSON."""
        return {
            "name": self.name,
            "ratio": self.ratio,
            "limit": self.limit,
            "holds": self.holds,
            "runs": list(self.runs),
        }


def table_lines(rows: Iterable[BenchmarkRow]) -> Iterator[str]:
    """Yield the table's head, and then the line of each row as soon as the row comes."""
    yield _line(_HEAD)
    for row in rows:
        yield _line(_cells(row))


def _line(cells: Sequence[str]) -> str:
    name, *others = cells
    padded = (cell.rjust(width) for cell, width in zip(others, _WIDTHS, strict=True))
    return "  ".join((name.ljust(_NAME_WIDTH), *padded))


def _cells(row: BenchmarkRow) -> tuple[str, ...]:
    spread = f"{_number(min(row.runs))} - {_number(max(row.runs))}"
    floor = _number(median(row.floor)) if row.floor else "-"
    limit = "-" if row.limit is None else _number(row.limit)
    holds = {True: "yes", False: "NO", None: "-"}[row.holds]
    return row.name, _number(row.ratio), floor, spread, str(len(row.runs)), limit, holds


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.3f}"


Measure = Callable[[RunSize], Iterable[BenchmarkRow]]


def load_group(number: str) -> Measure:
    """Return the function that measures the rows with this number."""
    return cast(Measure, import_module(f".{GROUPS[number]}", __package__).measure)


def repeat(group: str, runs: int) -> Iterator[int]:
    """Yield the number of each run, and say on stderr now and then which one it is.

    Args:
        group: The number of the rows.
        runs: The number of runs.
    """
    told = time.monotonic()
    for run in range(runs):
        if time.monotonic() - told >= _PAUSE:
            told = time.monotonic()
            print(f"rows {group}: run {run + 1} of {runs}", file=sys.stderr, flush=True)
        yield run
