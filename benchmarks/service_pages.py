"""Row 11: the pages of a service that has many images, on both databases, and while large reports end.

A page is measured in milliseconds of CPU from the request to its last byte: this process, which is server and client
at once, and the server of the database. PostgreSQL is measured where it is installed.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from aiohttp import web
from portus_images import Reference, Registry
from portus_scan_server.access import AccessSettings
from portus_scan_server.requests import Reason, ask
from portus_scan_server.service import make_application
from portus_scan_server.settings import ServerSettings
from portus_scan_server.store import Store, put_image, put_repository, put_tag, sqlite_url, tables, upgrade
from portus_scan_server.summaries import Rules
from portus_scan_server.supervisor import Orders, Supervisor
from portus_scanners import Settings
from sqlalchemy import func, select
from standins.postgresql import PostgreSql, find_programs

from .house import open_servers
from .rows import BenchmarkRow, RunSize, repeat
from .service_world import COMMON, HOST, RARE, RULES, fill, place

_PLANS: dict[RunSize, tuple[int, int, int]] = {"small": (20, 200, 1), "full": (10_000, 20_000, 5)}
"""By size: how many images; the findings of a large report; how many runs, of as many requests."""
_TICK = os.sysconf("SC_CLK_TCK")


def pages(images: int) -> Mapping[str, str]:
    """Return the pages that are measured, by what they are called."""
    repository, tag = place(images // 2)
    return {
        "repositories": "/",
        "repository": f"/r/{HOST}/{repository}",
        "tag": f"/r/{HOST}/{repository}:{tag}",
        "search, seven of ten images": f"/v/{COMMON}",
        "search, few images": f"/v/{RARE}",
        "queue": "/queue",
    }


def measure(size: RunSize) -> list[BenchmarkRow]:
    """Return the rows of the pages."""
    images, large, times = _PLANS[size]
    rows: list[BenchmarkRow] = []
    with TemporaryDirectory() as folder:
        for name, address, server in _databases(Path(folder)):
            asyncio.run(_fill(address, images))
            rows += asyncio.run(_measure_pages(name, address, images, times, server))
        few, many = (_memory(Path(folder), number) for number in (images // 10, images))
        rows.append(BenchmarkRow(name=f"11 memory: {images} images of {images // 10}", runs=[many / few], limit=1.2))
        rows += asyncio.run(_measure_beside(Path(folder), images, large))
    return rows


def _databases(folder: Path) -> Iterator[tuple[str, str, PostgreSql | None]]:
    yield "SQLite", sqlite_url(folder / "pages.db"), None
    if (programs := find_programs()) is not None:
        server = PostgreSql(programs)
        try:
            server.start()
            yield "PostgreSQL", server.make_database(), server
        finally:
            server.remove()


async def _fill(address: str, images: int) -> None:
    upgrade(address)
    async with Store.open(address) as store:
        await fill(store, images)
        if store.dialect == "postgresql":
            async with store.session() as db:
                await db.exec_driver_sql("analyze")


@asynccontextmanager
async def _answering(
    store: Store, address: str, rules: Rules, supervisor: Supervisor | None = None
) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    supervisor = supervisor or Supervisor(store, Orders(database=address, owner="me"))
    access = AccessSettings(open=True)
    application = make_application(store, supervisor, ServerSettings(), access=access, rules=rules, address=address)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        gc.collect()
        gc.freeze()  # as the service does
        async with aiohttp.ClientSession() as http:
            yield http, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _get(http: aiohttp.ClientSession, url: str) -> None:
    async with http.get(url) as response:
        await response.read()
        response.raise_for_status()


async def _measure_pages(
    name: str, address: str, images: int, times: int, server: PostgreSql | None
) -> list[BenchmarkRow]:
    rows = []
    async with Store.open(address) as store, _answering(store, address, RULES) as (http, url):
        for title, path in pages(images).items():
            await _get(http, url + path)
            runs = []
            for _ in repeat("11", times):
                with _cpu(server) as taken:
                    for _number in range(times):
                        await _get(http, url + path)
                runs.append(taken[0] / times * 1000)
            rows.append(BenchmarkRow(name=f"11 {name}: {title}, ms of CPU", runs=runs, limit=100))
    return rows


@contextmanager
def _cpu(server: PostgreSql | None) -> Iterator[list[float]]:
    """Yield a list that has the seconds of CPU at the end, of this process and of the database's server."""
    taken: list[float] = []
    begun = time.process_time() + cpu_of(server)
    yield taken
    taken.append(time.process_time() + cpu_of(server) - begun)


