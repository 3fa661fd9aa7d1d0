"""Rows 2: many images that share their base, which Clair does not know or knows, against Portus' sequence."""

from __future__ import annotations

import asyncio

from attrs import frozen

from .clair_scans import Pair, measure_new_and_known, questions_of, times_of_portus
from .house import open_house
from .rows import BenchmarkRow, RunSize, repeat


@frozen
class _Plan:
    images: int
    layers: int
    shared: int
    runs: int
    known_time: float
    """At most, as a share of the yardstick's time."""
    new_time: float

    @property
    def posts(self) -> int:
        """The number of different positions that the chains have."""
        return self.shared + self.images * (self.layers - self.shared)


_PLANS: dict[RunSize, _Plan] = {
    "small": _Plan(20, 10, 8, runs=2, known_time=1 / 4, new_time=1 / 2),
    "full": _Plan(200, 30, 25, runs=3, known_time=1 / 10, new_time=1 / 6),
}


def measure(size: RunSize) -> list[BenchmarkRow]:
    """Return the rows; the small size has fewer images of fewer layers, and wider limits of time."""
    return asyncio.run(_measure(_PLANS[size]))


async def _measure(plan: _Plan) -> list[BenchmarkRow]:
    new: list[Pair] = []
    known: list[Pair] = []
    async with open_house(plan.images, plan.layers, plan.shared) as house:
        for _ in repeat("2", plan.runs):
            ours, theirs = await measure_new_and_known(house, "we"), await measure_new_and_known(house, "portus")
            new.append((ours[0], theirs[0]))
            known.append((ours[1], theirs[1]))
    return [
        BenchmarkRow(name="2 known: requests an image", limit=1, runs=[we.requests / plan.images for we, _ in known]),
        BenchmarkRow(name="2 known: time, of Portus' sequence", limit=plan.known_time, runs=times_of_portus(known)),
        BenchmarkRow(name="2 new: POSTs, of different layers", limit=1, runs=[we.posts / plan.posts for we, _ in new]),
        BenchmarkRow(
            name="2 new: requests, of Portus' sequence",
            limit=1 / 2,
            runs=[we.requests / one.requests for we, one in new],
        ),
        BenchmarkRow(name="2 new: time, of Portus' sequence", limit=plan.new_time, runs=times_of_portus(new)),
        BenchmarkRow(name="2 both: questions about data", limit=1, runs=questions_of(new, known)),
    ]
