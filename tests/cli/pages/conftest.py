"""Pages in a real browser, one for all tests of a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from attrs import define, field
from playwright.async_api import Browser, Page, async_playwright
from portus_scan import ReportJob
from portus_scan.formats.html import HtmlReporter
from portus_scanners import ReportDocument
from standins.chromium import OPTIONS, chromium

from .attacks import hostile_document
from .documents import usual_document

__all__ = ["chromium"]


@define
class Site:
    """A site that was written to a folder."""

    folder: Path
    paths: list[str]

    def url(self, start: str) -> str:
        """Return the address of the first page whose path begins so."""
        return next(self.folder / path for path in self.paths if path.startswith(start)).as_uri()


def write_site(folder: Path, document: ReportDocument, **job: Any) -> Site:
    """Write the files of a document."""
    files = list(HtmlReporter().render(ReportJob(document=document, **job)))
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    return Site(folder, [file.path for file in files])


@pytest.fixture(scope="session")
def usual_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site of `usual_document`."""
    return write_site(tmp_path_factory.mktemp("usual"), usual_document())


@pytest.fixture(scope="session")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site of `hostile_document`."""
    return write_site(tmp_path_factory.mktemp("hostile"), hostile_document())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """Chromium, started once; gone before other tests look at the processes that they have left."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield browser
        await browser.close()


@define
class Seen:
    """What a page did that it should not."""

    requests: list[str] = field(factory=list)
    """Addresses that were asked for, but those of pages."""
    dialogs: list[str] = field(factory=list)
    errors: list[str] = field(factory=list)


Open = Callable[..., Awaitable[tuple[Page, Seen]]]


@pytest_asyncio.fixture(loop_scope="module")
async def open_page(browser: Browser) -> AsyncIterator[Open]:
    """``await open_page(url, color_scheme="dark")`` opens a page in a context of its own."""
    contexts = []

    async def open_one(url: str, width: int = 1280, **options: Any) -> tuple[Page, Seen]:
        context = await browser.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
        contexts.append(context)
        page, seen = await context.new_page(), Seen()

        async def dismiss(dialog: Any) -> None:
            seen.dialogs.append(dialog.message)
            await dialog.dismiss()

        page.on("request", lambda request: None if request.url == url else seen.requests.append(request.url))
        page.on("dialog", dismiss)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("console", lambda message: seen.errors.append(message.text))
        await page.goto(url)
        return page, seen

    yield open_one
    for context in contexts:
        await context.close()
