"""The service's pages in Chromium: no barrier, nothing sticks out, attacks do nothing, a button works."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect
from standins.chromium import Open, refused_by

from .conftest import ADMIN, Reader
from .content import HOST

pytestmark = [
    pytest.mark.real_browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("browser"),
    pytest.mark.timeout(180),
]

PAGES = {
    "repositories": "/",
    "repository": f"/r/{HOST}/team/app",
    "tag": f"/r/{HOST}/team/twice:1",
    "index": f"/r/{HOST}/team/multi:1",
    "pending": f"/r/{HOST}/team/new",
    "hostile": f"/r/{HOST}/team/hostile:1",
    "vulnerability": "/v/CVE-2099-1",
    "queue": "/queue?state=dead",
    "failure": "/r/x",
}
LOADED = 60_000
"""Milliseconds that another page may take to come: a click does not wait for it."""
ALLOWED = {"pending": {"meta-refresh"}, "queue": {"meta-refresh"}}
"""A page that is read again by itself has a link that ends that."""
STRANGERS = (
    "img, iframe, object, embed, base, textarea, style, script, [onload], [onerror], [onmouseover], [onclick], [style]"
)


@pytest.fixture(autouse=True)
def _stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is not read again while a slow machine looks at it."""
    monkeypatch.setattr("portus_scan_server.pages.routes._REFRESH", 3600)


def url(usual: Reader, path: str) -> str:
    """Return the address of a page."""
    return str(usual.client.make_url("/")).rstrip("/") + path


@pytest.mark.parametrize("name", PAGES)
async def test_every_page(open_page: Open, usual: Reader, name: str) -> None:
    """axe-core finds nothing in either scheme; at 400 pixels nothing sticks out; no attack does anything."""
    page, seen = await open_page(url(usual, PAGES[name]), offline=False, extra_http_headers=ADMIN)
    await page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    everything = await Axe().run(page)
    assert set() == {one["id"] for one in everything.response["violations"]} - ALLOWED.get(name, set())
    await page.emulate_media(color_scheme="dark")
    contrast = await Axe().run(page, options={"runOnly": ["color-contrast"]})
    assert 0 == contrast.violations_count, contrast.generate_report()
    assert 0 == await page.locator(STRANGERS).count()
    assert [] == seen.dialogs
    assert [] == [one for one in seen.requests if not one.startswith(url(usual, "/style/"))]
    await page.set_viewport_size({"width": 400, "height": 900})
    assert 400 == await page.evaluate("document.documentElement.scrollWidth")


async def test_policy_is_in_force(open_page: Open, usual: Reader) -> None:
    """What would get into a page runs nothing and fetches nothing: the browser refuses it by the service's headers."""
    page, _ = await open_page(url(usual, "/"), offline=False, extra_http_headers=ADMIN)
    refused = await refused_by(page)
    wanted = {"connect-src", "img-src", "script-src-elem", "style-src-attr", "undefined"}
    assert set() == wanted - {*refused}


async def test_people_find_and_filter_without_script(open_page: Open, usual: Reader) -> None:
    """From the list to an image, its filter, a vulnerability and where it is: by links and forms alone."""
    page, _ = await open_page(url(usual, "/"), offline=False, extra_http_headers=ADMIN, java_script_enabled=False)
    await page.get_by_role("link", name="team/twice").click()
    await page.get_by_title("Click for details").click()
    await page.get_by_label("new only").check()
    await page.get_by_role("button", name="Filter").click()
    table = page.get_by_role("table", name="Vulnerabilities")
    await expect(table.get_by_role("row")).to_have_count(1 + 2, timeout=LOADED)
    await table.get_by_role("link", name="CVE-2025-1009").click()
    await page.get_by_role("heading", name="CVE-2025-1009").wait_for()
    await page.get_by_label("Where is").fill("CVE-2016-1020")
    await page.get_by_role("button", name="Find").click()
    await expect(page.get_by_role("link", name="team/app:latest")).to_have_count(1, timeout=LOADED)


async def test_a_button_asks(open_page: Open, usual: Reader) -> None:
    """A person's button asks for a scan, also over plain HTTP, where a browser does not say which site asks."""
    headers = {"offline": False, "extra_http_headers": ADMIN, "java_script_enabled": False}
    page, _ = await open_page(url(usual, f"/r/{HOST}/team/app:2.0"), **headers)
    for address in (page.url, page.url.replace("127.0.0.1", "scan.example")):
        await page.goto(address)
        usual.intake.asked.clear()
        async with page.expect_response(lambda answer: answer.request.method == "POST", timeout=LOADED):
            await page.get_by_role("button", name="Scan it again").click()
        await page.get_by_role("heading", name="team/app").wait_for()
        assert [("team/app:2.0", "ada")] == usual.intake.asked
