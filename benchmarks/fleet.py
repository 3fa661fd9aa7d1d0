"""Row 14: workers on one PostgreSQL, all of them processes: what a second one brings, and what a scan costs a fleet.

The server is the tests' own (without fsync); what is read of requests, times and owners, is what its tables say, by its
clock. Where PostgreSQL is not installed there is no row.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen
from portus_images import Reference, Registry
from portus_scan_server.requests import Reason
from portus_scanners import Settings
from standins.postgresql import PostgreSql, find_programs
from standins.trivy import Advisory, find_trivy, write_database

from .fleet_world import CONCURRENCY, SOURCE, End, Fleet
from .house import open_servers
from .rows import BenchmarkRow, RunSize, repeat
from .service_pages import cpu_of, cpu_of_process

_SCANNERS = ("one", "two")
_SLOW = "slow"
_DELAY = 0.2
"""Seconds that a scan of an image takes whose tag says so."""
_SCRIPT = f"[{{image: '*:{_SLOW}-*', delay: {_DELAY}}}, {{count: 100}}]"
_SLOTS = len(_SCANNERS) * 2 * CONCURRENCY
"""Of the dummies' server, over both workers: no scan waits for another worker's."""
_MB, _KB = 1024 * 1024, 1024


@frozen(kw_only=True)
class _Plan:
    slow: int
    """Images that take 0.2 s."""
    bases: int
    """Images that are scanned, each of which stands for many."""
    waiting: int
    """Images that wait for a re-scan."""
    rescans: int
    """How many of those are waited for."""
    claims: int
    pushes: int
    trivy: int
    runs: int


_PLANS: dict[RunSize, _Plan] = {
    "small": _Plan(slow=20, bases=4, waiting=500, rescans=30, claims=100, pushes=2, trivy=0, runs=1),
    "full": _Plan(
        slow=240, bases=100, waiting=100_000, rescans=10_000, claims=2_000, pushes=10, trivy=40, runs=3
    ),
}  # fmt: skip


def measure(size: RunSize) -> Iterator[BenchmarkRow]:
    """Yield the rows of the fleet, each as soon as it is measured."""
    if (programs := find_programs()) is None:
        return
    with TemporaryDirectory(prefix="portus-scanners-bench-") as folder, asyncio.Runner() as loop:
        server = PostgreSql(programs)
        rows = _measure(server, Path(folder), _PLANS[size])
        try:
            server.start()
            while (row := loop.run(_next(rows))) is not None:
                yield row
        finally:
            loop.run(rows.aclose())
            server.remove()


async def _next(rows: AsyncGenerator[BenchmarkRow]) -> BenchmarkRow | None:
    return await anext(rows, None)


async def _measure(server: PostgreSql, folder: Path, plan: _Plan) -> AsyncGenerator[BenchmarkRow, None]:
    async with open_servers(plan.slow + plan.bases, 2, 1) as (_, ready):
        references: list[str] = ready["references"]
        host = references[0].partition("/")[0]
        digests = await _digests(references, host)
        dummy = f"{{scanner: dummy, server: any, concurrency: {_SLOTS}, script: {_SCRIPT}}}"
        configuration = _configuration(host, dict.fromkeys(_SCANNERS, dummy))
        async with Fleet.open(server.make_database(), folder / "dummy", configuration) as fleet:
            async for row in _measure_dummy(server, fleet, plan, references, digests):
                yield row
        if (program := find_trivy()) is not None and plan.trivy:
            cache = folder / "cache"
            write_database(cache, [Advisory(id="CVE-2099-1", package="package1", fixed="2")])
            how = f"program: {program}, cache: {cache}, offline: true, concurrency: {2 * CONCURRENCY}"
            configuration = _configuration(host, {"trivy": f"{{enabled: true, {how}}}"})
            async with Fleet.open(server.make_database(), folder / "trivy", configuration) as fleet:
                async with fleet.working(), AsyncExitStack() as second:
                    images = await _first(fleet, references[: plan.trivy], digests[: plan.trivy])
                    ratios, _ = await _second_worker(fleet, images, plan.runs, second)
                yield BenchmarkRow(name="14 two workers with Trivy: time, of one worker's", runs=ratios)


def _configuration(host: str, security: dict[str, str]) -> str:
    sections = ", ".join(f"{name}: {section}" for name, section in security.items())
    return f"security: {{{sections}}}\nregistries: {{'{host}': {{insecure: true}}}}\n"


async def _digests(references: Sequence[str], host: str) -> list[str]:
    settings = Settings.from_mapping({"registries": {host: {"insecure": True}}})
    async with Registry(settings.registries) as registry:
        return [await registry.locate(Reference.parse(one)) for one in references]


async def _measure_dummy(
    server: PostgreSql, fleet: Fleet, plan: _Plan, references: Sequence[str], digests: Sequence[str]
) -> AsyncIterator[BenchmarkRow]:
    plain = [await _claims_of_loops(fleet, plan, number) for number in repeat("14", plan.runs)]
    yield BenchmarkRow(name="14 claims and ends a second, two plain loops", runs=plain)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(fleet.working())
        slow = await _first(fleet, references[: plan.slow], digests[: plan.slow], _SLOW)
        cpu = _Cpu(server, [first.pid])
        bases = await _first(fleet, references[plan.slow :], digests[plan.slow :])
        yield BenchmarkRow(name="14 new image: ms of CPU of the worker", runs=[cpu.workers() / len(bases)])
        yield BenchmarkRow(name="14 new image: ms of CPU of PostgreSQL", runs=[cpu.server() / len(bases)])
        ratios, second = await _second_worker(fleet, slow, plan.runs, await stack.enter_async_context(AsyncExitStack()))
        name = f"14 two workers, {_DELAY:g} s a scan: time, of one worker's"
        yield BenchmarkRow(name=name, limit=1 / 1.8, runs=ratios)
        ours = [await _claims_of_workers(fleet, plan, number) for number in repeat("14", plan.runs)]
        yield BenchmarkRow(name="14 claims and ends a second, two workers", runs=ours)
        async for row in _measure_many(server, fleet, plan, bases, slow, [first.pid, second]):
            yield row


async def _first(fleet: Fleet, references: Sequence[str], digests: Sequence[str], tag: str = SOURCE) -> list[int]:
    """Scan images that nobody knows, and return them."""
    before = await fleet.newest_request()
    images = await fleet.push(references, digests, tag)
    await fleet.until_ended(before, len(images))
    await fleet.check()
    return images


async def _second_worker(
    fleet: Fleet, images: Sequence[int], runs: int, second: AsyncExitStack
) -> tuple[list[float], int]:
    """Measure the time that two workers take for these images, of that which the one takes that runs.

    Args:
        fleet: Has one worker.
        images: What they scan.
        runs: How often.
        second: What ends the second worker, which is there at the end.

    Returns:
        The ratio of each run, and the process of the second worker.
    """
    ratios, pid = [], 0
    for _ in repeat("14", runs):
        await second.aclose()
        alone = await _rate(fleet, images, 1)
        pid = (await second.enter_async_context(fleet.working())).pid
        await _until_both_work(fleet, images[: 4 * CONCURRENCY])
        ratios.append(alone / await _rate(fleet, images, 2))
    return ratios, pid


async def _until_both_work(fleet: Fleet, images: Sequence[int]) -> None:
    """Wait until two workers have ended something: the start of one is not measured."""
    before, asked, owners = await fleet.newest_request(), 0, set[str]()
    while len(owners) < 2:  # noqa: PLR2004
        asked += len(await fleet.ask(images))
        owners = {one.owner for one in await fleet.until_ended(before, asked)}


async def _rate(fleet: Fleet, images: Sequence[int], workers: int) -> float:
    """Return how many of these images end a second while all workers have something to do."""
    before = await fleet.newest_request()
    await fleet.ask(images)
    return rate(await fleet.until_ended(before, len(images)), CONCURRENCY * workers)


def rate(ends: Sequence[End], places: int) -> float:
    """Return how many requests ended a second from when each worker has ended one until places begin to be free.

    Args:
        ends: In their order.
        places: How many run at once.
    """
    begun, over = max({one.owner: one.at for one in reversed(ends)}.values()), ends[-1 - places].at
    if begun >= over:  # a worker was late: what the others did counts
        begun, over = ends[0].at, ends[-1].at
    return sum(begun < one.at <= over for one in ends) / (over - begun).total_seconds()


async def _claims_of_loops(fleet: Fleet, plan: _Plan, number: int) -> float:
    """Return how many requests two plain loops claim and end a second, which begin together."""
    before = await fleet.newest_request()
    await fleet.ask_for_unknown(plan.claims, f"loop{number}")
    async with AsyncExitStack() as stack:
        loops = [await stack.enter_async_context(fleet.looping(f"loop {one}")) for one in range(2)]
        for go in loops:
            go()
        return rate(await fleet.until_ended(before, plan.claims), 2)


async def _claims_of_workers(fleet: Fleet, plan: _Plan, number: int) -> float:
    before = await fleet.newest_request()
    await fleet.ask_for_unknown(plan.claims, f"worker{number}")
    return rate(await fleet.until_ended(before, plan.claims), 2 * CONCURRENCY)


async def _measure_many(
    server: PostgreSql, fleet: Fleet, plan: _Plan, bases: Sequence[int], slow: Sequence[int], workers: Sequence[int]
) -> AsyncIterator[BenchmarkRow]:
    """Yield the rows of many images that wait for a re-scan, and are as they were."""
    size, before = await fleet.size(), await fleet.newest_request()
    await fleet.fill(bases, plan.waiting)
    yield BenchmarkRow(name="14 database: KB an image", runs=[(await fleet.size() - size) / plan.waiting / _KB])
    cpu, begun = _Cpu(server, workers), len(await fleet.until_ended(before, 1))
    ends = await fleet.until_ended(before, begun + plan.rescans)
    done = len(ends) - begun
    yield BenchmarkRow(name="14 unchanged of many: ms of CPU of the workers", runs=[cpu.workers() / done])
    yield BenchmarkRow(name="14 unchanged of many: ms of CPU of PostgreSQL", runs=[cpu.server() / done])
    name = f"14 unchanged of {plan.waiting} images: a second, two workers"
    yield BenchmarkRow(name=name, runs=[rate(ends, len(workers))])
    worst = []
    for _ in repeat("14", plan.runs):
        pushed = [(await fleet.ask([one], Reason.PUSH))[0] for one in slow[: plan.pushes]]
        worst.append(max([await fleet.until_started(one) for one in pushed]))
        await fleet.until_ended(pushed[0] - 1, len(pushed))
    name = f"14 push while {plan.waiting} wait: s until its scan, the worst"
    yield BenchmarkRow(name=name, limit=2, runs=worst)
    yield BenchmarkRow(name="14 worker: peak of memory, MB", runs=[_peak(one) for one in workers])


class _Cpu:
    """The milliseconds of CPU that workers and the database's server have taken since this was made."""

    def __init__(self, server: PostgreSql, workers: Sequence[int]) -> None:
        self._server = server
        self._workers = workers
        self._begun = cpu_of(server), self._now()

    def _now(self) -> float:
        return sum(cpu_of_process(one) for one in self._workers)

    def workers(self) -> float:
        """Return those of the workers."""
        return (self._now() - self._begun[1]) * 1000

    def server(self) -> float:
        """Return those of the server."""
        return (cpu_of(self._server) - self._begun[0]) * 1000


def _peak(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * _KB / _MB
