"""What a benchmark says: rows, in a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any

from attrs import field, frozen


def _floats(figures: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(figure) for figure in figures)


@frozen(kw_only=True)
class Row:
    """One figure: how it came out in each run, and what it may be at most."""

    name: str
    """Begins with the number of its group: ``2 known: time``."""
    runs: tuple[float, ...] = field(converter=_floats)
    """The figure of each run."""
    limit: float
    """What the median may be at most."""
    floor: tuple[float, ...] = field(default=(), converter=_floats)
    """What nobody can get below, as it came out in each run; empty where nobody has looked for it."""

    @property
    def ratio(self) -> float:
        """The median of the runs."""
        return median(self.runs)

    @property
    def holds(self) -> bool:
        """Whether the median is within the limit."""
        return self.ratio <= self.limit

    def document(self) -> dict[str, Any]:
        """Return the row as JSON has it."""
        return {
            "name": self.name,
            "ratio": self.ratio,
            "limit": self.limit,
            "holds": self.holds,
            "runs": list(self.runs),
        }


_HEAD = ("row", "median", "floor", "spread", "runs", "limit", "holds")


def make_table(rows: Iterable[Row]) -> str:
    """Return all rows as one table in plain text."""
    lines = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    spread = f"{_number(min(row.runs))} - {_number(max(row.runs))}"
    floor = _number(median(row.floor)) if row.floor else "-"
    holds = "yes" if row.holds else "NO"
    return row.name, _number(row.ratio), floor, spread, str(len(row.runs)), _number(row.limit), holds


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.3f}"
