"""The pages in Chromium: what a reader sees and can do, and that hostile text does nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page
from portus_scanners import Severity, Vulnerability
from standins.chromium import refused_by

from .conftest import Open, Site, write_site
from .documents import make_document, make_report, many_vulnerabilities

pytestmark = [
    pytest.mark.real_browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("browser"),
    pytest.mark.timeout(120),
]

IMAGE = "images/registry-example-5000-team-app-1-0-linux-amd64"
FEW = "images/registry-example-5000-team-app-1-0-linux-arm64"
PAGES = {"overview": "index.html", "repository": "repositories/registry-example-5000-team-app", "image": FEW}
FOUND = many_vulnerabilities(60)


async def shown(page: Page) -> int:
    """Return how many rows can be seen."""
    return await page.locator("#rows tbody tr:visible").count()


async def wait_for_filter(page: Page, number: int) -> None:
    """Wait until the page says that so many rows are shown."""
    await page.locator("#shown", has_text=re.compile(rf"^(all )?{number} shown")).wait_for()
    assert number == await shown(page)


@pytest.mark.parametrize("name", PAGES)
async def test_no_barrier(open_page: Open, usual_site: Site, name: str) -> None:
    """axe-core finds nothing wrong in either colour scheme, with details open."""
    page, seen = await open_page(usual_site.url(PAGES[name]))
    await page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    everything = await Axe().run(page)
    assert 0 == everything.violations_count, everything.generate_report()
    await page.emulate_media(color_scheme="dark")
    contrast = await Axe().run(page, options={"runOnly": ["color-contrast"]})
    assert 0 == contrast.violations_count, contrast.generate_report()
    assert [] == seen.errors


async def test_no_barrier_in_hostile_text(open_page: Open, hostile_site: Site) -> None:
    """Names and values that are attacks take no label or role away."""
    page, _ = await open_page(hostile_site.url("images/"))
    results = await Axe().run(page)
    assert 0 == results.violations_count, results.generate_report()


async def test_attacks_do_nothing(open_page: Open, hostile_site: Site) -> None:
    """Of a document full of attacks no dialog comes, no script runs, no request leaves, nothing is an element."""
    for path in hostile_site.paths:
        page, seen = await open_page(hostile_site.url(path))
        await page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert ([], [], []) == (seen.dialogs, seen.requests, seen.errors)
        strangers = "img, iframe, object, embed, base, textarea, body style, main script"
        strangers += ", [onload], [onerror], [onmouseover], [style]"
        assert 0 == await page.locator(strangers).count()
        hrefs: list[str] = await page.evaluate("Array.from(document.links, link => link.protocol)")
        assert set() == {*hrefs} - {"file:", "http:", "https:"}


async def test_policy_is_in_force(open_page: Open, usual_site: Site) -> None:
    """What would get into a page runs no script and fetches nothing: the browser refuses it."""
    page, _ = await open_page(usual_site.url("index.html"))
    refused = await refused_by(page)
    assert ["connect-src", "img-src", "script-src-elem", "style-src-attr", "undefined"] == [
        one for one in refused if one != "script-src-attr"
    ]


async def test_turned_text_stays_in_its_place(open_page: Open, hostile_site: Site) -> None:
    """Foreign text holds nothing that turns a line around, and each piece is an element that isolates it."""
    page, _ = await open_page(hostile_site.url("images/"))
    text = await page.evaluate("document.documentElement.textContent")
    assert [] == [char for char in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200f\x00\x1b" if char in text]
    isolated = await page.evaluate("getComputedStyle(document.querySelector('#rows bdi')).unicodeBidi")
    assert "isolate" == isolated


async def test_without_script(open_page: Open, usual_site: Site) -> None:
    """Without script all rows are there, details open, and no control is shown that does nothing."""
    page, _ = await open_page(usual_site.url(IMAGE), java_script_enabled=False)
    assert len(FOUND) == await shown(page)
    assert 0 == await page.locator("button:visible, input:visible, select:visible").count()
    await page.locator("#rows summary").nth(1).click()
    assert await page.get_by_text("A server that does not renegotiate").first.is_visible()


@pytest.mark.parametrize(
    ("control", "fits"),
    [
        ("document.querySelector('[name=severity]').click()", lambda one: one.severity < Severity.CRITICAL),
        ("document.getElementById('fixable').click()", lambda one: one.fixed_by),
        ("document.getElementById('unsuppressed').click()", lambda one: not one.suppressed),
        ("document.getElementById('scanner').value = '1'", lambda one: "trivy" in one.scanners),
        ("document.getElementById('text').value = 'LODASH  leaks'", lambda one: one.package.name == "lodash"),
        ("document.getElementById('text').value = 'GHSA-0004'", lambda one: "GHSA-0004-aaaa-bbbb" in one.aliases),
    ],
    ids=["severity", "fixable", "suppressed", "scanner", "text", "alias"],
)
async def test_filter(open_page: Open, usual_site: Site, control: str, fits: Callable[[Vulnerability], bool]) -> None:
    """Each part of the filter leaves the rows that the document says, says how many, and can be cleared."""
    expected = [one for one in FOUND if fits(one)]
    page, _ = await open_page(usual_site.url(IMAGE))
    await page.evaluate(control)
    await page.evaluate("document.getElementById('text').dispatchEvent(new Event('input', { bubbles: true }))")
    await wait_for_filter(page, len(expected))
    names = await page.locator("#rows tbody tr:visible th bdi").all_text_contents()
    assert [one.id for one in expected] == names
    await page.get_by_role("button", name="Clear").click()
    await wait_for_filter(page, len(FOUND))


async def test_sort_by_keyboard(open_page: Open, usual_site: Site) -> None:
    """A header is a button: once sorts upwards, twice downwards; numbers in versions are compared as numbers."""
    page, _ = await open_page(usual_site.url(IMAGE))
    header = page.get_by_role("columnheader", name="Version")
    await header.get_by_role("button").focus()
    for expected in ("ascending", "descending"):
        await page.keyboard.press("Enter")
        assert expected == await header.get_attribute("aria-sort")
    versions = await page.locator("#rows tbody td:nth-child(4)").all_text_contents()
    assert ["7.88.1-10", "6.1.90-1", "5.36.0-7", "4.17.15"] == list(dict.fromkeys(versions))[:4]
    severity = page.get_by_role("columnheader", name="Severity")
    await severity.get_by_role("button").click()
    assert "descending" == await severity.get_attribute("aria-sort")
    words = await page.locator("#rows tbody td:first-child").all_text_contents()
    assert ["critical", "high", "medium", "low", "negligible", "unknown"] == list(dict.fromkeys(words))


async def test_table_is_one_for_a_screen_reader(open_page: Open, usual_site: Site) -> None:
    """Rows laid out as grids are rows of a table with headers; a chart has a text; the place in the site is named."""
    page, _ = await open_page(usual_site.url(IMAGE))
    table = page.get_by_role("table", name="Vulnerabilities")
    assert 1 + len(FOUND) == await table.get_by_role("row").count()
    assert 1 == await table.get_by_role("row", name="CVE-2016-1000").count()
    assert 7 == await table.get_by_role("columnheader").count()
    await page.get_by_role("heading", name="Severities").click()
    assert 1 == await page.get_by_role("img", name="Vulnerabilities by severity").count()
    trail = page.get_by_role("navigation", name="Breadcrumb")
    assert ["Overview", "team/app"] == await trail.get_by_role("link").all_inner_texts()


@pytest.mark.parametrize("name", [*PAGES, "hostile"])
async def test_narrow(open_page: Open, usual_site: Site, hostile_site: Site, name: str) -> None:
    """At 400 pixels nothing sticks out, not even a text of a megabyte."""
    url = hostile_site.url("images/") if name == "hostile" else usual_site.url(PAGES[name])
    page, _ = await open_page(url, 400)
    assert 400 == await page.evaluate("document.documentElement.scrollWidth")


@pytest.fixture(scope="module")
def long_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site of one image with 500 vulnerabilities."""
    return write_site(tmp_path_factory.mktemp("long"), make_document(make_report(*many_vulnerabilities(500))))


