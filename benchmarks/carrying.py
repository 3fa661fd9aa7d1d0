"""``python -m benchmarks.carrying``: what a request costs that procrastinate brings, and what a plain loop costs.

Both claim and end the same requests of one PostgreSQL, four at once, with nothing between the claim and the end. Each
is measured in turn, several times; the least CPU of each counts.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable

from portus_scan_server.fleet import Claimer
from portus_scan_server.fleet.claimer import Polling
from portus_scan_server.requests import ClaimedRequest, finish
from portus_scan_server.store import Store, upgrade
from sqlalchemy import text
from standins.postgresql import PostgreSql, find_programs

from .service_pages import cpu_of

_TIMES = 3
_FILL = """insert into requests (image_id, reason, priority) select id, 'rescan', 0 from images"""


class Ending(Claimer):
    """Ends each request at once."""

    async def work_on(self, claimed: ClaimedRequest) -> None:
        """End it."""
        async with self._store.writing() as db:
            await finish(db, claimed)


async def _measure(address: str, server: PostgreSql, requests: int, *, plain: bool) -> tuple[float, float, float]:
    """Return seconds, and milliseconds of CPU for each request in this process and in the server."""
    async with Store.open(address) as store:
        async with store.writing() as db:
            await db.execute(text("delete from requests"))
            await db.execute(text(_FILL))
        claimer = Ending(store, owner="bench", concurrency=4)
        if plain:
            claimer._source = Polling(claimer, 1.0, ())  # what is compared
        begin, here, there = time.monotonic(), time.process_time(), cpu_of(server)
        running = asyncio.create_task(claimer.run())
        while claimer.ended < requests:  # noqa: ASYNC110 (nobody tells it)
            await asyncio.sleep(0.02)
        spent = time.monotonic() - begin, time.process_time() - here, cpu_of(server) - there
        claimer.stop()
        await running
    return spent[0], 1000 * spent[1] / requests, 1000 * spent[2] / requests


def main(requests: int = 2_000) -> None:
    """Measure both and print a line for each."""
    programs = find_programs()
    if programs is None:
        sys.exit("PostgreSQL is not installed")
    server = PostgreSql(programs)
    try:
        server.start()
        address = server.make_database()
        upgrade(address)
        asyncio.run(_make_images(address, requests))
        found: dict[str, list[tuple[float, float, float]]] = {"procrastinate": [], "plain loop": []}
        for _ in range(_TIMES):
            for name, rows in found.items():
                rows.append(asyncio.run(_measure(address, server, requests, plain=name == "plain loop")))
        least: Callable[[int, str], float] = lambda column, name: min(row[column] for row in found[name])  # noqa: E731
        for name in found:
            seconds, here, there = (least(column, name) for column in range(3))
            print(f"{name}: {requests / seconds:.0f} a second, {here:.2f} ms of CPU here, {there:.2f} ms in PostgreSQL")
    finally:
        server.remove()


async def _make_images(address: str, number: int) -> None:
    async with Store.open(address) as store, store.writing() as db:
        made = text("insert into images (digest) select 'sha256:' || n from generate_series(1, :number) n")
        await db.execute(made, {"number": number})


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
