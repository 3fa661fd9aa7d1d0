"""Rows 4: a large answer of Clair to findings, against msgspec decoding it into the plugin's own wire classes alone.

The collector is held back for the plugin, as the command does it, and left alone for the decoder.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import product
from typing import Any

from attrs import frozen
from portus_scan.__main__ import collector_held_back
from portus_scanner_clair.findings import make_report
from portus_scanner_clair.wire import Feature, LayerResult, read_layer
from portus_scanners import Finding, Package, ScannerReport, Severity
from portus_scanners.backends import HttpAnswer, finding_maker

from .rows import BenchmarkRow, RunSize, repeat

NAME = "top"
"""The layer that the answer is about."""
_TEXT = "A flaw was found in the way that a <function> handled & data. " * 10
_WORDS = ("Negligible", "Low", "Medium", "High", "Critical", "Unknown")
_VECTORS = ["AV:{}/AC:{}/Au:{}/C:{}/I:{}/A:{}".format(*parts) for parts in product("NL", "LMH", "NS", *["NPC"] * 3)]
_EACH = 4
"""Vulnerabilities of each feature."""
_TICK = 0.001
"""Seconds."""


@frozen
class _Plan:
    features: int
    runs: int
    ratio: float


_PLANS: dict[RunSize, _Plan] = {"small": _Plan(1000, 9, 5), "full": _Plan(5000, 25, 2.5)}


def measure(size: RunSize) -> list[BenchmarkRow]:
    """Return the rows; a small answer has 1,000 features and 4,000 vulnerabilities (3 MB)."""
    return asyncio.run(_measure(_PLANS[size]))


async def _measure(plan: _Plan) -> list[BenchmarkRow]:
    answer = HttpAnswer(status=200, headers={}, body=make_answer(plan.features))
    features = _decode(answer).Features

    def in_thread(read: Callable[[], None]) -> Awaitable[None]:
        return asyncio.to_thread(read)

    async def as_plugin(read: Callable[[], None]) -> None:
        with collector_held_back():
            await answer.parse(lambda _: read())

    ratios: list[float] = []
    floors: list[float] = []
    stalls: list[float] = []
    for _ in repeat("4", plan.runs):
        decoding, decoding_stall = await _run(partial(_decode, answer), in_thread)
        all_of_it, stall = await _run(partial(_normalize, answer), as_plugin)
        floor, _ = await _run(partial(_only_findings, features), as_plugin)
        ratios.append(all_of_it / decoding)
        floors.append(1 + floor / decoding)
        stalls.append(max(0.0, stall - decoding_stall) * 1000)
    return [
        BenchmarkRow(name="4 normalization, of decoding alone", limit=plan.ratio, runs=ratios, floor=floors),
        BenchmarkRow(name="4 stall beyond the decoder's own, ms", limit=100, runs=stalls),
    ]


def _decode(answer: HttpAnswer) -> LayerResult:
    return read_layer(answer.body, NAME)


def _normalize(answer: HttpAnswer) -> ScannerReport:
    return make_report(read_layer(answer.body, NAME), ())


def _only_findings(features: tuple[Feature, ...]) -> list[Finding]:
    """Return one finding with id and severity for each decoded vulnerability: the least that a plugin has to do."""
    make, package = finding_maker("id", "severity", "package"), Package()
    return [make(one.Name, Severity.HIGH, package) for feature in features for one in feature.Vulnerabilities]


async def _run(
    work: Callable[[], object], start: Callable[[Callable[[], None]], Awaitable[None]]
) -> tuple[float, float]:
    """Return the seconds of CPU that some work took, and for how long it stopped the event loop at most."""
    seconds = 0.0

    def timed() -> None:
        nonlocal seconds
        begin = time.thread_time()
        work()  # and the release of its result
        seconds = time.thread_time() - begin

    ticking = asyncio.create_task(_longest_gap(done := asyncio.Event()))
    await asyncio.sleep(_TICK)
    await start(timed)
    done.set()
    return seconds, await ticking


async def _longest_gap(done: asyncio.Event) -> float:
    """Return the longest time between two ticks of the event loop, beyond a tick's own."""
    longest, last = 0.0, time.perf_counter()
    while not done.is_set():
        await asyncio.sleep(_TICK)
        now = time.perf_counter()
        longest, last = max(longest, now - last - _TICK), now
    return longest


def make_answer(features: int) -> bytes:
    """Return the answer to ``GET /v1/layers/top?vulnerabilities``, decompressed; the same each time.

    The metadata is that of NVD, with as many different ratings as there are vectors of its kind (324).
    """
    chance = random.Random(features)  # noqa: S311
    listed = [_feature(number, chance) for number in range(features)]
    chance.shuffle(listed)
    layer = {"Name": NAME, "NamespaceName": "debian:12", "IndexedByVersion": 3, "Features": listed}
    return json.dumps({"Layer": layer}, separators=(",", ":")).encode()


def _feature(number: int, chance: random.Random) -> dict[str, Any]:
    return {
        "Name": f"package-{number}",
        "NamespaceName": "debian:12",
        "VersionFormat": "dpkg",
        "Version": f"1.{number}-1",
        "AddedBy": "a" * 64,
        "Vulnerabilities": [_vulnerability(number * _EACH + index, chance) for index in range(_EACH)],
    }


def _vulnerability(number: int, chance: random.Random) -> dict[str, Any]:
    name = f"CVE-{chance.randint(2010, 2025)}-{number:05}"
    rating = chance.randrange(len(_VECTORS))
    return {
        "Name": name,
        "NamespaceName": "debian:12",
        "Description": _TEXT[: chance.randint(280, 580)],
        "Link": f"https://security-tracker.debian.org/tracker/{name}",
        "Severity": chance.choice(_WORDS),
        "Metadata": {"NVD": {"CVSSv2": {"Score": round(rating % 100 / 10, 1), "Vectors": _VECTORS[rating]}}},
        "FixedBy": f"1.{number}-2",
    }
