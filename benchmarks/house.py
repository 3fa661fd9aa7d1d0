"""The process of the servers, as the benchmarks see it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from attrs import frozen
from portus_images import Registry
from portus_scanners import Image, Reference

_LONGEST_LINE = 16 * 1024 * 1024


@frozen
class House:
    """A Clair and a registry with images, in another process."""

    clair: str
    """Clair's base URL."""
    images: tuple[Image, ...]
    """Resolved beforehand: the time that this takes is not measured."""
    registry: Registry
    _process: asyncio.subprocess.Process

    async def forget(self) -> None:
        """Let Clair forget all layers."""
        await _ask(self._process, "forget")

    async def count(self) -> dict[str, int]:
        """Return how many requests Clair got since the last call, by method; questions about its data apart."""
        counted: dict[str, int] = await _ask(self._process, "count")
        return counted


@asynccontextmanager
async def open_house(images: int, layers: int, shared: int) -> AsyncIterator[House]:
    """Start the servers with images of so many layers, of which they share the lower ones, and resolve the images.

    Args:
        images: The number of images.
        layers: The number of layers of each image.
        shared: The number of these, from the base up, that all images have.
    """
    async with open_servers(images, layers, shared) as (process, ready), Registry() as registry:
        resolved = [await registry.resolve(Reference.parse(text)) for text in ready["references"]]
        yield House(ready["clair"], tuple(resolved), registry, process)


@asynccontextmanager
async def open_servers(images: int, layers: int, shared: int) -> AsyncIterator[tuple[asyncio.subprocess.Process, Any]]:
    """Start the servers, and yield their process and what they have said: ``clair`` (a URL), ``references``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"{__package__}.servers", str(images), str(layers), str(shared),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},  # the stand-ins are not a distribution
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LONGEST_LINE,
        start_new_session=True,  # it gets no Ctrl-C; it ends when its stdin does
    )  # fmt: skip
    try:
        yield process, await _read(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def _ask(process: asyncio.subprocess.Process, command: str) -> Any:
    assert process.stdin is not None
    process.stdin.write(f"{command}\n".encode())
    return await _read(process)


async def _read(process: asyncio.subprocess.Process) -> Any:
    assert process.stdout is not None
    return json.loads(await process.stdout.readline())
