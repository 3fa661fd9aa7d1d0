"""Rows 1: one image of 30 layers, which Clair does not know or knows, against Portus' sequence."""

from __future__ import annotations

import asyncio
from math import ceil, log2

from .groups import Size
from .house import open_house
from .repeating import repeat
from .rows import Row
from .scanning import Measured, measure_new_and_known

LAYERS = 30
_RUNS: dict[Size, int] = {"small": 3, "full": 15}
_MOST_REQUESTS = LAYERS + 2 + ceil(log2(LAYERS))


def measure(size: Size) -> list[Row]:
    """Measure; both sizes have the same image and the same limits."""
    return asyncio.run(_measure(_RUNS[size]))


async def _measure(runs: int) -> list[Row]:
    new: list[tuple[Measured, Measured]] = []
    known: list[tuple[Measured, Measured]] = []
    async with open_house(1, LAYERS, LAYERS) as house:
        for _ in repeat("1", runs):
            ours, theirs = await measure_new_and_known(house, "we"), await measure_new_and_known(house, "portus")
            new.append((ours[0], theirs[0]))
            known.append((ours[1], theirs[1]))
    return [
        Row(name="1 known image: requests to Clair", limit=1, runs=[we.requests for we, _ in known]),
        Row(name="1 known image: time, of Portus' sequence", limit=0.25, runs=_times(known)),
        Row(name="1 new image: requests to Clair", limit=_MOST_REQUESTS, runs=[we.requests for we, _ in new]),
        Row(name="1 new image: time, of Portus' sequence", limit=2, runs=_times(new)),
    ]


def _times(pairs: list[tuple[Measured, Measured]]) -> list[float]:
    return [we.seconds / portus.seconds for we, portus in pairs]
