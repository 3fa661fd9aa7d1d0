"""Scanning images with our engine and the real plugin, and with the yardstick: how long, how many requests."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Literal

from attrs import frozen
from portus_scanner_clair import ClairScanner
from portus_scanners import Engine, Image, ImageReport
from portus_scanners_testing import open_engine

from .house import House
from .portus_sequence import scan_as_portus

CONCURRENCY = 32
"""Images at once that the plugin's setting ``concurrency`` allows; its default is 4."""

Who = Literal["we", "portus"]


@frozen
class Measured:
    """One scan of all images."""

    seconds: float
    requests: int
    """To Clair."""
    posts: int
    """Those of them that post a layer."""


async def measure_new_and_known(house: House, who: Who) -> tuple[Measured, Measured]:
    """Scan all images with a Clair that knows none of them, and again."""
    await house.forget()
    if who == "portus":
        return await _twice(house, lambda: scan_as_portus(house.clair, house.images))
    settings = {"server": house.clair, "concurrency": str(CONCURRENCY)}
    async with open_engine(ClairScanner, settings, registry=house.registry) as engine:
        return await _twice(house, lambda: scan_all(engine, house.images))


async def _twice(house: House, scan: Callable[[], Awaitable[None]]) -> tuple[Measured, Measured]:
    return await _measure(house, scan), await _measure(house, scan)


async def _measure(house: House, scan: Callable[[], Awaitable[None]]) -> Measured:
    await house.count()
    begin = time.perf_counter()
    await scan()
    seconds = time.perf_counter() - begin
    counted = await house.count()
    return Measured(seconds, sum(counted.values()), counted.get("POST", 0))


async def scan_all(engine: Engine, images: Iterable[Image]) -> None:
    """Scan images, as many at once as the plugin is given.

    Raises:
        RuntimeError: A scan has failed: its time says nothing.
    """
    async with engine.scan_many(images, concurrency=CONCURRENCY) as scans:
        async for end in scans:
            if not isinstance(end.result, ImageReport) or end.result.verdict.value != "vulnerable":
                raise RuntimeError(f"not scanned: {end.result}")
