"""Whole walks through an outage of Clair, with kills and Ctrl-C, in processes of their own whose pauses are short."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from portus_scanners import ImageReport, Verdict, load_document, load_line
from portus_scanners_testing import Disconnect, StandInRegistry
from portus_scanners_testing.images import debian_image
from standins.clair import StandInClair

from ..conftest import Process

Start = Callable[..., Awaitable[Process]]

KILLS = int(os.environ.get("PORTUS_KILLS", "2"))
"""More of them, 200 images, and a long outage are for a run by hand: ``scripts/kills --walk``."""
SEED = int(os.environ.get("PORTUS_SEED", "0")) or random.randrange(1, 2**31)  # noqa: S311 (no secret)
IMAGES = 200 if KILLS > 10 else 12
OUTAGE = 30 if KILLS > 10 else 0.5
"""Seconds for which Clair is away."""
MOST_ASKED = 12 * IMAGES // KILLS
"""Requests to Clair before the next kill, at most; an image takes about five."""
LONGEST_RUN = 3
"""Seconds from the first request to the kill, at most."""
SHORT_PAUSES = """
import portus_scanners.engine.run as run
import portus_scan.walking.outages as outages
run.RETRY_PAUSES = (0.01, 0.01)
outages.FIRST_PAUSE = outages.LONGEST_PAUSE = 0.05
"""


class RestlessClair(StandInClair):
    """Goes away when it has answered so many requests, and comes back when it was asked so many more."""

    def __init__(self) -> None:
        super().__init__()
        self.until = 10**9
        self.again = 10**9
        self.asked = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked += 1
        if self.until < self.asked <= self.again:
            return await Disconnect().show(request, super().answer)
        return await super().answer(request)

    def go_away(self, requests: float = 10**9) -> None:
        """Go away, for so many requests."""
        self.until, self.again = self.asked, self.asked + int(requests)

    def come_back(self) -> None:
        """Answer again."""
        self.again = 0


@pytest.fixture
async def clair() -> AsyncIterator[RestlessClair]:
    """Clair with one vulnerability."""
    async with RestlessClair() as clair:
        clair.add_vulnerability("debian:12", "CVE-2099-0001", "High", fixed_in={"bash": "5.2-2"})
        yield clair


@pytest.fixture
async def stocked() -> AsyncIterator[StandInRegistry]:
    """Images, every other one of them vulnerable."""
    async with StandInRegistry() as server:
        for number in range(IMAGES):
            version = "5.2-1" if number % 2 else "5.2-2"
            server.push(f"team/app{number:03}", "1", debian_image({"bash": version, f"other{number}": "1"}))
        yield server


@pytest.fixture
def walk(start: Start, stocked: StandInRegistry, clair: RestlessClair, tmp_path: Path) -> Start:
    """``await walk("--resume", "FILE")`` starts a walk; the environment's part is made once."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SHORT_PAUSES)
    config = tmp_path / "config.yml"
    section = {"server": clair.url, "health_port": clair.health_port}
    config.write_text(yaml.safe_dump({"security": {"clair": section}}))

    async def begin(*arguments: str, patch: str = "", **sections: object) -> Process:
        (site / "sitecustomize.py").write_text(SHORT_PAUSES + patch)
        config.write_text(yaml.safe_dump({"security": {"clair": section, **sections}}))
        environment = {**os.environ, "PYTHONPATH": str(site)}
        return await start("registry", stocked.host, "--config", str(config), *arguments, env=environment)

    return begin


def verdicts(path: Path) -> list[tuple[str, Verdict | None]]:
    """Return repository and verdict of each line of a whole file; None where there is no report."""
    document = load_document(path.read_bytes())
    found: list[tuple[str, Verdict | None]] = [
        (report.image.reference.text.partition("/")[2], report.verdict) for report in document.reports
    ]
    return sorted([*found, *((one.reference.partition("/")[2], None) for one in document.errors)], key=str)


def expected(*, without: tuple[str, ...] = ()) -> list[tuple[str, Verdict | None]]:
    """Return what a whole walk finds."""
    both = Verdict.CLEAN, Verdict.VULNERABLE
    found = [(f"team/app{number:03}:1", both[number % 2]) for number in range(IMAGES)]
    return [(name, None if name in without else verdict) for name, verdict in found]


async def test_an_outage_loses_no_image(walk: Start, clair: RestlessClair, tmp_path: Path) -> None:
    """They wait; the user hears of the cause once, and of the end."""
    clair.until, clair.again = IMAGES, IMAGES + 60
    ended = await (await walk("--results", str(tmp_path / "r"))).end()
    assert (0, expected()) == (ended.code, verdicts(tmp_path / "r"))
    assert (1, 1) == (ended.stderr.count("clair is away"), ended.stderr.count("clair answers again"))


async def test_when_the_bound_is_over_the_rest_is_not_scanned_and_can_be_tried_again(
    walk: Start, clair: RestlessClair, stocked: StandInRegistry, tmp_path: Path
) -> None:
    """Each image has its record, the cause stands there once with its number; then the registry is not listed."""
    clair.until = IMAGES
    path = tmp_path / "r"
    ended = await (await walk("--results", str(path), "--max-wait", "0.2")).end()
    missing = [name for name, verdict in verdicts(path) if verdict is None]
    assert (3, True) == (ended.code, 0 < len(missing) < IMAGES)
    assert [name for name, _ in expected()] == [name for name, _ in verdicts(path)]
    assert 1 == ended.stdout.count("clair was away for 0 s")
    assert f"not scanned, {len(missing)} images: clair was away" in ended.stdout
    clair.come_back()
    stocked.push("team/new", "1", debian_image({"bash": "1"}))
    stocked.requests.clear()
    ended = await (await walk("--retry-failed", str(path))).end()
    assert (0, expected()) == (ended.code, verdicts(path))
    assert [] == [one.path for one in stocked.requests if "_catalog" in one.path or "tags/list" in one.path]


