"""Scans that end, as the runner ends them, and what is told then."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from portus_scan_server.answers import MadeWith, add_runs
from portus_scan_server.news import NewsWriter
from portus_scan_server.store import Store, load_answers, prepare_run, put_details, put_image, store_run, tables
from portus_scan_server.summaries import Rules, names_of, put_summary, read_now, summarize
from portus_scanners import ScannerRun
from sqlalchemy import delete, select

from ..views.world import RULES, digest, image

WRITER = NewsWriter(channels=("team",))


async def end(
    store: Store,
    number: int,
    *runs: ScannerRun,
    versions: Mapping[str, str] | None = None,
    rules: Rules = RULES,
    writer: NewsWriter = WRITER,
) -> None:
    """End a scan of an image."""
    made_with = {name: MadeWith(plugin_version=(versions or {}).get(name, "1")) for name in rules.enabled}
    async with store.writing() as db:
        image_id = await put_image(db, digest(number), image(number).media_type)
    with_runs = [(run, made_with[run.scanner]) for run in runs]
    async with store.reading() as db:
        names, now = await names_of(db, image_id), await read_now(db)
        answers = add_runs(await load_answers(db, image_id), with_runs, now=now)
        summary = summarize(image(number), names, answers, rules, now=now)
        new = await writer.compare(db, image_id, summary, names, made_with)
    async with store.writing() as db:
        await put_details(db, image_id, image(number))
        for run, made in with_runs:
            await store_run(db, image_id, prepare_run(run, made))
        await put_summary(db, image_id, summary, rules)
        await writer.put(db, image_id, new)


async def ended(store: Store, number: int, *runs: ScannerRun, **more: Any) -> list[dict[str, Any]]:
    """End a scan of an image, and return the messages that were written, oldest first."""
    await end(store, number, *runs, **more)
    return await taken(store)


async def taken(store: Store) -> list[dict[str, Any]]:
    """Return the bodies of the messages in the outbox, each with its id, and empty it."""
    columns = tables.deliveries.c.message, tables.deliveries.c.body
    async with store.writing() as db:
        rows = (await db.execute(select(*columns).order_by(tables.deliveries.c.id))).all()
        await db.execute(delete(tables.deliveries))
    return [{**json.loads(row.body), "id": row.message} for row in rows]


def told(messages: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return what messages tell: for vulnerabilities the repository and the ids, else the kind and the title."""
    return [
        (one["data"]["repository"].partition("/")[2], [each["id"] for each in one["data"]["vulnerabilities"]])
        if one["type"] == "vulnerability.new"
        else (one["type"], [one["data"]["title"]])
        for one in messages
    ]