@pytest.mark.parametrize("width", [1280, 400])
async def test_five_hundred_rows_are_short(open_page: Open, long_site: Site, width: int) -> None:
    """500 rows take 18,000 pixels at most, the table begins on the first screen, each is drawn, and no id is cut."""
    page, _ = await open_page(long_site.url("images/"), width)
    assert 18_000 >= await page.evaluate("document.documentElement.scrollHeight")
    assert 850 >= await page.evaluate("document.getElementById('rows').getBoundingClientRect().top")
    seen = "rows => rows.every(row => row.checkVisibility({ contentVisibilityAuto: true }))"
    assert await page.locator("#rows tbody th").evaluate_all(seen)
    end = "one.getBoundingClientRect().right"
    cut = f"ids => ids.filter(one => {end} > {end.replace('one', 'one.parentElement')}).map(one => one.textContent)"
    assert [] == await page.locator("#rows tbody th > a").evaluate_all(cut)


async def test_the_filter_is_in_the_address(open_page: Open, usual_site: Site) -> None:
    """What is filtered can be sent: the address that the filter writes shows the same rows."""
    page, _ = await open_page(usual_site.url(IMAGE))
    await page.get_by_label("Text").fill("lodash leaks")
    await page.get_by_label("with a fix only").click()
    await page.get_by_label("Found by").select_option("trivy")
    await page.wait_for_url("**#*by=trivy*")
    number = await shown(page)
    other, _ = await open_page(page.url)
    await wait_for_filter(other, number)
    assert ("lodash leaks", True) == (
        await other.get_by_label("Text").input_value(),
        await other.get_by_label("with a fix only").is_checked(),
    )
    await other.get_by_role("button", name="Clear").click()
    await wait_for_filter(other, len(FOUND))


