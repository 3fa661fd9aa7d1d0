"""Rows 1: one image of 30 layers, which Clair does not know or knows, against Portus' sequence."""

from __future__ import annotations

import asyncio
from math import ceil, log2

from .clair_scans import Pair, measure_new_and_known, questions_of, times_of_portus
from .house import open_house
from .rows import BenchmarkRow, RunSize, repeat

LAYERS = 30
_RUNS: dict[RunSize, int] = {"small": 3, "full": 200}
_MOST_REQUESTS = LAYERS + 3 + ceil(log2(LAYERS))


def measure(size: RunSize) -> list[BenchmarkRow]:
    """Return the rows; both sizes have the same image and the same limits."""
    return asyncio.run(_measure(_RUNS[size]))


async def _measure(runs: int) -> list[BenchmarkRow]:
    new: list[Pair] = []
    known: list[Pair] = []
    async with open_house(1, LAYERS, LAYERS) as house:
        for _ in repeat("1", runs):
            ours, theirs = await measure_new_and_known(house, "we"), await measure_new_and_known(house, "portus")
            new.append((ours[0], theirs[0]))
            known.append((ours[1], theirs[1]))
    return [
        BenchmarkRow(name="1 known image: requests to Clair", limit=1, runs=[we.requests for we, _ in known]),
        BenchmarkRow(name="1 known image: time, of Portus' sequence", limit=0.25, runs=times_of_portus(known)),
        BenchmarkRow(name="1 new image: requests to Clair", limit=_MOST_REQUESTS, runs=[we.requests for we, _ in new]),
        BenchmarkRow(name="1 new image: time, of Portus' sequence", limit=1.05, runs=times_of_portus(new)),
        BenchmarkRow(name="1 both: questions about data", limit=1, runs=questions_of(new, known)),
    ]
