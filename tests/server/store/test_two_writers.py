"""Two processes that write one row for the first time at once: the second one waits, and nobody crashes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import count

import pytest
from portus_images import Image, Reference
from portus_scan_server.scanner_states import ScannerStates
from portus_scan_server.store import Store, load_answers, prepare_run, put_image, store_run, tables
from portus_scan_server.summaries import Rules, put_summary, summarize
from portus_scanners import Finding, ScannerHealth, Settings
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from .test_findings import WITH, ok

Write = Callable[[AsyncConnection, int], Awaitable[object]]

pytestmark = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
"""Its transactions write side by side; those of SQLite take turns."""


class Well:
    """An engine whose one scanner is well."""

    async def check_health(self) -> tuple[ScannerHealth, ...]:
        """Return that it is."""
        return (ScannerHealth(scanner="dummy", healthy=True, message="", elapsed=0),)


async def waits_for_another(store: Store) -> None:
    """Wait until a transaction waits for the end of another one."""
    query = text("select count(*) from pg_locks where locktype = 'transactionid' and not granted")
    async with store.reading() as db:
        while not await db.scalar(query):  # noqa: ASYNC110 (the database tells nobody)
            await asyncio.sleep(0.01)


async def test_the_state_of_a_scanner(store: Store) -> None:
    """Two workers that start at once on a new database both come up."""
    settings = Settings.from_mapping({"security": {"dummy": {"server": "any"}}})
    states = ScannerStates(store, Well(), settings)  # type: ignore[arg-type]
    async with store.writing() as db:
        await db.execute(tables.scanners.insert().values(name="dummy", plugin="dummy"))
        asking = asyncio.create_task(states.ask())
        await waits_for_another(store)
    await asking
    async with store.reading() as db:
        assert (1, True) == (await db.execute(select(func.count(), func.bool_and(tables.scanners.c.healthy)))).one()


_NUMBERS = count()
"""Of findings: those who write the same ones wait for each other before."""


async def _first_run(db: AsyncConnection, image_id: int) -> None:
    await store_run(db, image_id, prepare_run(ok(Finding(id=f"CVE-{next(_NUMBERS)}")), WITH))


async def _first_summary(db: AsyncConnection, image_id: int) -> None:
    rules = Rules(enabled=("clair",))
    image = Image(reference=Reference.parse("registry.example/app:1"), digest="sha256:" + "a" * 64)
    answers = await load_answers(db, image_id)
    await put_summary(db, image_id, summarize(image, (), answers, rules, now=datetime.now(UTC)), rules)


@pytest.mark.parametrize(("write", "table"), [(_first_run, "latest"), (_first_summary, "summaries")])
async def test_what_is_known_of_an_image(store: Store, write: Write, table: str) -> None:
    """Two scans of one image, or a scan and the renewal of summaries, end with one row."""
    async with store.writing() as db:
        image_id = await put_image(db, "sha256:1")

    async def second() -> None:
        async with store.writing() as db:
            await write(db, image_id)

    async with store.writing() as db:
        await write(db, image_id)
        writing = asyncio.create_task(second())
        await waits_for_another(store)
    await writing
    async with store.reading() as db:
        assert 1 == await db.scalar(select(func.count()).select_from(getattr(tables, table)))
