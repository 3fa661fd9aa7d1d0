"""Reports of what is stored: small ones here, large ones and everybody's formats in a process of their own."""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import Any

from attrs import frozen
from sqlalchemy import case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import __version__
from ..access import Viewer
from ..store import Store, database_now, tables
from ..summaries import Rules, read_now
from .report_process import ReportProcess
from .report_work import (
    RenderedReport,
    ReportOrder,
    VulnerabilityChoice,
    VulnerabilityPage,
    choose,
    make_document,
    read_report,
    render,
)
from .visibility import HiddenNames, ImageName, find_image, load_names

latest, runs, finding_sets, images = tables.latest, tables.runs, tables.finding_sets, tables.images
index_images = tables.index_images
_SMALL = 1_000
"""How many findings may be read and merged in the serving process."""
JSON = "json"
CONTENT_TYPES = {
    "json": "application/json",
    "jsonl": "application/jsonl",
    "csv": "text/csv",
    "cyclonedx": "application/vnd.cyclonedx+json",
    "gitlab": "application/json",
    "html": "text/html",
    "junit": "application/xml",
    "markdown": "text/markdown",
    "sarif": "application/sarif+json",
}
"""The media types of the formats that have one; another one is plain text."""


@frozen(kw_only=True)
class ReportPlan:
    """A report that may be asked for, before any work is done for it.

    Attributes:
        key: Changes whenever the report does; says nothing of what is in it.
        findings: How many findings are in it.
        order: What is to be read.
    """

    key: str
    findings: int
    order: ReportOrder


class Reports:
    """Makes reports.

    Args:
        store: The database.
        address: The database's address.
        rules: The rules of now.
        log: How the log of the process for large reports is written: ``text`` or ``json``.
    """

    def __init__(self, store: Store, address: str, rules: Rules, log: str = "text") -> None:
        self._store = store
        self._rules = rules
        self._process = ReportProcess(address, log)

    async def close(self) -> None:
        """End the process for large reports."""
        await self._process.close()

    async def plan(self, viewer: Viewer, digest: str, name: ImageName | None = None) -> ReportPlan | None:
        """Return what is to be done for a report.

        Args:
            viewer: Who looks.
            digest: An image or an index.
            name: What it is called in the report; by default the first of its names that the viewer may know.

        Returns:
            The plan; None where there is no such image that this viewer may see.
        """
        async with self._store.reading() as db:
            row = await find_image(db, viewer, digest)
            if row is None:
                return None
            names = (await load_names(db, viewer, [row.id]))[row.id]
            shown = name if name in names else next(iter(names), None)
            members = await _members(db, row)
            ids = [image_id for image_id, _ in members]
            hidden = await HiddenNames.load(db, viewer, ids)
            order = ReportOrder(
                reference=_reference(shown, digest),
                images=members,
                index_id=row.id if row.is_index else None,
                rules=self._rules,
                hidden=tuple(dict.fromkeys(one for image_id in ids for one in hidden.of(image_id))),
            )
            state, findings = await _state(db, ids, self._rules)
        said = repr((__version__, self._rules.fingerprint, order.reference, order.images, order.hidden, state))
        key = blake2b(said.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()
        return ReportPlan(key=key, findings=findings, order=order)

    async def render(self, plan: ReportPlan, name: str = JSON) -> RenderedReport:
        """Return a report in a format.

        Raises:
            FormatError: It can't be had in that format.
            ReportsBusyError: Too many large ones are being made, or this one takes too long.
            StoreUnavailableError: The database can't be used.
            StoreDamagedError: Findings are missing.
        """
        if name != JSON or plan.findings > _SMALL:
            return await self._process.render(plan.order, name, plan.key)
        async with self._store.reading() as db:
            stored = await read_report(db, plan.order)
        return await asyncio.to_thread(lambda: render(make_document(stored), name))

    async def choose(self, plan: ReportPlan, choice: VulnerabilityChoice) -> VulnerabilityPage:
        """Return a page of a report's vulnerabilities; the errors are those of `render`."""
        if plan.findings > _SMALL:
            return await self._process.choose(plan.order, choice, plan.key)
        async with self._store.reading() as db:
            stored = await read_report(db, plan.order, compare=True)
        return await asyncio.to_thread(lambda: choose(make_document(stored), stored, choice))


def _reference(name: ImageName | None, digest: str) -> str:
    if name is None:  # only an admin sees an image that no repository has any longer
        return f"unnamed@{digest}"
    return f"{name.host}/{name.repository}{f':{name.tag}' if name.tag else ''}@{digest}"


async def _members(db: AsyncConnection, row: Any) -> tuple[tuple[int, str], ...]:
    """Return the image itself, or the images of an index that can be run."""
    if not row.is_index:
        return ((row.id, row.digest),)
    query = (
        select(index_images.c.image_id, images.c.digest)
        .join(images, images.c.id == index_images.c.image_id)
        .where(index_images.c.index_id == row.id, index_images.c.runnable)
        .order_by(index_images.c.position)
    )
    return tuple((one.image_id, one.digest) for one in await db.execute(query))


async def _state(db: AsyncConnection, ids: list[int], rules: Rules) -> tuple[object, int]:
    """Return what tells one state of images' runs from another one, and how many findings they have."""
    is_old = case((runs.c.checked_at <= database_now(-rules.max_age.total_seconds()), 1), else_=0)
    counts = or_(runs.c.id == latest.c.answer_id, runs.c.id == latest.c.said_id, runs.c.id == latest.c.try_id)
    query = (
        select(runs.c.image_id, runs.c.id, runs.c.times, is_old.label("old"), func.coalesce(finding_sets.c.total, 0))
        .select_from(
            latest.join(runs, (runs.c.image_id == latest.c.image_id) & counts).outerjoin(
                finding_sets, finding_sets.c.id == runs.c.set_id
            )
        )
        .where(latest.c.image_id.in_(ids), latest.c.scanner.in_(rules.enabled))
        .order_by(latest.c.scanner, runs.c.id)
    )
    rows = [tuple(row) for row in await db.execute(query)]
    now = await read_now(db)
    gate = rules.policy.gate
    hour = now.hour if gate is not None and gate.max_database_age is not None else 0  # the gate's clock goes on
    return (rows, now.date(), hour), sum(row[4] for row in rows)