async def test_a_vulnerability_has_an_address(open_page: Open, usual_site: Site) -> None:
    """The address of a row opens it, also where the filter would hide it; every id is a link."""
    page, _ = await open_page(f"{usual_site.url(IMAGE)}#v-{FOUND[-1].id}")
    row = page.locator(f"[id='v-{FOUND[-1].id}']")
    await row.locator("details[open]").wait_for()
    assert await row.locator("th a").is_visible()
    assert len(FOUND) == await page.locator("#rows tbody th a[href]").count()
    await page.get_by_label("Text").fill("nothing has this")
    await wait_for_filter(page, 0)
    await page.evaluate(f"location.hash = 'v-{FOUND[0].id}'")
    await page.locator(f"[id='v-{FOUND[0].id}'] details[open]").wait_for()


async def test_print(open_page: Open, usual_site: Site) -> None:
    """On paper there is no control, every row is laid out, and what the filter hides is said."""
    page, _ = await open_page(usual_site.url(IMAGE), color_scheme="dark")
    await page.get_by_label("with a fix only").click()
    await page.locator("#shown", has_text="30 hidden by the filter").wait_for()
    await page.emulate_media(media="print", color_scheme="dark")
    assert await page.locator("#filter").is_hidden()
    assert await page.get_by_role("heading", name="Scanners").is_visible()
    assert await page.locator("#shown").is_visible()
    assert "rgb(255, 255, 255)" == await page.evaluate("getComputedStyle(document.body).backgroundColor")
    of_all = "rows => rows.map(row => getComputedStyle(row).contentVisibility)"
    assert {"visible"} == {*await page.locator("#rows tbody tr").evaluate_all(of_all)}


async def test_rows_out_of_sight_cost_nothing(open_page: Open, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of thousands the browser skips rows that are far away, and finds them when they are asked for."""
    document = make_document(make_report(*many_vulnerabilities(1_100)))
    site = write_site(tmp_path_factory.mktemp("many"), document)
    page, _ = await open_page(site.url("images/"))
    last = page.locator("#rows tbody tr:last-child th bdi")
    seen = "one => one.checkVisibility({ contentVisibilityAuto: true })"
    assert not await last.evaluate(seen)
    await last.scroll_into_view_if_needed()
    await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert await last.evaluate(seen)
