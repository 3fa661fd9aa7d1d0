"""Reports of many images that are not held in memory: sequences that make an element when it is asked for.

A `ReportDocument` has its reports as a tuple, or as such a sequence, which is read again each time that somebody
iterates over it. What is done to each report of a document is done by `map_reports`, which keeps that so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, overload

from portus_scanners import ImageReport

PartT = TypeVar("PartT")


class LazySequence(Sequence[PartT]):
    """A sequence whose elements are made when they are asked for, each time anew.

    Args:
        size: Its length.
        make: Returns the element of a number, which is at least 0 and less than the length.
    """

    def __init__(self, size: int, make: Callable[[int], PartT]) -> None:
        self._size = size
        self._make = make

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, number: int) -> PartT: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[PartT]: ...
    def __getitem__(self, number: int | slice) -> PartT | Sequence[PartT]:
        """Return an element; of a slice, all of them at once."""
        place = range(self._size)[number]
        return self._make(place) if isinstance(place, int) else tuple(map(self._make, place))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


def map_reports(reports: Sequence[ImageReport], change: Callable[[ImageReport], ImageReport]) -> Sequence[ImageReport]:
    """Return each report changed: a tuple of a tuple, otherwise a sequence that changes a report when it is read.

    Args:
        reports: The reports.
        change: Makes another report of one; the same one each time.
    """
    if isinstance(reports, tuple):
        return tuple(map(change, reports))
    return LazySequence(len(reports), lambda number: change(reports[number]))
