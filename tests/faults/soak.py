"""Scans of every kind in one process for some time, under changing faults and cancellations: ``scripts/soak``.

All scanners that have a scene share one engine. Now and then a fault is shown at some step; scans are cancelled, many
images are scanned at once, health is asked. At the end nothing may be left, and memory may not have grown.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import sys
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from attrs import define, field
from portus_scanners import Engine, ImageReport, Outcome, PortusError, Verdict

from .cells import PLUGINS, descriptors, in_message
from .scenes import IMAGE, SCENES, FrontedRegistry, Scene
from .steps import STEPS
from .wire_faults import FAULTS, HANGS

PARALLEL = 6
SCAN_LIMIT = 6.0
HUNG = 60.0
MOST_GROWTH = 60
"""MB that the process may have grown by since the first quarter of its time."""
SCANNERS = [name for name in SCENES if " " not in name]
WEATHER = [step for step in STEPS if step.scene in SCANNERS]


@define
class Soak:
    """What goes on, and what was seen.

    Attributes:
        seen: How scans and runs ended, by their number.
        wrong: What must not be; empty at the end.
    """

    engine: Engine
    scene: Scene
    rng: random.Random
    end: float
    quiet: dict[str, Any] = field(factory=dict)
    seen: Counter[str] = field(factory=Counter)
    wrong: Counter[str] = field(factory=Counter)

    async def change_weather(self) -> None:
        """Show some fault at some step for some time, or none."""
        while asyncio.get_running_loop().time() < self.end:
            step = self.rng.choice(WEATHER)
            name = self.rng.choice(list(FAULTS))
            front = self.scene.fronts[step.server]
            front.due = (
                (lambda asked, front=front, step=step: step.is_due(front, asked)) if self.rng.random() < 0.8 else _never
            )
            front.show = FAULTS[name]
            await asyncio.sleep(self.rng.uniform(0.05, 0.2 if name in HANGS else 1.0))
            front.due = _never
            front.asked.clear()
            for server in self.scene.servers:  # what they remember is not what is measured
                server.requests.clear()

    async def work(self) -> None:
        """Scan again and again; cancel three of ten."""
        while asyncio.get_running_loop().time() < self.end:
            task = asyncio.create_task(self._drive())
            if self.rng.random() < 0.3:
                await asyncio.sleep(self.rng.choice([0, self.rng.uniform(0, 0.3), self.rng.uniform(0, 2)]))
                task.cancel()
            ended, _ = await asyncio.wait({task}, timeout=HUNG)
            if not ended:
                self.wrong["a scan did not end"] += 1
                task.cancel()
            elif task.cancelled():
                self.seen["cancelled"] += 1
            else:
                self._look(task)

    def _look(self, task: asyncio.Task[list[ImageReport]]) -> None:
        error = task.exception()
        if error is not None:
            self.seen[f"raised {type(error).__name__}"] += 1
            faults = in_message(str(error)) if isinstance(error, PortusError) else [f"not documented: {error!r}"]
            self.wrong.update(faults)
            return
        for report in task.result():
            self.seen[f"verdict {report.verdict.value}"] += 1
            self.wrong.update(["clean"] if report.verdict is Verdict.CLEAN else [])
            for run in report.results:
                self.seen[f"{run.scanner} {run.outcome.value}"] += 1
                self.wrong.update(in_message(run.error) if run.error is not None else [])
                if run.outcome is Outcome.OK and found(run) != self.quiet[run.scanner]:
                    self.wrong[f"{run.scanner} ok, but found {found(run)}"] += 1

    async def _drive(self) -> list[ImageReport]:
        kind = self.rng.random()
        reference = self.scene.reference.replace(":1.0", f":t{self.rng.randrange(4)}")
        if kind < 0.1:
            await self.engine.check_health()
            return []
        if kind < 0.6:
            return [await self.engine.scan(reference, timeout=SCAN_LIMIT)]
        references = [reference, self.scene.reference]
        async with self.engine.scan_many(references, concurrency=2, timeout=SCAN_LIMIT) as scans:
            return [end.result async for end in scans if isinstance(end.result, ImageReport)]


def _never(_asked: object) -> bool:
    return False


def found(run: Any) -> tuple[str, ...]:
    """Return the names of what a run has found."""
    return tuple(one.id for one in run.report.findings) if run.report else ()


def memory() -> int:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


async def soak(seconds: float, seed: int) -> tuple[Soak, list[str]]:
    """Scan for so many seconds; return what was seen, and figures."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        scene = Scene(stack, FrontedRegistry(auth="token"))
        front = await scene.put("registry", scene.registry)
        scene.registry.outside = front.host
        for tag in ("1.0", *(f"t{number}" for number in range(4))):
            scene.registry.push("team/app", tag, IMAGE)
        for name in SCANNERS:
            await SCENES[name](scene)
        for section in scene.security.values():
            section["timeout"] = 4.0
        engine = await stack.enter_async_context(Engine(scene.settings, plugins=PLUGINS, grace=1.0))
        state = Soak(engine, scene, random.Random(seed), loop.time() + seconds)  # noqa: S311 (weather)
        loop.set_exception_handler(lambda _, context: state.wrong.update([f"loop: {context['message']}"]))
        state.quiet = {run.scanner: found(run) for run in (await engine.scan(scene.reference)).results}
        work: list[Coroutine[Any, Any, None]] = [state.change_weather(), *(state.work() for _ in range(PARALLEL))]
        tasks = [asyncio.create_task(one) for one in work]
        await asyncio.sleep(seconds / 4)
        first = memory(), len(descriptors())
        await asyncio.gather(*tasks)
        await engine.scan(scene.reference)
        gc.collect()
        last = memory(), len(descriptors())
        state.wrong.update([f"abandoned: {one}" for one in engine.abandoned])
        if last[0] - first[0] > MOST_GROWTH:
            state.wrong[f"memory grew from {first[0]} to {last[0]} MB"] += 1
    left = [one.get_name() for one in asyncio.all_tasks() if one is not asyncio.current_task()]
    state.wrong.update([f"task left: {one}" for one in left])
    figures = [f"memory {first[0]} MB after a quarter, {last[0]} MB at the end", f"descriptors {first[1]}, {last[1]}"]
    return state, figures


def main() -> int:
    """Run, and print what was seen; 1 when something must not have been."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    before = descriptors()
    state, figures = asyncio.run(soak(options.seconds, options.seed))
    gc.collect()
    state.wrong.update(["descriptors left"] * len(descriptors() - before))
    reports = sum(number for name, number in state.seen.items() if name.startswith("verdict "))
    sys.stdout.write(f"soak: {reports} reports in {options.seconds:.0f} s, seed {options.seed}; {'; '.join(figures)}\n")
    for name, number in sorted(state.seen.items()):
        sys.stdout.write(f"  {number:6} {name}\n")
    for name, number in state.wrong.most_common():
        sys.stdout.write(f"WRONG {number} x {name}\n")
    return 1 if state.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
