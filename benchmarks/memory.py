"""Rows 5: memory, each time in a process of its own. The peak of many images against that of few, and what grows."""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from attrs import astuple, define, field, frozen
from portus_scanners import Image

from .instant import TalkativeScanner, make_engine, make_image
from .rows import BenchmarkRow, RunSize, repeat


@frozen
class _Plan:
    few: int
    many: int
    half: int
    """The images after which memory must no longer grow."""
    all: int
    runs: int
    peak: float
    growth: float
    objects: float


_PLANS: dict[RunSize, _Plan] = {
    "small": _Plan(20, 200, 100, 200, runs=1, peak=1.25, growth=1.1, objects=1.05),
    "full": _Plan(200, 2000, 1000, 3000, runs=3, peak=1.15, growth=1.02, objects=1.01),
}


def measure(size: RunSize) -> list[BenchmarkRow]:
    """Return the rows; the small size has a tenth of the images."""
    plan = _PLANS[size]
    peaks, growths, objects = [], [], []
    for _ in repeat("5", plan.runs):
        few = _in_process(plan.few)[plan.few]
        sizes = _in_process(plan.half, plan.many, plan.all)
        half, many, last = sizes[plan.half], sizes[plan.many], sizes[plan.all]
        peaks.append(many.peak / few.peak)
        growths.append(last.peak / half.peak)
        objects.append(last.objects / half.objects)
    growth = f"after {plan.all} images, of {plan.half}"
    return [
        BenchmarkRow(name=f"5 memory: peak of {plan.many} images, of {plan.few}", limit=plan.peak, runs=peaks),
        BenchmarkRow(name=f"5 memory: peak {growth}", limit=plan.growth, runs=growths),
        BenchmarkRow(name=f"5 memory: objects {growth}", limit=plan.objects, runs=objects),
    ]


@frozen
class _Size:
    peak: float
    """In any unit."""
    objects: int
    """Blocks of memory that Python has given to its objects, after a collection."""


def _in_process(*counts: int) -> dict[int, _Size]:
    """Return the memory that a process needs after each of these numbers of images."""
    return {int(count): _Size(*size) for count, size in run_in_process(__name__, *map(str, counts)).items()}


def run_in_process(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module in a process of its own, and return the JSON object that it prints."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:  # noqa: S603 (ourselves)
        try:
            output, _ = process.communicate()
        except BaseException:  # Ctrl-C, which the process does not get
            process.kill()
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    found: dict[str, Any] = json.loads(output)
    return found


@define
class _Scans:
    """Scans of images that are made one by one; the memory is read after some of them, when no scan is under way."""

    counts: list[int]
    ended: int = 0
    sizes: dict[int, _Size] = field(factory=dict)

    async def run(self) -> None:
        """Scan all of them, and drop each report."""
        async with make_engine(TalkativeScanner) as engine, engine.scan_many(self._make_images()) as scans:
            async for end in scans:
                self.ended += 1
                del end  # whoever keeps the last report while waiting for the next one has two

    async def _make_images(self) -> AsyncIterator[Image]:
        for number in range(self.counts[-1]):
            if number in self.counts:
                await self._look(number)
            yield make_image(number)
        await self._look(self.counts[-1])

    async def _look(self, count: int) -> None:
        while self.ended < count:  # noqa: ASYNC110 (an event for each image would cost more)
            await asyncio.sleep(0)
        peak = read_peak()
        gc.collect()
        self.sizes[count] = _Size(peak, sys.getallocatedblocks())


def read_peak() -> float:
    """Return the peak of this process's memory in KiB.

    What `resource` gives on Linux may be the parent's, before exec.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return float(status.read_text().partition("VmHWM:")[2].split()[0])


def _main(counts: list[int]) -> None:
    scans = _Scans(counts)
    asyncio.run(scans.run())
    print(json.dumps({count: astuple(size) for count, size in scans.sizes.items()}))


if __name__ == "__main__":
    _main([int(count) for count in sys.argv[1:]])