def cpu_of(server: PostgreSql | None) -> float:
    """Return the seconds of CPU that the processes of a server have taken, those that have ended among them."""
    if server is None:
        return 0.0
    parent = int((server.data / "postmaster.pid").read_text().split()[0])
    found = cpu_of_process(parent)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = _words_of(stat)
        except OSError:
            continue
        if int(words[1]) == parent:
            found += sum(map(int, words[11:13])) / _TICK
    return found


def cpu_of_process(pid: int) -> float:
    """Return the seconds of CPU that a process has taken, with its children that have ended."""
    return sum(map(int, _words_of(Path(f"/proc/{pid}/stat"))[11:15])) / _TICK


def _words_of(stat: Path) -> list[str]:
    """Return what follows the name of a process' program, which may have blanks: state, parent, ..."""
    return stat.read_text().rpartition(")")[2].split()


def _memory(folder: Path, images: int) -> float:
    """Return the most memory that a serving process has had which has shown all pages; on SQLite."""
    address = sqlite_url(folder / f"memory{images}.db")
    asyncio.run(_fill(address, images))
    command = (sys.executable, "-m", __name__, address, str(images))
    ended = subprocess.run(  # noqa: S603 (our own module)
        command, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    return float(ended.stdout)


async def _show_all(address: str, images: int) -> None:
    async with Store.open(address) as store, _answering(store, address, RULES) as (http, url):
        for _ in range(2):
            await asyncio.gather(*(_get(http, url + path) for path in pages(images).values()))


async def _measure_beside(folder: Path, images: int, findings: int) -> list[BenchmarkRow]:
    """Measure pages while a runner of its own ends four reports of two scanners, and how long the loop is held."""
    async with open_servers(4, 2, 1) as (_process, ready):
        host = ready["references"][0].partition("/")[0]
        script = [{"count": findings}]
        dummies = {name: {"scanner": "dummy", "server": "any", "script": script} for name in RULES.enabled}
        settings = Settings.from_mapping({"security": dummies, "registries": {host: {"insecure": True}}})
        address = sqlite_url(folder / f"memory{images}.db")
        async with Store.open(address) as store:
            orders = Orders(database=address, owner="", settings=settings, rules=RULES, concurrency=4, drain=0.1)
            supervisor = Supervisor(store, orders)
            async with Registry(settings.registries) as registry:
                asked = [await _ask(store, registry, reference) for reference in ready["references"]]
            task = asyncio.create_task(supervisor.run())
            async with _answering(store, address, RULES, supervisor) as (http, url):
                times, held = await _until_all_are_done(store, asked, http, url, pages(images))
            supervisor.stop()
            await task
    times.sort()
    p95 = times[int(len(times) * 0.95)] * 1000
    return [
        BenchmarkRow(name="11 beside large reports: page p95, ms", runs=[p95], limit=250),
        BenchmarkRow(name="11 beside large reports: loop held, ms", runs=[held * 1000], limit=50),
    ]


async def _ask(store: Store, registry: Registry, text: str) -> int:
    """Ask for an image as a push does, and return the request."""
    reference = Reference.parse(text)
    image = await registry.resolve(reference)
    async with store.writing() as db:
        image_id = await put_image(db, image.digest)
        repository_id = await put_repository(db, reference.registry, reference.repository)
        await put_tag(db, repository_id, reference.manifest, image_id)
        return await ask(db, image_id, Reason.PUSH, source=(repository_id, reference.manifest))


async def _until_all_are_done(
    store: Store, asked: list[int], http: aiohttp.ClientSession, url: str, paths: Mapping[str, str]
) -> tuple[list[float], float]:
    """Ask for pages, one after the other, until these requests have ended; return times and the longest hold, in s."""
    times: list[float] = []
    watching = asyncio.create_task(_watch(held := [0.0]))
    is_open = tables.requests.c.id.in_(asked) & tables.requests.c.ended_at.is_(None)
    left = 1
    while left:
        for path in paths.values():
            begun = time.perf_counter()
            await _get(http, url + path)
            times.append(time.perf_counter() - begun)
        async with store.reading() as db:
            left = (await db.execute(select(func.count()).select_from(tables.requests).where(is_open))).scalar_one()
    watching.cancel()
    await asyncio.wait({watching})
    return times, held[0]


async def _watch(held: list[float]) -> None:
    """Note the longest time for which the loop does not go round."""
    last = time.perf_counter()
    while True:
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        held[0], last = max(held[0], now - last), now


if __name__ == "__main__":
    asyncio.run(_show_all(sys.argv[1], int(sys.argv[2])))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
