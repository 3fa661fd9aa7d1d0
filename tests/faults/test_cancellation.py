"""A caller may cancel at any moment: all ends, nothing is left, and nothing that is not known is told."""

from __future__ import annotations

import asyncio
import gc
import os

import pytest
from portus_scanners import Engine, ImageReport

from .cells import PLUGINS, descriptors, in_report, tasks_left
from .front import PatientTimeLoop
from .scenes import CVE, SCENES, Scene, open_scene

EVERY = os.environ.get("PORTUS_FAULTS") == "all"
_POINTS = 5
_ONE, _MANY = "scan", "scan_many"


async def _scan(scene: Scene) -> list[ImageReport]:
    async with Engine(scene.settings, plugins=PLUGINS) as engine:
        return [await engine.scan(scene.reference)]


async def _scan_many(scene: Scene) -> list[ImageReport]:
    references = [scene.reference, scene.reference.replace(":1.0", ":2.0"), scene.reference]
    async with Engine(scene.settings, plugins=PLUGINS) as engine:  # noqa: SIM117 (one after the other)
        async with engine.scan_many(references, concurrency=2) as scans:
            return [end.result async for end in scans if isinstance(end.result, ImageReport)]


_WORK = {_ONE: _scan, _MANY: _scan_many}


def cancel_at(turn: int, scene: str, work: str) -> tuple[list[str], int]:
    """Cancel at a turn of the loop, 0: at none; return what is wrong, and the turns that the work took."""
    before = descriptors()
    with asyncio.Runner(loop_factory=PatientTimeLoop) as runner:
        faults, taken = runner.run(_cancel_at(turn, scene, work))
    return faults + [f"left: {one}" for one in descriptors() - before], taken


async def _cancel_at(turn: int, name: str, work: str) -> tuple[list[str], int]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, PatientTimeLoop)
    complaints: list[str] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context["message"]))
    async with open_scene(name) as scene:
        before, first = asyncio.all_tasks(), loop.turns
        task = asyncio.create_task(_WORK[work](scene))
        loop.watch_turns(lambda now: loop.call_soon(task.cancel) if now - first == turn else None)
        await asyncio.wait({task})
        taken = loop.turns - first
        gc.collect()
        faults = complaints + await tasks_left(scene, before)
        if task.cancelled():
            return faults, taken
        scanner, _, more = name.partition(" ")
        known = None if more else {CVE}
        return [*faults, *(one for report in task.result() for one in in_report(report, scanner, known))], taken


@pytest.mark.parametrize("work", _WORK)
@pytest.mark.parametrize("scene", SCENES)
def test_a_cancelled_scan_leaves_nothing(scene: str, work: str) -> None:
    """Cancelled at any turn of the loop, the engine's own beginning and end included, nothing goes on or stays open."""
    faults, total = cancel_at(0, scene, work)
    assert [] == faults
    turns = range(1, total, 1 if EVERY else max(1, total // _POINTS))
    assert {} == {turn: found for turn in turns if (found := cancel_at(turn, scene, work)[0])}
