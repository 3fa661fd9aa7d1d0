"""Reports of what is stored: small ones here, large ones and everybody's formats in a process of their own."""

from __future__ import annotations

import asyncio
from functools import cache
from hashlib import blake2b
from typing import Any

from attrs import evolve, field, frozen
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import __version__
from ..access import Viewer
from ..store import database_now, named_runs, one_of, tables
from ..summaries import Rules
from .report_process import LargeReport, ReportProcess
from .report_work import (
    ReadReport,
    RenderedReport,
    ReportOrder,
    VulnerabilityChoice,
    VulnerabilityPage,
    choose,
    make_document,
    read_report,
    render,
)
from .visibility import ImageName, SeenImage, load_hidden

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
        stored: What was read; None where nothing was yet, or is by the process for large reports alone.
    """

    key: str
    findings: int
    order: ReportOrder
    stored: ReadReport | None = field(default=None, repr=False)


class Reports:
    """Makes reports.

    Args:
        address: The database's address.
        rules: The rules of now.
        log: How the log of the process for large reports is written: ``text`` or ``json``.
    """

    def __init__(self, address: str, rules: Rules, log: str = "text") -> None:
        self._rules = rules
        self._process = ReportProcess(address, log)

    async def close(self) -> None:
        """End the process for large reports."""
        await self._process.close()

    async def plan(
        self, db: AsyncConnection, viewer: Viewer, image: SeenImage, name: ImageName | None = None
    ) -> ReportPlan:
        """Return what is to be done for a report.

        Args:
            db: A transaction that reads.
            viewer: Who looks.
            image: What the viewer sees.
            name: What it is called in the report; by default the first of its names that the viewer may know.
        """
        shown = name if name in image.names else next(iter(image.names), None)
        members = await _members(db, image)
        ids = [image_id for image_id, _ in members]
        hidden = await load_hidden(db, viewer, ids)
        order = ReportOrder(
            reference=_reference(shown, image.digest),
            images=members,
            index_id=image.id if image.is_index else None,
            rules=self._rules,
            hidden=tuple(dict.fromkeys(one for image_id in ids for one in hidden[image_id])),
        )
        state, findings = await _state(db, ids, self._rules)
        said = repr((__version__, self._rules.fingerprint, order.reference, order.images, order.hidden, state))
        key = blake2b(said.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()
        return ReportPlan(key=key, findings=findings, order=order)

    async def read(self, db: AsyncConnection, plan: ReportPlan, *, compare: bool = False) -> ReportPlan:
        """Return a plan with what is stored, unless that is so much that it is read in the process for large reports.

        Args:
            db: A transaction that reads.
            plan: The plan.
            compare: Whether a page of it is wanted, which marks what is new.

        Raises:
            StoreDamagedError: Findings are missing.
        """
        is_small = plan.findings <= _SMALL
        return evolve(plan, stored=await read_report(db, plan.order, compare=compare)) if is_small else plan

    async def render(self, plan: ReportPlan, name: str = JSON) -> RenderedReport:
        """Return a report, which was read, in a format.

        Raises:
            FormatError: It can't be had in that format.
            ReportsBusyError: Too many large ones are being made, or this one takes too long.
            StoreUnavailableError: The database can't be used.
            StoreDamagedError: Findings are missing.
        """
        stored = plan.stored
        if name != JSON or stored is None:
            rendered: RenderedReport = await self._process.make(LargeReport(plan.order, plan.key, name))
            return rendered
        return await asyncio.to_thread(lambda: render(make_document(stored), name))

    async def choose(self, plan: ReportPlan, choice: VulnerabilityChoice) -> VulnerabilityPage:
        """Return a page of a report's vulnerabilities; the errors are those of `render`."""
        stored = plan.stored
        if stored is None:
            page: VulnerabilityPage = await self._process.make(LargeReport(plan.order, plan.key, choice))
            return page
        return await asyncio.to_thread(lambda: choose(make_document(stored), stored, choice))


def _reference(name: ImageName | None, digest: str) -> str:
    if name is None:  # only an admin sees an image that no repository has any longer
        return f"unnamed@{digest}"
    return f"{name.host}/{name.repository}{f':{name.tag}' if name.tag else ''}@{digest}"


async def _members(db: AsyncConnection, image: SeenImage) -> tuple[tuple[int, str], ...]:
    """Return the image itself, or the images of an index that can be run."""
    if not image.is_index:
        return ((image.id, image.digest),)
    query = (
        select(index_images.c.image_id, images.c.digest)
        .join(images, images.c.id == index_images.c.image_id)
        .where(index_images.c.index_id == image.id, index_images.c.runnable)
        .order_by(index_images.c.position)
    )
    return tuple((one.image_id, one.digest) for one in await db.execute(query))


async def _state(db: AsyncConnection, ids: list[int], rules: Rules) -> tuple[object, int]:
    """Return what tells one state of images' runs from another one, and how many findings they have."""
    rows = (await db.execute(_counting(), {"ids": ids, "scanners": rules.enabled})).all()
    if not rows:
        return (), 0
    now, gate = rows[0].now, rules.policy.gate
    hour = now.hour if gate is not None and gate.max_database_age is not None else 0  # the gate's clock goes on
    state = [(row.image_id, row.id, row.times, row.checked_at <= now - rules.max_age, row.total) for row in rows]
    return (state, now.date(), hour), sum(row.total or 0 for row in rows)


@cache
def _counting() -> Select[Any]:
    """Return the query for the runs that count of some images."""
    columns = runs.c.image_id, runs.c.id, runs.c.times, runs.c.checked_at, finding_sets.c.total
    query = select(*columns, database_now().label("now")).select_from(named_runs())
    wanted = one_of(latest.c.image_id, "ids"), one_of(latest.c.scanner, "scanners")
    return query.where(*wanted).order_by(latest.c.scanner, runs.c.id)
