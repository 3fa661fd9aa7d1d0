"""Rows 7: what one more image costs the command: of a walk, of a resume, of a list of images that Clair knows.

CPU time of whole processes. The start is subtracted: the same command with one image.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from attrs import frozen
from portus_images import Reference
from portus_scanners_testing.images import DOCKER_MANIFEST, OCI_MANIFEST

from .house import open_servers
from .rows import BenchmarkRow, RunSize, repeat
from .start import command, cpu_seconds, plain_environ

LAYERS = 2
_MILLISECONDS = 1000
_AT_ONCE = 4
_MANIFEST = f"{DOCKER_MANIFEST}, {OCI_MANIFEST}"


@frozen
class _Plan:
    tags: int
    images: int
    """Of the tags, how many are scanned with Clair in one command."""
    runs: int
    tag: float
    line: float
    image: float


_PLANS: dict[RunSize, _Plan] = {
    "small": _Plan(150, 30, runs=1, tag=10, line=10, image=30),
    "full": _Plan(20_000, 200, runs=3, tag=1.6, line=0.2, image=10),
}


def measure(size: RunSize) -> list[BenchmarkRow]:
    """Return the rows; the small size has fewer tags, of which the start is a large part, and wider limits."""
    return asyncio.run(_measure(_PLANS[size]))


async def _measure(plan: _Plan) -> list[BenchmarkRow]:
    tags: list[float] = []
    lines: list[float] = []
    images: list[float] = []
    floors: list[float] = []
    async with open_servers(plan.tags, LAYERS, LAYERS - 1) as (_, ready):
        for _ in repeat("7", plan.runs):
            tag, line = await asyncio.to_thread(_walk, ready, plan.tags)
            tags.append(tag)
            floors.append(await _fetch_alone(ready["references"]))
            lines.append(line)
            images.append(await asyncio.to_thread(_scan_known, ready, plan.images))
    each = "ms of CPU"
    return [
        BenchmarkRow(
            name=f"7 one more tag of a registry, by the dummy, {each}", limit=plan.tag, runs=tags, floor=floors
        ),
        BenchmarkRow(name=f"7 one more line of a resume, {each}", limit=plan.line, runs=lines),
        BenchmarkRow(name=f"7 one more image that Clair knows, {each}", limit=plan.image, runs=images),
    ]


def _walk(ready: Any, tags: int) -> tuple[float, float]:
    """Return the milliseconds of CPU time that one more tag takes, and one more line of results that are resumed."""
    environ = plain_environ() | {"PORTUS_SECURITY_DUMMY_SERVER": "on"}
    host = ready["references"][0].partition("/")[0]
    with TemporaryDirectory(prefix="portus-scanners-bench-") as folder:
        file = Path(folder) / "results.jsonl"
        start = cpu_seconds([command(), "registry", host, "--max-tags", "1"], environ)
        walk = cpu_seconds([command(), "registry", host, "--results", str(file)], environ)
        with file.open() as results:
            if (written := sum(1 for _ in results)) < tags:
                raise RuntimeError(f"expected {tags} results, found {written}")
        resume = cpu_seconds([command(), "registry", host, "--resume", str(file)], environ)
    return (walk - start) / tags * _MILLISECONDS, (resume - start) / tags * _MILLISECONDS


async def _fetch_alone(references: Iterable[str]) -> float:
    """Return the milliseconds of CPU time that aiohttp alone takes for a tag's manifest and its configuration."""
    waiting = [Reference.parse(text) for text in references]
    number, begun = len(waiting), time.process_time()

    async def work(http: aiohttp.ClientSession) -> None:
        while waiting:
            one = waiting.pop()
            repository = f"http://{one.registry}/v2/{one.repository}"
            async with http.get(f"{repository}/manifests/{one.tag}", headers={"Accept": _MANIFEST}) as response:
                manifest = json.loads(await response.read())
            async with http.get(f"{repository}/blobs/{manifest['config']['digest']}") as response:
                json.loads(await response.read())

    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(work(http) for _ in range(_AT_ONCE)))
    return (time.process_time() - begun) / number * _MILLISECONDS


def _scan_known(ready: Any, images: int) -> float:
    """Return the milliseconds of CPU time that one more image takes."""
    environ = plain_environ() | {"PORTUS_SECURITY_CLAIR_SERVER": ready["clair"]}
    scan = [command(), "image", "-o", "json=/dev/null", *ready["references"][:images]]
    cpu_seconds(scan, environ)  # Clair knows them all from here on
    return (cpu_seconds(scan, environ) - cpu_seconds(scan[:5], environ)) / (images - 1) * _MILLISECONDS
