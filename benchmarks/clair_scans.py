"""Images scanned with our engine and the real plugin, and with the yardstick: how long, how many requests.

The yardstick is how Portus asks Clair: one POST a layer from the base up, then one GET; one image after another. It has
no handicap: one session with connections that are kept, the same names of layers, nothing asked of the registry.

Source: Portus 2.5, ``lib/portus/security_backends/clair.rb``.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Literal

import aiohttp
from attrs import frozen
from portus_scanner_clair import ClairScanner
from portus_scanner_clair.layers import make_chain
from portus_scanners import Engine, Image, ImageReport, Reference
from portus_scanners_testing import open_engine

from .house import House
from .servers import QUESTION

CONCURRENCY = 32
"""Images at once that the plugin's setting ``concurrency`` allows; its default is 4."""

Who = Literal["we", "portus"]


@frozen
class Measured:
    """One scan of all images."""

    seconds: float
    requests: int
    """All requests to Clair about layers."""
    posts: int
    """The requests that post a layer."""
    questions: int
    """The requests that ask whether Clair has data for a distribution."""


Pair = tuple[Measured, Measured]
"""One run: ours, and Portus' sequence."""


def times_of_portus(pairs: Iterable[Pair]) -> list[float]:
    """Return our times as shares of those of Portus' sequence."""
    return [we.seconds / portus.seconds for we, portus in pairs]


def questions_of(new: Iterable[Pair], known: Iterable[Pair]) -> list[int]:
    """Return how often we asked about Clair's data in both scans of each run."""
    return [first.questions + again.questions for (first, _), (again, _) in zip(new, known, strict=True)]


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
    questions = counted.pop(QUESTION, 0)
    return Measured(seconds, sum(counted.values()), counted.get("POST", 0), questions)


async def scan_all(engine: Engine, images: Iterable[Image]) -> None:
    """Scan images, as many at once as the plugin is given.

    Raises:
        RuntimeError: A scan has failed, so that its time says nothing.
    """
    async with engine.scan_many(images, concurrency=CONCURRENCY) as scans:
        async for end in scans:
            if not isinstance(end.result, ImageReport) or end.result.verdict.value != "vulnerable":
                raise RuntimeError(f"not scanned: {end.result}")


async def scan_as_portus(clair: str, images: Iterable[Image]) -> None:
    """Scan images as Portus does.

    Args:
        clair: Base URL.
        images: Of a registry that asks for no credentials.

    Raises:
        aiohttp.ClientError: A request failed.
    """
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        for image in images:
            await _scan_one(session, clair, image)


async def _scan_one(session: aiohttp.ClientSession, clair: str, image: Image) -> None:
    assert isinstance(image.reference, Reference)
    blobs = f"http://{image.reference.registry}/v2/{image.reference.repository}/blobs"
    chain = make_chain(image.layers, "portus")
    for link in chain:
        layer = {
            "Name": link.name,
            "Path": f"{blobs}/{link.layer.digest}",
            "ParentName": link.parent,
            "Format": "Docker",
        }
        async with session.post(f"{clair}/v1/layers", json={"Layer": layer}) as response:
            await response.read()
    async with session.get(f"{clair}/v1/layers/{chain[-1].name}?features&vulnerabilities") as response:
        await response.json()
