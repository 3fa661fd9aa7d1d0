"""Reports of what is stored: large ones in a process of their own, which ends with its parent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from portus_scan_server.store import Store
from portus_scan_server.views import (
    FormatError,
    Reports,
    ReportsBusyError,
    VulnerabilityChoice,
    reports as module,
    see_image,
)
from portus_scanners import Severity, load_document

from ..processes import gone
from .world import ALICE, EVE, RULES, digest, found, ok, scanned, tagged


@pytest.fixture
async def made(store: Store, database: str) -> AsyncIterator[Reports]:
    """Reports of a service that knows one image, with an answer before this one."""
    await tagged(store, 1, "team/app:1.0", "other/app:1.0")
    await scanned(store, 1, [ok("clair", *found("CVE-1")), ok("trivy")])
    await scanned(store, 1, [ok("clair", *found("CVE-1"), *found("CVE-2", severity=Severity.LOW)), ok("trivy")])
    reports = Reports(database, RULES)
    try:
        yield reports
    finally:
        await reports.close()


async def planned(made: Reports, store: Store) -> module.ReportPlan:
    """Return the plan of what Alice sees, read if it is small."""
    async with store.reading() as db:
        image = await see_image(db, ALICE, digest(1))
        assert image is not None
        return await made.read(db, await made.plan(db, ALICE, image), compare=True)


async def test_what_a_process_makes_is_what_is_made_here(
    store: Store, made: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report and a page of its vulnerabilities are the same from there; a format that is not one is an error."""
    plan = await planned(made, store)
    async with store.reading() as db:
        assert await see_image(db, EVE, digest(1)) is None
    here, choice = await made.render(plan), VulnerabilityChoice(new=True)
    page = await made.choose(plan, choice)
    assert (["CVE-2"], 1, 2) == ([row.vulnerability.id for row in page.rows], page.matching, page.total)
    monkeypatch.setattr(module, "_SMALL", 0)
    plan = await planned(made, store)
    there = await made.render(plan)
    assert load_document(here.content.decode()).reports == load_document(there.content.decode()).reports
    assert page.rows == (await made.choose(plan, choice)).rows
    with pytest.raises(FormatError, match="there is no such format"):
        await made.render(plan, "nope")


async def test_a_process_that_dies_is_replaced(store: Store, made: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for it is told to come again, and then another one answers; it ends when its stdin does."""
    monkeypatch.setattr(module, "_SMALL", 0)
    plan = await planned(made, store)
    await made.render(plan)
    process = made._process._process
    assert process is not None
    os.kill(process.pid, 9)
    with pytest.raises(ReportsBusyError, match="has died"):
        await made.render(plan)
    assert (await made.render(plan)).content
    second = made._process._process
    assert second is not None
    assert second.stdin is not None
    second.stdin.close()
    async with asyncio.timeout(30):
        await second.wait()
    await gone(second.pid)
