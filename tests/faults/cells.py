"""One cell of the matrix: a step of a scanner's work with one fault, and what is wrong with how it ends."""

from __future__ import annotations

import asyncio
import gc
import os
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import Any

from portus_images import Registry
from portus_scanners import Engine, ImageReport, Outcome, PortusError, Verdict, discover

from .front import PatientTimeLoop, Show
from .scenes import CVE, Scene, open_scene
from .steps import HEALTH, LIST, Step

PLUGINS = discover()
SCAN_LIMIT = 15.0
"""Seconds for the whole scan, the registry included."""
BOUND = 300.0
"""Seconds on the loop's clock for a list of a registry, whose requests are tried again with pauses."""
LONGEST_MESSAGE = 2000
_LOOKS = 10


def try_cell(step: Step, show: Show | None) -> tuple[list[str], int]:
    """Run a cell in a loop of its own; return what is wrong with it, and how often the fault was shown."""
    before = descriptors()
    with asyncio.Runner(loop_factory=PatientTimeLoop) as runner:
        faults, shown = runner.run(_cell(step, show))
    return [*faults, *(f"left: {one}" for one in sorted(descriptors() - before))], shown


async def _cell(step: Step, show: Show | None) -> tuple[list[str], int]:
    loop = asyncio.get_running_loop()
    complaints: list[str] = []
    loop.set_exception_handler(lambda _, context: complaints.append(f"loop: {context['message']}"))
    async with open_scene(step.scene) as scene:
        front = scene.fronts[step.server]
        front.show, front.due = show, lambda asked: step.is_due(front, asked)
        begin, before = loop.time(), asyncio.all_tasks()
        try:
            async with asyncio.timeout(BOUND):
                faults = await _ask(step, scene)
        except TimeoutError:
            faults = ["it hangs"]
        if step.question != LIST and loop.time() - begin > SCAN_LIMIT + 1:
            faults.append(f"it took {loop.time() - begin:.0f} s")
        gc.collect()  # a task whose error nobody has asked for complains
        return [*faults, *await tasks_left(scene, before), *complaints], front.shown


async def _ask(step: Step, scene: Scene) -> list[str]:
    """Put the step's question, and return what is wrong with the answer."""
    try:
        if step.question == LIST:
            return await _list(scene)
        async with Engine(scene.settings, plugins=PLUGINS) as engine:
            faults = await (_check_health if step.question == HEALTH else _scan)(engine, step, scene)
            return [*faults, *(f"abandoned: {one}" for one in engine.abandoned)]
    except PortusError as error:
        return in_message(str(error))


async def _scan(engine: Engine, step: Step, scene: Scene) -> list[str]:
    known = {CVE} if step.scene == step.scanner else None
    report = await engine.scan(scene.reference, timeout=SCAN_LIMIT)
    run = next(run for run in report.results if run.scanner == step.scanner)
    well = scene.fronts[step.server].show is not None or known is None or run.outcome is Outcome.OK
    return in_report(report, step.scanner, known) + [f"no fault, but {run.outcome.value}: {run.error}"] * (not well)


async def _check_health(engine: Engine, step: Step, _scene: Scene) -> list[str]:
    healths = {one.scanner: one for one in await engine.check_health()}
    return in_message(healths[step.scanner].message)


async def _list(scene: Scene) -> list[str]:
    """List the registry's repositories and the tags of one: all of them, or an error."""
    host = scene.fronts["registry"].host
    async with Registry(scene.settings.registries, environ={}) as client:
        repositories = [one async for one in client.repositories(host)]
        tags = [one async for one in client.tags(host, "team/app")]
    return [] if (repositories, tags) == (["team/app"], ["1.0"]) else [f"listed {repositories} {tags}"]


async def tasks_left(scene: Scene, before: set[asyncio.Task[Any]]) -> list[str]:
    """Return the tasks that go on for a second and do not serve a connection: servers end their own a little later."""
    for _ in range(_LOOKS):
        serving = {one for front in scene.fronts.values() for one in front.tasks}
        found = [one for one in asyncio.all_tasks() - before - serving if not _is_handler(one)]
        if not found:
            return []
        await asyncio.sleep(1 / _LOOKS)
    return [f"task left: {one}" for one in found]


def _is_handler(task: asyncio.Task[Any]) -> bool:
    return "RequestHandler" in getattr(task.get_coro(), "__qualname__", "")


def in_report(report: ImageReport, scanner: str, known: set[str] | None) -> list[str]:
    """Return what is wrong with a report on an image in which the dummy finds nothing.

    Args:
        report: The report.
        scanner: The scanner that a fault was shown to.
        known: What it finds when it ends well; None when it can't end well.
    """
    runs = {run.scanner: run for run in report.results}
    run, other = runs[scanner], runs["dummy"]
    found = {one.id for one in report.vulnerabilities}
    faults = in_message(run.error) if run.error is not None else []
    if run.outcome in {Outcome.OK, Outcome.INCOMPLETE} and run.report is None:
        faults.append(f"{run.outcome.value} without a report")
    if run.outcome is Outcome.OK and found != known:
        faults.append(f"ok, but found {sorted(found)}")
    if run.outcome not in {Outcome.OK, Outcome.INCOMPLETE} and run.error is None:
        faults.append(f"{run.outcome.value} without a word")
    if report.verdict is Verdict.CLEAN:
        faults.append("clean")
    if other.outcome is not Outcome.OK:
        faults.append(f"the other scanner ended {other.outcome.value}: {other.error}")
    return faults


def in_message(message: str) -> list[str]:
    """Return what is wrong with an error's message: one line that people can read, and no crash."""
    odd = [one for one in message if unicodedata.category(one) in {"Cc", "Cs"} and one != "\n"]
    faults = [f"characters {odd}"] if odd else []
    faults += ["no message"] * (not message.strip()) + ["a long message"] * (len(message) > LONGEST_MESSAGE)
    return faults + [f"crashed: {message}"] * ("crashed" in message)


def descriptors() -> set[str]:
    """Return the sockets, pipes and files that this process has open."""
    found = set()
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (quick)
        with suppress(OSError):
            found.add(str(Path("/proc/self/fd", name).readlink()))
    return {one for one in found if one.startswith(("socket:", "pipe:"))}
