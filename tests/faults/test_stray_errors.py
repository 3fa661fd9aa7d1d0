"""Errors of the machine in the middle of many scans: one image's, and no end of the walk."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from portus_scanners import Engine, Image, ImageReport, Platform, Reference, Settings, UnresolvedImage
from portus_scanners_testing import virtual_time

IMAGE = Image(reference=Reference.parse("registry.example/app:1"), digest="sha256:" + "a" * 64)


class PoorRegistry:
    """Has no descriptor left for the second image."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def resolve(self, reference: Reference, platform: Platform | None = None) -> Image:
        if reference.tag == "2":
            raise self._error
        return IMAGE

    async def resolve_all(self, reference: Reference) -> tuple[Image, ...]:
        return (await self.resolve(reference),)


@pytest.mark.parametrize("all_platforms", [False, True])
@pytest.mark.parametrize(
    "error",
    [OSError(errno.EMFILE, "Too many open files"), ImportError("libssl.so: cannot open shared object file")],
    ids=["file", "import"],
)
def test_an_error_of_the_machine_is_of_one_image(error: Exception, *, all_platforms: bool) -> None:
    """Too many open files, in a lazy import as well: that image could not be resolved, and the others are scanned."""
    ends: dict[int, Any] = {}

    @virtual_time
    async def run() -> None:
        registry: Any = PoorRegistry(error)
        references = [f"registry.example/app:{number}" for number in range(1, 5)]
        async with (
            Engine(Settings(scanners={}), registry=registry) as engine,
            engine.scan_many(references, concurrency=1, all_platforms=all_platforms) as scans,
        ):
            async for end in scans:
                ends[end.position] = end.result

    run()
    kinds = [type(ends[position]) for position in range(4)]
    assert [ImageReport, UnresolvedImage, ImageReport, ImageReport] == kinds
    assert str(error.args[-1]) in ends[1].message


def test_an_account_in_a_reference_is_nowhere() -> None:
    """What somebody has typed before the host is neither in the message nor in the report."""
    ends = []

    @virtual_time
    async def run() -> None:
        registry: Any = PoorRegistry(OSError())
        async with (
            Engine(Settings(scanners={}), registry=registry) as engine,
            engine.scan_many(["someone:hunter2@registry.example/app:1"]) as scans,
        ):
            ends.extend([end.result async for end in scans])

    run()
    assert "registry.example/app:1" in ends[0].reference
    assert not any(word in repr(ends) for word in ("hunter2", "someone"))
