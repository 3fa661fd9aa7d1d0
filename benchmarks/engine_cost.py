"""Row 3: what the engine costs, against a loop written by hand with the same tasks, deadlines, records and concurrency.

The loop keeps none of the engine's other promises: nothing is retried, no slot is counted, references are not told
apart from images, and a scanner that swallows its cancellation or calls ``sys.exit`` takes the loop with it.

The floor is the same loop with what the contract promises to each scanner: an image of its own, and a report that is
made anew out of plain values.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from portus_images import copy_image
from portus_scanners import Image, ImageReport, Outcome, Scanner, ScannerRun, ScannerSettings, make_image_report
from portus_scanners.engine.boundary import take_report_now
from portus_scanners_testing import StandInContext

from .instant import NAMES, InstantScanner, make_engine, make_image
from .rows import BenchmarkRow, RunSize, repeat

IMAGES_AT_ONCE = 4
_DEADLINE = 900.0
_PLANS: dict[RunSize, tuple[int, int, float]] = {"small": (200, 9, 2.0), "full": (1000, 31, 1.5)}


def measure(size: RunSize) -> list[BenchmarkRow]:
    """Return the row: both are measured one right after the other, again and again."""
    images, runs, limit = _PLANS[size]
    given = [make_image(number) for number in range(images)]
    _compare(given)  # the first has imports in it
    ratios, floor = zip(*(_compare(given) for _ in repeat("3", runs)), strict=True)
    return [BenchmarkRow(name="3 engine, of a loop written by hand", limit=limit, runs=ratios, floor=floor)]


def _compare(images: Sequence[Image]) -> tuple[float, float]:
    """Return how many times as long the engine takes, and the loop that keeps scanners apart."""
    by_hand = asyncio.run(_scan_by_hand(images))
    apart = asyncio.run(_scan_by_hand(images, apart=True))
    return asyncio.run(_scan_with_engine(images)) / by_hand, apart / by_hand


async def _scan_with_engine(images: Sequence[Image]) -> float:
    """Return the seconds of CPU that the scans took."""
    async with make_engine() as engine:
        begin = time.process_time()
        async with engine.scan_many(images, concurrency=IMAGES_AT_ONCE) as scans:
            async for _ in scans:
                pass
        return time.process_time() - begin


async def _scan_by_hand(images: Sequence[Image], *, apart: bool = False) -> float:
    """Return the seconds of CPU that the loop took; *apart*: each scanner has an image and a report of its own."""
    scanners = [InstantScanner(ScannerSettings(), StandInContext()) for _ in NAMES]
    begin = time.process_time()
    left = iter(images)
    await asyncio.gather(*(_work(scanners, left, apart=apart) for _ in range(IMAGES_AT_ONCE)))
    return time.process_time() - begin


async def _work(scanners: Sequence[Scanner[ScannerSettings]], left: Iterator[Image], *, apart: bool) -> None:
    for image in left:
        await _scan_one(scanners, image, apart=apart)


async def _scan_one(scanners: Sequence[Scanner[ScannerSettings]], image: Image, *, apart: bool) -> ImageReport:
    """Run a task for each scanner, end it from outside when its time is up, make a record of each, and the report."""
    loop = asyncio.get_running_loop()
    begun, started = loop.time(), datetime.now(UTC)
    images = [copy_image(image) if apart else image for _ in scanners]
    scans = [scanner.scan(one) for scanner, one in zip(scanners, images, strict=True)]
    tasks = [asyncio.create_task(scan, name=image.reference.text) for scan in scans]
    deadlines = [loop.call_at(begun + _DEADLINE, task.cancel) for task in tasks]
    await asyncio.wait(tasks)
    for deadline in deadlines:
        deadline.cancel()
    records = [
        ScannerRun(
            scanner=name,
            plugin=name,
            outcome=Outcome.OK,
            report=take_report_now(task.result()) if apart else task.result(),
            started=started,
            waited=0.0,
            elapsed=round(loop.time() - begun, 3),
            attempts=1,
        )
        for name, task in zip(NAMES, tasks, strict=True)
    ]
    return make_image_report(image, records)
