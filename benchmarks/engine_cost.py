"""Row 3: what the engine costs, against a loop written by hand with the same tasks, deadlines and records.

The loop keeps none of the engine's promises: nothing is retried, no slot is counted, a scanner that swallows its
cancellation or calls ``sys.exit`` takes the loop with it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from portus_scanners import Image, Outcome, Scanner, ScannerRun, ScannerSettings, make_image_report

from .groups import Size
from .instant import NAMES, InstantScanner, make_engine, make_image
from .rows import Row

IMAGES_AT_ONCE = 4
_DEADLINE = 900.0
_PLANS: dict[Size, tuple[int, int]] = {"small": (200, 7), "full": (1000, 21)}


def measure(size: Size) -> list[Row]:
    """Measure both, one right after the other, again and again."""
    images, runs = _PLANS[size]
    given = [make_image(number) for number in range(images)]
    asyncio.run(_scan_with_engine(given))  # the first has imports in it
    ratios = [_compare(given) for _ in range(runs)]
    return [Row(name="3 engine, of a loop written by hand", limit=1.5, runs=ratios)]


def _compare(images: Sequence[Image]) -> float:
    by_hand = asyncio.run(_scan_by_hand(images))
    return asyncio.run(_scan_with_engine(images)) / by_hand


async def _scan_with_engine(images: Sequence[Image]) -> float:
    """Return the seconds of CPU that the scans took."""
    async with make_engine() as engine:
        begin = time.process_time()
        async with engine.scan_many(images, concurrency=IMAGES_AT_ONCE) as scans:
            async for _ in scans:
                pass
        return time.process_time() - begin


async def _scan_by_hand(images: Sequence[Image]) -> float:
    """Return the seconds of CPU that the loop took: a task a scanner, one deadline, a record each, a report."""
    scanners = [InstantScanner(ScannerSettings()) for _ in NAMES]
    begin = time.process_time()
    for image in images:
        make_image_report(image, await _run_all(scanners, image))
    return time.process_time() - begin


async def _run_all(scanners: Sequence[Scanner[ScannerSettings]], image: Image) -> list[ScannerRun]:
    loop = asyncio.get_running_loop()
    begun, started = loop.time(), datetime.now(UTC)
    tasks = [asyncio.create_task(scanner.scan(image), name=f"{image.reference.text}") for scanner in scanners]
    await asyncio.wait(tasks, timeout=_DEADLINE)
    return [
        ScannerRun(
            scanner=name,
            plugin=name,
            outcome=Outcome.OK,
            report=task.result(),
            started=started,
            waited=0.0,
            elapsed=round(loop.time() - begun, 3),
            attempts=1,
        )
        for name, task in zip(NAMES, tasks, strict=True)
    ]
