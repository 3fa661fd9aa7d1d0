"""A scan that is cancelled just as its registry refuses: no error is left that nobody has read."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from portus_images import RegistryError
from portus_scanners import Engine, Platform, Reference, Settings
from portus_scanners.engine.image_scan import Resolution
from portus_scanners_testing import virtual_time


class RefusingRegistry:
    """Refuses every reference as soon as it is told to."""

    def __init__(self) -> None:
        self.refuse = asyncio.Event()

    async def resolve(self, reference: Reference, platform: Platform | None = None) -> Any:
        await self.refuse.wait()
        raise RegistryError("refused", registry=reference.registry, step="manifest")

    async def resolve_all(self, reference: Reference) -> Any:
        return await self.resolve(reference)


async def scan_one(engine: Engine) -> None:
    """Scan one image."""
    await engine.scan("registry.example/app:1")


async def scan_platforms(engine: Engine) -> None:
    """Scan all images of an index."""
    async with engine.scan_many(["registry.example/app:1"], all_platforms=True) as scans:
        async for _ in scans:
            pass


async def resolve_one(engine: Engine) -> None:
    """Resolve one image as a scan does, with nothing in between."""
    reference = Reference.parse("registry.example/app:1")
    await Resolution(reference, None).find(engine.resolve(reference))


@pytest.mark.parametrize("scan", [scan_one, scan_platforms, resolve_one])
@pytest.mark.parametrize("turns", range(5))
def test_a_refusal_at_the_moment_of_cancellation_is_read(scan: Any, turns: int) -> None:
    """Whatever turn of the event loop the cancellation comes in, asyncio has nothing to complain about."""
    complaints: list[str] = []

    @virtual_time
    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context["message"]))
        registry: Any = RefusingRegistry()
        async with Engine(Settings(scanners={}), registry=registry) as engine:
            task = asyncio.create_task(scan(engine))
            for _ in range(8):
                await asyncio.sleep(0)
            registry.refuse.set()
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            del task
            gc.collect()

    run()
    assert [] == complaints
