"""A real browser: the program, and how Playwright starts it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from attrs import define, field
from playwright.async_api import Browser, Page, async_playwright

REQUIRE = "PORTUS_REQUIRE_BROWSER"
"""The environment variable that makes a missing program a failure: ``1``."""
_NAMES = ("chromium", "chromium-browser")
OPTIONS = (
    *("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-gpu"),
    "--host-resolver-rules=MAP scan.example 127.0.0.1",
)
"""The tests may run as root, in a container, without a network; a name that is not this machine's own leads here."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program; the test is skipped where it is not installed, or fails where it has to be."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None and os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE}=1, and not installed: {_NAMES[0]}")
    if program is None:
        pytest.skip(f"not installed: {_NAMES[0]}")
    return program


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
    """``await open_page(url, color_scheme="dark")`` opens a page in a context of its own, without a network."""
    contexts = []

    async def open_one(url: str, width: int = 1280, **options: Any) -> tuple[Page, Seen]:
        options = {"offline": True, **options}
        context = await browser.new_context(viewport={"width": width, "height": 900}, **options)
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


async def refused_by(page: Page) -> list[str]:
    """Return the directives that refuse what would get into a page, and whether a script of it has run."""
    refused: list[str] = await page.evaluate("""async () => {
        const refused = [];
        document.addEventListener("securitypolicyviolation", event => refused.push(event.effectiveDirective));
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
        const holder = document.createElement("div");
        holder.innerHTML = '<img src="http://127.0.0.1:9/x" onerror="window.ran = true"><p style="color: red">';
        document.body.append(holder);
        await fetch("http://127.0.0.1:9/").catch(() => null);
        await new Promise(done => setTimeout(done));
        return [...new Set(refused), String(window.ran)].sort();
    }""")
    return refused