async def test_another_scanner_goes_on(walk: Start, clair: RestlessClair, tmp_path: Path) -> None:
    """It has seen all images before Clair is back."""
    clair.go_away()
    patch = (
        "import portus_scanner_dummy.scanner as dummy\n"
        "make = dummy.make_empty_report\n"
        "number = 0\n"
        "def count(step):\n"
        "    global number\n"
        "    number += 1\n"
        f"    if number == {IMAGES}: print('dummy has seen all', file=__import__('sys').stderr, flush=True)\n"
        "    return make(step)\n"
        "dummy.make_empty_report = count\n"
    )
    options = ("--results", str(tmp_path / "r"), "--concurrency", "2")
    process = await walk(*options, patch=patch, dummy={"server": "any", "script": [{"behaviour": "empty"}]})
    await process.read_stderr("dummy has seen all")
    assert 0 == (tmp_path / "r").stat().st_size
    clair.come_back()
    ended = await process.end()
    assert (0, expected()) == (ended.code, verdicts(tmp_path / "r"))


async def test_ctrl_c_ends_the_waiting(walk: Start, clair: RestlessClair, tmp_path: Path) -> None:
    """At once; what waits is not lost for the next run."""
    clair.until = IMAGES
    process = await walk("--results", str(tmp_path / "r"))
    await process.read_stderr("clair is away")
    process.interrupt()
    ended = await process.end()
    clair.come_back()
    assert (130, True) == (ended.code, "stopped before the end: --resume scans them again" in ended.stdout)
    ended = await (await walk("--resume", str(tmp_path / "r"))).end()
    assert (0, expected()) == (ended.code, verdicts(tmp_path / "r"))


@pytest.mark.timeout(120 * KILLS)
async def test_kills_at_random_moments_lose_nothing(walk: Start, clair: RestlessClair, tmp_path: Path) -> None:
    """What is finished stays; in the end each image is there once, with its verdict; Clair was away meanwhile."""
    print(f"PORTUS_SEED={SEED}")  # noqa: T201 (shown where the test fails)
    chance = random.Random(SEED)  # noqa: S311 (no secret)
    path, finished = tmp_path / "r", set[str]()
    for kill in range(KILLS):
        if kill == KILLS // 2:
            clair.go_away()
            asyncio.get_running_loop().call_later(OUTAGE, clair.come_back)
        asked, more = clair.asked, chance.randrange(MOST_ASKED)
        process = await walk("--resume" if path.exists() else "--results", str(path))
        await asked_for(clair, asked + 1, process)
        with suppress(TimeoutError):  # Clair is away
            async with asyncio.timeout(LONGEST_RUN):
                await asked_for(clair, asked + more, process)
        await asyncio.sleep(chance.uniform(0, 0.1))
        with suppress(ProcessLookupError):
            process.interrupt(signal.SIGKILL)
        await process.end()
        before, finished = finished, finished_images(path)
        print(f"kill {kill + 1}: {len(finished)} images")  # noqa: T201
        assert before <= finished
    ended = await (await walk("--resume", str(path))).end()
    assert (0, expected()) == (ended.code, verdicts(path))


async def asked_for(clair: RestlessClair, requests: int, process: Process) -> None:
    """Wait until Clair has been asked so many times, or the process has ended."""
    while clair.asked < requests and not process.has_ended:  # noqa: ASYNC110 (two things to wait for)
        await asyncio.sleep(0.02)


def finished_images(path: Path) -> set[str]:
    """Return the images of the whole lines of a file that was left by a killed walk."""
    whole, _, _ = path.read_text().rpartition("\n") if path.exists() else ("", "", "")
    ends = [load_line(line) for line in whole.splitlines()]
    return {end.image.reference.text for end in ends if isinstance(end, ImageReport)}


@pytest.mark.parametrize("where", ["policy.WalkPolicy.judge", "walking.records.ResultsFile.append"])
async def test_a_surprise_is_the_record_of_one_image(
    walk: Start, clair: RestlessClair, tmp_path: Path, where: str
) -> None:
    """The others are scanned and written."""
    module, owner, method = where.rsplit(".", 2)
    patch = (
        f"from portus_scan.{module} import {owner}\n"
        "from portus_scanners import ImageReport\n"
        f"before = {owner}.{method}\n"
        "def surprise(self, end):\n"
        "    if isinstance(end, ImageReport) and end.image.reference.text.endswith('app003:1'): raise KeyError('x')\n"
        "    return before(self, end)\n"
        f"{owner}.{method} = surprise\n"
    )
    ended = await (await walk("--results", str(tmp_path / "r"), patch=patch)).end()
    assert (3, expected(without=("team/app003:1",))) == (ended.code, verdicts(tmp_path / "r"))
    assert "its result can't be judged or written (KeyError: 'x')" in ended.stdout
