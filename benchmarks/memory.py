"""Row 5: memory, each time in a process of its own: the peak of 2,000 images against 200, growth after 1,000."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

from portus_scanners import Image

from .groups import Size
from .instant import make_engine, make_image
from .rows import Row

_PLANS: dict[Size, tuple[int, int, int]] = {"small": (100, 1000, 1), "full": (200, 2000, 3)}


def measure(size: Size) -> list[Row]:
    """Measure each number of images in a process of its own."""
    few, many, runs = _PLANS[size]
    peaks, growths = [], []
    for _ in range(runs):
        small, large = _in_process(few), _in_process(many)
        peaks.append(large["peak"] / small["peak"])
        growths.append(large["last"] / large["half"])
    return [
        Row(name=f"5 memory: peak of {many} images, of that of {few}", limit=1.15, runs=peaks),
        Row(name=f"5 memory: Python's objects after {many} images, of those after half", limit=1.02, runs=growths),
    ]


def _in_process(images: int) -> dict[str, float]:
    command = [sys.executable, "-m", __name__, str(images)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 (ourselves)
    return {name: float(value) for name, value in json.loads(done.stdout).items()}


async def _scan(images: int, sizes: dict[str, float]) -> None:
    """Scan so many images, which are made one by one; note how much memory is in use on the way."""

    async def source() -> AsyncIterator[Image]:
        for number in range(images):
            yield make_image(number)

    ended = 0
    async with make_engine() as engine, engine.scan_many(source()) as scans:
        async for _ in scans:
            ended += 1
            if ended in {images // 2, images}:
                gc.collect()
                sizes["half" if ended < images else "last"] = tracemalloc.get_traced_memory()[0]


def _read_peak() -> float:
    """Return the peak of this process' memory in KiB; `resource` would count the parent's from before exec as well."""
    status = Path("/proc/self/status").read_text()
    return float(re.findall(r"VmHWM:\s+(\d+)", status)[0])


def _main(images: int) -> None:
    sizes: dict[str, float] = {}
    tracemalloc.start()
    asyncio.run(_scan(images, sizes))
    sizes["peak"] = _read_peak()
    print(json.dumps(sizes))


if __name__ == "__main__":
    _main(int(sys.argv[1]))
